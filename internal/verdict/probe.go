package verdict

// ProbeZone holds the names by which the filter tries itself; one stands in
// each category of the starter list. Names under "test" belong to nobody, by
// RFC 6761.
const ProbeZone = "belisha-probe.test"

// ProbeHost is the name that stands in a category.
func ProbeHost(category string) string { return category + "." + ProbeZone }

// ProbePhrase is a made-up word that weighs more than any limit, in the
// phrases that ship.
const ProbePhrase = "belishaprobephrasethatweighsmuch"
