package filtering

// Preset is a published list that a school may choose. Nothing is fetched of
// it, and its server is not asked, until somebody does.
type Preset struct {
	ID       string
	Title    string
	What     string
	Licence  string
	URL      string
	Format   string
	Category string
}

// Presets are published lists whose licences let a school fetch and use them.
// Whether a list is good enough is the school's to judge.
func Presets() []Preset {
	one := func(id, title, what, category string) Preset {
		return Preset{
			ID: id, Title: title, What: what, Licence: "Unlicense or MIT", Format: "hosts", Category: category,
			URL: "https://blocklistproject.github.io/Lists/" + id[len("blp-"):] + ".txt",
		}
	}
	other := func(id, title, what, category, file string) Preset {
		return Preset{
			ID: id, Title: title, What: what, Licence: "MIT", Format: "hosts", Category: category,
			URL: "https://raw.githubusercontent.com/Sinfonietta/hostfiles/master/" + file,
		}
	}
	return []Preset{
		{
			ID: "ut1", Title: "UT1", What: "About 60 categories, kept by the university of Toulouse; the widest of the free lists",
			Licence: "Creative Commons BY-SA 4.0: name the university where you pass it on", Format: "ut1",
			URL: "https://dsi.ut-capitole.fr/blacklists/download/blacklists.tar.gz",
		},
		one("blp-gambling", "Block List Project: gambling", "Betting and casinos", "gambling"),
		one("blp-porn", "Block List Project: pornography", "Sexual sites", "adult"),
		one("blp-drugs", "Block List Project: drugs", "Sites that sell drugs", "drugs"),
		one("blp-phishing", "Block List Project: phishing", "Sites that steal passwords", "phishing"),
		one("blp-malware", "Block List Project: malware", "Sites that spread harmful programs", "malware"),
		one("blp-piracy", "Block List Project: piracy", "Unlawful copies", "piracy"),
		other("sinfonietta-pornography", "Sinfonietta: pornography", "Sexual sites", "adult", "pornography-hosts"),
		other("sinfonietta-gambling", "Sinfonietta: gambling", "Betting and casinos", "gambling", "gambling-hosts"),
		other("sinfonietta-social", "Sinfonietta: social networks", "Social networks", "social-networks", "social-hosts"),
	}
}

// presetBy finds a preset.
func presetBy(id string) (Preset, bool) {
	for _, p := range Presets() {
		if p.ID == id {
			return p, true
		}
	}
	return Preset{}, false
}
