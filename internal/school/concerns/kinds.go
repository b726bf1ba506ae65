package concerns

import (
	"slices"

	"belisha/internal/kit/setting"
)

// Area is a risk area: the four that guidance names, and what else a school
// keeps in one log.
type Area string

// The areas.
const (
	Content  Area = "content"
	Contact  Area = "contact"
	Conduct  Area = "conduct"
	Commerce Area = "commerce"
	Security Area = "security"
	Staff    Area = "staff"
	Other    Area = "other"
)

// AreaInfo says what an area is called.
type AreaInfo struct {
	Area  Area
	Title string
	Says  string
	// Pupils: what is counted there is about children.
	Pupils bool
}

// Areas is every area, in the order of pages.
var Areas = []AreaInfo{
	{Content, "Content", "what a child sees or looks for", true},
	{Contact, "Contact", "what others do to a child", true},
	{Conduct, "Conduct", "what a child does", true},
	{Commerce, "Commerce", "money, games, tricks and advertising", true},
	{Security, "Security and equipment", "break-ins, losses, misuse", false},
	{Staff, "Staff", "conduct of staff, and harm to them", false},
	{Other, "Something else", "", true},
}

// Route is the way a case goes.
type Route string

// The routes.
const (
	ChildProtection Route = "child-protection"
	Behaviour       Route = "behaviour"
	StaffConduct    Route = "staff-conduct"
	HeadComplaint   Route = "head-complaint"
	SecurityRoute   Route = "security"
)

// RouteInfo says what a route is called.
type RouteInfo struct {
	Route Route
	Title string
	Says  string
}

// Routes is every route.
var Routes = []RouteInfo{
	{ChildProtection, "Child protection", "the safeguarding lead and the deputies, by the school's child-protection procedure"},
	{Behaviour, "Behaviour and bullying", "by the behaviour and anti-bullying policies"},
	{StaffConduct, "Conduct of staff", "the head teacher alone; hidden from whoever it is about"},
	{HeadComplaint, "About the head teacher", "the chair of governors alone"},
	{SecurityRoute, "Security incident", "those whom the policy lists; they see no child-protection case"},
}

func (r Route) title() string {
	for _, x := range Routes {
		if x.Route == r {
			return x.Title
		}
	}
	return string(r)
}

// Kind is what a concern is about.
type Kind struct {
	Value string
	Title string
	Area  Area
	Route Route
	Risk  int // 3 urgent, 2 high, 1 normal, until somebody looks
	// Police: it is decided at once whether the police or others are told.
	Police bool
	// Images: nothing is attached, whatever it shows.
	Images bool
	// Deliberate: the head investigates before it is closed.
	Deliberate bool
	// Care: it never leads to a sanction.
	Care bool
	// Sealed: whoever reports it is named to nobody.
	Sealed bool
	// Says is what to do, shown as it is chosen and with the case.
	Says string
}

const (
	dontLook = "Do not look further, copy, print or send it. Keep the device as it is and take it out of use. Tell the safeguarding lead in person, now."
	keepTalk = "Listen, do not promise secrecy, do not ask leading questions. Write the child's own words."
)

// Kinds is every kind a concern may have.
var Kinds = []Kind{
	{Value: "harmful-content", Title: "Came upon harmful or unsuitable content", Area: Content, Route: Behaviour, Risk: 1, Care: true, Says: "By accident: nobody is in trouble. Cover the screen and say what was seen, and where."},
	{Value: "self-harm", Title: "Self-harm, suicide or eating", Area: Content, Route: ChildProtection, Risk: 2, Care: true, Says: keepTalk},
	{Value: "hate", Title: "Hate or extremism", Area: Content, Route: ChildProtection, Risk: 2},
	{Value: "misinformation", Title: "False or made-up content, AI-made too", Area: Content, Route: Behaviour, Risk: 1},
	{Value: "deliberate-access", Title: "Looked for unsuitable content on purpose", Area: Content, Route: Behaviour, Risk: 1, Deliberate: true},
	{Value: "illegal", Title: "Material that may be against the law", Area: Content, Route: ChildProtection, Risk: 3, Police: true, Images: true, Says: dontLook},

	{Value: "grooming", Title: "Grooming or exploitation", Area: Contact, Route: ChildProtection, Risk: 3, Police: true, Care: true, Says: keepTalk},
	{Value: "unwanted-contact", Title: "Disturbing or unlawful contact", Area: Contact, Route: ChildProtection, Risk: 2, Police: true, Says: "Keep the messages; do not answer them."},
	{Value: "bullying", Title: "Bullied or threatened online", Area: Contact, Route: Behaviour, Risk: 2, Says: keepTalk},
	{Value: "sexual-harassment", Title: "Sexual harassment online", Area: Contact, Route: ChildProtection, Risk: 2, Care: true, Says: keepTalk},
	{Value: "identity", Title: "Account taken over, password shared, somebody pretended to be another", Area: Contact, Route: Behaviour, Risk: 1},

	{Value: "images", Title: "Nude or sexual images of a child, AI-made too", Area: Conduct, Route: ChildProtection, Risk: 3, Police: true, Images: true, Care: true, Says: dontLook},
	{Value: "messages", Title: "Inappropriate messages", Area: Conduct, Route: Behaviour, Risk: 1},
	{Value: "webcam", Title: "Misuse of a camera", Area: Conduct, Route: Behaviour, Risk: 1, Deliberate: true},
	{Value: "privacy", Title: "Private things shared", Area: Conduct, Route: Behaviour, Risk: 1},
	{Value: "footprint", Title: "What somebody left of themselves online", Area: Conduct, Route: Behaviour, Risk: 1},
	{Value: "time-online", Title: "Wellbeing and time online", Area: Conduct, Route: Behaviour, Risk: 1, Care: true},
	{Value: "copyright", Title: "Copyright", Area: Conduct, Route: Behaviour, Risk: 1},
	{Value: "misuse", Title: "Rules or the filter got round on purpose", Area: Conduct, Route: Behaviour, Risk: 1, Deliberate: true},

	{Value: "scam", Title: "Tricked out of money or data", Area: Commerce, Route: Behaviour, Risk: 1, Care: true},
	{Value: "gambling", Title: "Gambling or games for money", Area: Commerce, Route: Behaviour, Risk: 1},
	{Value: "advertising", Title: "Advertising unfit for children", Area: Commerce, Route: Behaviour, Risk: 1, Care: true},

	{Value: "breach", Title: "Break-in, or an attempt at one", Area: Security, Route: SecurityRoute, Risk: 2},
	{Value: "data-lost", Title: "Personal data lost, seen or sent to the wrong person", Area: Security, Route: SecurityRoute, Risk: 3, Says: "The clock runs: the data-protection lead decides within 72 hours whether the regulator is told."},
	{Value: "kit-lost", Title: "Equipment lost or stolen", Area: Security, Route: SecurityRoute, Risk: 2},
	{Value: "token-lost", Title: "Remote-access token or PIN lost or known", Area: Security, Route: SecurityRoute, Risk: 2},
	{Value: "virus", Title: "Virus notice", Area: Security, Route: SecurityRoute, Risk: 2, Says: "Leave the machine on, take it off the network, touch nothing else."},
	{Value: "unsolicited-mail", Title: "Unsolicited or deceiving mail", Area: Security, Route: SecurityRoute, Risk: 1},
	{Value: "unauthorised-use", Title: "Unauthorised use of an account or a machine", Area: Security, Route: SecurityRoute, Risk: 2},
	{Value: "rule-not-kept", Title: "A rule of the policy is not kept", Area: Security, Route: SecurityRoute, Risk: 1},

	{Value: "staff-conduct", Title: "Conduct of a member of staff", Area: Staff, Route: StaffConduct, Risk: 2},
	{Value: "affects-me", Title: "Something online that affects me as a member of staff", Area: Staff, Route: StaffConduct, Risk: 1},
	{Value: "whistle", Title: "Something wrong at the school; my name stays sealed", Area: Staff, Route: StaffConduct, Risk: 2, Sealed: true},
	{Value: "head", Title: "About the head teacher", Area: Staff, Route: HeadComplaint, Risk: 2, Sealed: true},

	{Value: "other", Title: "Something else", Area: Other, Route: ChildProtection, Risk: 1},
}

// KindOf returns the kind of a value.
func KindOf(value string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Value == value })
	if i < 0 {
		return Kind{Value: value, Title: value, Area: Other, Route: ChildProtection}, false
	}
	return Kinds[i], true
}

// kindsOf are the values of an area.
func kindsOf(a Area) []string {
	var out []string
	for _, k := range Kinds {
		if k.Area == a {
			out = append(out, k.Value)
		}
	}
	return out
}

// Also are the other logs that a school keeps beside this one; a case may be
// counted in them too.
var Also = []setting.Option{
	{Value: "behaviour", Title: "behaviour"},
	{Value: "bullying", Title: "bullying"},
	{Value: "racist", Title: "racist incident"},
	{Value: "homophobic", Title: "homophobic, biphobic or transphobic incident"},
	{Value: "off-site", Title: "it happened off site"},
}

// Roles are how somebody is in a case.
var Roles = []setting.Option{
	{Value: "harmed", Title: "was or may be harmed"},
	{Value: "harmer", Title: "may have harmed"},
	{Value: "witness", Title: "saw or heard it"},
}

const (
	roleHarmed  = "harmed"
	roleHarmer  = "harmer"
	roleWitness = "witness"
	roleKept    = "kept" // must not read it
)

func optionTitle(list []setting.Option, value string) string {
	for _, o := range list {
		if o.Value == value {
			return o.Title
		}
	}
	return value
}

func hasOption(list []setting.Option, value string) bool {
	return slices.ContainsFunc(list, func(o setting.Option) bool { return o.Value == value })
}
