package demo

import "belisha/internal/school/people"

// band is who a topic is for.
type band string

const (
	little band = "little" // reception to year 2
	junior band = "junior" // years 3 to 6
	senior band = "senior" // years 7 to 11
	grown  band = "grown"  // staff
)

func bandOf(s people.KeyStage) band {
	switch s {
	case people.EYFS, people.KS1:
		return little
	case people.KS2:
		return junior
	default:
		return senior
	}
}

// page is one address that is visited. Where only the name is seen, as
// through a tunnel, Path is empty.
type page struct {
	host, path string
	engine     string
	words      string
}

// topic is what a lesson or a quiet minute is about.
type topic struct {
	name  string
	pages []page
}

func names(hosts ...string) []page {
	var out []page
	for _, h := range hosts {
		out = append(out, page{host: h})
	}
	return out
}

// search is a page of a search service that is asked without TLS, so that the
// words are seen.
func search(engine, host, words string) page {
	return page{host: host, path: "/search", engine: engine, words: words}
}

// lessons are what classes look at together.
func lessons() map[band][]topic {
	return map[band][]topic{
		little: {
			{"phonics", names("www.phonicsplay.co.uk", "www.oxfordowl.co.uk", "www.teachyourmonster.org")},
			{"numbers", names("www.topmarks.co.uk", "whiterosemaths.com", "www.ictgames.com", "nrich.maths.org")},
			{"stories", names("www.bbc.co.uk", "www.booktrust.org.uk", "www.storylineonline.net")},
			{"minibeasts", names("www.rspb.org.uk", "www.woodlandtrust.org.uk", "www.natgeokids.com")},
		},
		junior: {
			{"volcanoes", append(names("www.natgeokids.com", "www.bbc.co.uk", "kids.britannica.com", "www.dkfindout.com"),
				search("kiddle", "www.kiddle.co", "how do volcanoes erupt"), search("kiddle", "www.kiddle.co", "mount vesuvius for children"))},
			{"romans", append(names("www.bbc.co.uk", "www.english-heritage.org.uk", "www.britishmuseum.org", "www.dkfindout.com"),
				search("kiddle", "www.kiddle.co", "roman soldiers armour"))},
			{"coding", names("scratch.mit.edu", "code.org", "blockly.games", "microbit.org", "www.barefootcomputing.org")},
			{"tables", names("ttrockstars.com", "play.ttrockstars.com", "www.mathletics.com", "www.topmarks.co.uk")},
			{"writing", names("www.literacyshed.com", "www.purplemash.com", "www.oxfordowl.co.uk", "www.thenational.academy")},
			{"rivers", names("www.ordnancesurvey.co.uk", "www.bbc.co.uk", "www.metoffice.gov.uk", "earth.google.com")},
		},
		senior: {
			{"physics", append(names("phet.colorado.edu", "www.bbc.co.uk", "www.physicsandmathstutor.com", "senecalearning.com", "isaacphysics.org"),
				search("duckduckgo", "duckduckgo.com", "specific heat capacity practical"))},
			{"biology", names("www.bbc.co.uk", "senecalearning.com", "www.kerboodle.com", "en.wikipedia.org", "www.nhs.uk")},
			{"english", append(names("www.bbc.co.uk", "www.bl.uk", "www.poetryfoundation.org", "en.wikipedia.org", "www.sparknotes.com"),
				search("duckduckgo", "duckduckgo.com", "macbeth act 1 scene 7 themes"))},
			{"history", append(names("www.nationalarchives.gov.uk", "www.iwm.org.uk", "www.britannica.com", "en.wikipedia.org", "www.annefrank.org"),
				search("duckduckgo", "duckduckgo.com", "causes of the first world war gcse"))},
			{"maths", names("www.drfrostmaths.com", "corbettmaths.com", "sparxmaths.uk", "www.desmos.com", "www.geogebra.org")},
			{"languages", names("www.duolingo.com", "quizlet.com", "www.linguascope.com", "www.wordreference.com", "www.deepl.com")},
			{"computing", names("www.python.org", "replit.com", "www.w3schools.com", "isaaccomputerscience.org", "github.com")},
			{"geography", names("www.bbc.co.uk", "www.ordnancesurvey.co.uk", "www.rgs.org", "www.gapminder.org", "www.metoffice.gov.uk")},
			{"careers", names("nationalcareers.service.gov.uk", "www.ucas.com", "www.bbc.co.uk", "www.apprenticeships.gov.uk")},
			{"platform", names("classroom.google.com", "docs.google.com", "drive.google.com", "app.showbie.com", "teams.microsoft.com")},
		},
		grown: {
			{"planning", names("www.twinkl.co.uk", "www.tes.com", "www.thenational.academy", "classroom.google.com", "docs.google.com")},
			{"office", names("outlook.office.com", "www.gov.uk", "www.arbor-education.com", "www.parentpay.com", "login.microsoftonline.com")},
			{"news", names("www.bbc.co.uk", "www.theguardian.com", "schoolsweek.co.uk", "www.tes.com")},
			{"trip", names("www.nationaltrust.org.uk", "www.nationalrail.co.uk", "www.google.co.uk", "www.metoffice.gov.uk")},
			{"shop", names("www.amazon.co.uk", "www.ypo.co.uk", "www.tts-group.co.uk", "www.eduvault.example")},
			{"video", names("www.youtube.com", "i.ytimg.com", "www.google.co.uk")},
		},
	}
}

// pauses are what people try when nobody minds: most of it is closed.
func pauses() map[band][]topic {
	return map[band][]topic{
		little: {{"games", names("www.poki.com", "www.cbeebies.com", "www.bbc.co.uk", "www.legogames.com")}},
		junior: {
			{"games", names("www.roblox.com", "poki.com", "www.crazygames.com", "www.coolmathgames.com", "www.friv.com")},
			{"video", names("www.youtube.com", "i.ytimg.com", "www.youtubekids.com")},
			{"shopping", names("www.smythstoys.com", "www.argos.co.uk")},
		},
		senior: {
			{"social", names("www.tiktok.com", "www.instagram.com", "www.snapchat.com", "web.whatsapp.com", "discord.com")},
			{"games", names("krunker.io", "www.chess.com", "slither.io", "1v1.lol", "store.steampowered.com", "www.coolmathgames.com")},
			{"video", names("www.youtube.com", "i.ytimg.com", "www.twitch.tv", "www.netflix.com")},
			{"music", names("open.spotify.com", "soundcloud.com", "www.youtube.com")},
			{"shopping", names("www.vinted.co.uk", "www.asos.com", "www.nike.com", "www.sportsdirect.com")},
			{"chatbot", names("chatgpt.com", "character.ai", "gemini.google.com", "www.perplexity.ai")},
			{"way round", names("www.proxysite.com", "nordvpn.com", "protonvpn.com", "www.croxyproxy.com", "dns.google")},
			{"football", names("www.bbc.co.uk", "www.skysports.com", "www.premierleague.com", "www.bet365.com")},
		},
		grown: {
			{"social", names("www.facebook.com", "www.instagram.com", "www.linkedin.com", "uk.pinterest.com")},
			{"weekend", names("www.rightmove.co.uk", "www.booking.com", "www.bbc.co.uk", "www.ebay.co.uk")},
		},
	}
}

// around are the names that pages bring along.
func around() []string {
	return []string{"fonts.gstatic.com", "ajax.googleapis.com", "cdn.jsdelivr.net", "www.googletagmanager.com", "static.bbc.co.uk", "fonts.googleapis.com"}
}

// worries are pages that a signal is raised for. They are named by the list
// alone: nothing here shows what they hold.
func worries() []page {
	return []page{
		{host: "www.tumblr.com", path: "/tagged/self-harm"},
		{host: "www.tiktok.com", path: "/tag/selfharm"},
		{host: "www.instagram.com", path: "/explore/tags/selfharm/"},
	}
}
