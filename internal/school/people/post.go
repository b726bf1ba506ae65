package people

import (
	"slices"
	"time"
)

// Post is an office that somebody holds for a time. Posts carry what people
// may do; the table is in school/access.
type Post string

// The posts.
const (
	Headteacher            Post = "headteacher"
	DeputyHead             Post = "deputy-head"
	AssistantHead          Post = "assistant-head"
	SafeguardingLead       Post = "safeguarding-lead"
	DeputySafeguardingLead Post = "deputy-safeguarding-lead"
	OnlineSafetyLead       Post = "online-safety-lead"
	NetworkManager         Post = "network-manager"
	FilterManager          Post = "filter-manager"
	Monitor                Post = "monitor"
	OfficeManager          Post = "office-manager"
	BusinessManager        Post = "business-manager"
	DataManager            Post = "data-manager"
	ComputingLead          Post = "computing-lead"
	ChairOfGovernors       Post = "chair-of-governors"
	SafeguardingGovernor   Post = "safeguarding-governor"
	ITContractor           Post = "it-contractor"
)

// PostInfo says what a post is called and who may hold it.
type PostInfo struct {
	Post  Post
	Title string
	Says  string   // what the holder does here, in a sentence
	Words []string // how policies say it, besides Post and Title
	Kinds []Kind   // who may hold it; never a pupil
}

// Posts is every post, in the order that pages list them.
var Posts = []PostInfo{
	{Headteacher, "Head teacher", "Approves, and sees every promise that is not being kept.", []string{"head", "principal", "headmaster", "headmistress"}, []Kind{Staff}},
	{DeputyHead, "Deputy head", "Reads what the head reads.", []string{"deputy headteacher"}, []Kind{Staff}},
	{AssistantHead, "Assistant head", "Reads what the senior team reads.", []string{"assistant headteacher"}, []Kind{Staff}},
	{SafeguardingLead, "Designated safeguarding lead", "Is told first when a child may be at risk.", []string{"dsl", "safeguarding lead", "child protection officer", "designated lead"}, []Kind{Staff}},
	{DeputySafeguardingLead, "Deputy safeguarding lead", "Is told with the safeguarding lead.", []string{"deputy dsl", "ddsl"}, []Kind{Staff}},
	{OnlineSafetyLead, "Online-safety lead", "Looks after the online-safety policy and answers questions about it.", []string{"online safety lead", "e-safety coordinator", "esafety coordinator", "e-safety co-ordinator", "e-safety officer", "online safety coordinator"}, []Kind{Staff}},
	{NetworkManager, "Network manager", "Looks after the machines, the accounts and the backups.", []string{"it manager", "ict manager", "network administrator", "technician"}, []Kind{Staff, Contractor}},
	{FilterManager, "Filter manager", "May change the web filter.", []string{"filter management", "filtering manager"}, []Kind{Staff, Contractor}},
	{Monitor, "Authorised monitor", "May read the record of web use, with a purpose.", []string{"authorised monitor", "monitoring officer"}, []Kind{Staff}},
	{OfficeManager, "Office manager", "Looks after the roll and the forms.", []string{"school office manager"}, []Kind{Staff}},
	{BusinessManager, "Business manager", "Looks after kit and contracts.", []string{"school business manager", "bursar"}, []Kind{Staff}},
	{DataManager, "Data manager", "Looks after the roll and data protection.", []string{"data", "data protection officer", "data protection lead"}, []Kind{Staff, Contractor}},
	{ComputingLead, "Computing lead", "Leads the teaching of computing and online safety.", []string{"computing coordinator", "ict coordinator", "ict subject leader"}, []Kind{Staff}},
	{ChairOfGovernors, "Chair of governors", "Decides where the head may not decide alone.", []string{"chair"}, []Kind{Governor, Staff}},
	{SafeguardingGovernor, "Safeguarding governor", "Looks at the evidence for the governors.", []string{"governor", "e-safety governor", "online safety governor", "link governor"}, []Kind{Governor, Staff}},
	{ITContractor, "IT contractor", "Helps with the machines when asked.", []string{"contractor", "it support"}, []Kind{Contractor, Staff}},
}

// Info returns what is known of the post.
func (p Post) Info() (PostInfo, bool) {
	i := slices.IndexFunc(Posts, func(x PostInfo) bool { return x.Post == p })
	if i < 0 {
		return PostInfo{}, false
	}
	return Posts[i], true
}

// Title returns what a page calls the post.
func (p Post) Title() string {
	if i, ok := p.Info(); ok {
		return i.Title
	}
	return string(p)
}

// OpenTo reports whether a person of the kind may hold the post. No pupil
// holds any.
func (p Post) OpenTo(k Kind) bool {
	i, ok := p.Info()
	return ok && k != Pupil && slices.Contains(i.Kinds, k)
}

// Holder is one person's time in one post.
type Holder struct {
	ID     string
	Person ID
	Post   Post
	Deputy bool
	From   time.Time
	Until  time.Time // zero is open; the holder holds it before this moment
	// Public: named on the pages that everybody sees, with Contact.
	Public  bool
	Contact string // how to reach the holder, as pages show it
	Version int64
}

// At reports whether the post is held at the moment t.
func (h Holder) At(t time.Time) bool {
	return !t.Before(h.From) && (h.Until.IsZero() || t.Before(h.Until))
}
