package demo

import "belisha/internal/school/people"

// Account is a sign-in of the demonstration. The passwords are easy because
// everybody may read them here; a real school's must not be.
type Account struct {
	Role     string
	Username string
	Password string
	// Sees says what the account is for, in a few words.
	Sees string
}

// part is somebody of the cast: a person with a name and an account of their
// own.
type part struct {
	name    string // of the part
	role    string // as the printout says it
	sees    string
	given   string
	family  string
	kind    people.Kind
	year    people.Year
	posts   []people.Post
	public  bool
	contact string
}

// parts are the cast, in the order of the printout. The online-safety lead
// has no deputy: a promise that is not being kept.
func parts() []part {
	const office = "01632 960 101"
	return []part{
		{
			name: "head", role: "Head teacher", sees: "what needs the head, and every promise", given: "Amira", family: "Quist",
			kind: people.Staff, posts: []people.Post{people.Headteacher}, public: true, contact: office,
		},
		{
			name: "dsl", role: "Safeguarding lead", sees: "what may be worrying about a pupil", given: "Ruth", family: "Oyelaran",
			kind: people.Staff, posts: []people.Post{people.SafeguardingLead, people.AssistantHead}, public: true, contact: "Room 4, or " + office,
		},
		{
			name: "network", role: "Network manager", sees: "health, backups, accounts", given: "Owen", family: "Castellane",
			kind: people.Staff, posts: []people.Post{people.NetworkManager}, public: true, contact: "Room 11",
		},
		{
			name: "filter", role: "Filter manager", sees: "the filter, and may change it", given: "Leonie", family: "Brackwater",
			kind: people.Staff, posts: []people.Post{people.FilterManager},
		},
		{
			name: "monitor", role: "Authorised monitor", sees: "web activity, with a purpose", given: "Marjorie", family: "Fennimore",
			kind: people.Staff, posts: []people.Post{people.Monitor, people.OfficeManager}, contact: office,
		},
		{name: "teacher", role: "Teacher", sees: "the policy and the filter's answers", given: "Bethan", family: "Roscarrow", kind: people.Staff},
		{
			name: "office", role: "School office", sees: "the roll", given: "Dilys", family: "Hartwhistle",
			kind: people.Staff, posts: []people.Post{people.DataManager},
		},
		{
			name: "governor", role: "Chair of governors", sees: "the policy with its evidence, and may approve", given: "Gwendolen", family: "Marchbanks",
			kind: people.Governor, posts: []people.Post{people.ChairOfGovernors}, public: true,
		},
		{name: "pupil5", role: "Pupil, Year 5", sees: "the pupils' pages", given: "Maisie", family: "Nwankwo-Lyle", kind: people.Pupil, year: "5"},
		{name: "pupil10", role: "Pupil, Year 10", sees: "the pupils' pages", given: "Rowan", family: "Achterberg", kind: people.Pupil, year: "10"},
		{name: "parent", role: "Parent", sees: "the policy's public face", given: "Chinelo", family: "Nwankwo-Lyle", kind: people.Parent},
		{
			name: "contractor", role: "IT contractor", sees: "health and the filter, no names", given: "Dale", family: "Hartigan-Moss",
			kind: people.Contractor, posts: []people.Post{people.ITContractor},
		},
	}
}

// others hold posts and have an account whose password nobody knows.
func others() []part {
	return []part{
		{name: "deputy", given: "Tobias", family: "Penhallow", kind: people.Staff, posts: []people.Post{people.DeputyHead}},
		{name: "ddsl", given: "Gareth", family: "Llewhelin", kind: people.Staff, posts: []people.Post{people.DeputySafeguardingLead}, public: true},
		{name: "online", given: "Priya", family: "Ranasinghe-Cole", kind: people.Staff, posts: []people.Post{people.OnlineSafetyLead}, public: true, contact: "Room 7"},
		{name: "computing", given: "Samir", family: "Wexcombe", kind: people.Staff, posts: []people.Post{people.ComputingLead, people.FilterManager}},
		{name: "business", given: "Idris", family: "Callowhill", kind: people.Staff, posts: []people.Post{people.BusinessManager, people.Monitor}},
		{name: "assistant", given: "Nadia", family: "Thorsgill", kind: people.Staff, posts: []people.Post{people.AssistantHead, people.Monitor}},
		{name: "old-password", given: "Percival", family: "Drummonds", kind: people.Staff},
		{name: "link-governor", given: "Kofi", family: "Tremayle", kind: people.Governor, posts: []people.Post{people.SafeguardingGovernor}},
	}
}

// password is a demonstration account's: long enough for the shortest that a
// policy may ask of grown-ups, and easy to type.
func password(name string) string { return "amber-light-" + name }

// Accounts are the sign-ins of the demonstration, in the order to print.
func Accounts() []Account {
	var out []Account
	for _, p := range parts() {
		out = append(out, Account{Role: p.role, Username: p.name, Password: password(p.name), Sees: p.sees})
	}
	return out
}
