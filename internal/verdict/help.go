package verdict

import "slices"

// helpFloor are the services that a child in need must always reach, each
// name with all below it. No rule, list, lock, pause or missing snapshot
// closes them. Only services that help belong here: a name here opens to
// everyone, unseen.
var helpFloor = []string{
	"childline.org.uk",
	"ceop.police.uk",
	"reportremove.iwf.org.uk",
	"report.iwf.org.uk",
	"nspcc.org.uk",
	"samaritans.org",
	"papyrus-uk.org",
	"giveusashout.org",
	"beateatingdisorders.org.uk",
	"switchboard.lgbt",
	"themix.org.uk",
	"youngminds.org.uk",
	"kooth.com",
	"stopitnow.org.uk",
	"shorespace.org.uk",
	"reportharmfulcontent.com",
	"thinkuknow.co.uk",
	"ceopeducation.co.uk",
	"runawayhelpline.org.uk",
	"refuge.org.uk",
	"nationaldahelpline.org.uk",
	"rapecrisis.org.uk",
	"mind.org.uk",
	"thecalmzone.net",
	"talktofrank.com",
	"winstonswish.org",
	"nacoa.org.uk",
	"anti-bullyingalliance.org.uk",
	"111.nhs.uk",
}

// HelpFloor lists the host names of the help floor that is built in.
func HelpFloor() []string { return slices.Clone(helpFloor) }
