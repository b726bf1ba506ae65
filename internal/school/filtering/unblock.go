package filtering

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// What somebody may do with sites that are opened for a lesson. Granting also
// needs a place on the list that the head confirmed.
const (
	MayAsk     actor.Capability = "filtering.unblock.ask"
	MayUnblock actor.Capability = "filtering.unblock.grant"
)

// Grants says who may ask for a site, who may grant it, and who sees the files
// that are asked for; the setting says whose word counts there.
func Grants() []access.Grant {
	return []access.Grant{
		{Audience: people.Staff, May: []actor.Capability{MayAsk, MayPermit}},
		{Post: people.FilterManager, May: []actor.Capability{MayUnblock, MayPermit, MayInside}},
		{Post: people.Headteacher, May: []actor.Capability{MayUnblock, MayInside}},
		{Post: people.NetworkManager, May: []actor.Capability{MayPermit, MayInside}},
		{Post: people.DeputyHead, May: []actor.Capability{MayInside}},
		{Post: people.AssistantHead, May: []actor.Capability{MayInside}},
		{Post: people.SafeguardingLead, May: []actor.Capability{MayInside}},
		{Post: people.OnlineSafetyLead, May: []actor.Capability{MayInside}},
		{Post: people.DataManager, May: []actor.Capability{MayInside}},
		{Post: people.Monitor, May: []actor.Capability{MayInside}},
	}
}

// The verbs of timed unblocks. What comes into force or leaves it is a change
// of the filter besides.
const (
	VerbUnblockAsked     journal.Verb = "unblock.asked"
	VerbUnblockGranted   journal.Verb = "unblock.granted"
	VerbUnblockRefused   journal.Verb = "unblock.refused"
	VerbUnblockWithdrawn journal.Verb = "unblock.withdrawn"
	VerbUnblockLapsed    journal.Verb = "unblock.lapsed"
	VerbUnblockEnded     journal.Verb = "unblock.ended"
)

// UnblockState is where a timed unblock stands.
type UnblockState string

// The states of a timed unblock. One that was granted opens its sites from
// its beginning to its end and no longer, whatever else happens.
const (
	UnblockAsked     UnblockState = "asked"
	UnblockGranted   UnblockState = "granted"
	UnblockRefused   UnblockState = "refused"
	UnblockWithdrawn UnblockState = "withdrawn"
	UnblockLapsed    UnblockState = "lapsed" // nobody decided before its end
	UnblockEnded     UnblockState = "ended"
)

// ForPupils is an unblock for every pupil; ForClass and ForYear make the
// narrower ones.
const ForPupils = "pupils"

const (
	classMark = "class:"
	yearMark  = "year:"
)

// ForClass is an unblock for one class, and for the staff who teach it.
func ForClass(class string) string { return classMark + class }

// ForYear is an unblock for one year group.
func ForYear(y people.Year) string { return yearMark + string(y) }

// ClassLabels are the classes that presence gives for somebody: their
// registration class, the classes they are in or teach, and a pupil's year.
func ClassLabels(p people.Person, classes []string) []string {
	var out []string
	if p.Kind == people.Pupil {
		if p.Class != "" {
			out = append(out, ForClass(p.Class))
		}
		if p.Year != "" {
			out = append(out, ForYear(p.Year))
		}
	}
	for _, c := range classes {
		if label := ForClass(c); c != "" && !slices.Contains(out, label) {
			out = append(out, label)
		}
	}
	return out
}

// forWords is for whom an unblock is: "class 8B", "Year 8", "all pupils".
func forWords(label string) string {
	if c, ok := strings.CutPrefix(label, classMark); ok {
		return "class " + c
	}
	if y, ok := strings.CutPrefix(label, yearMark); ok {
		return people.Year(y).Words()
	}
	return "all pupils"
}

// Unblock is a closed site that somebody asked to have opened for a class, a
// purpose and a time.
type Unblock struct {
	ID      string
	Hosts   []string // each with everything below it
	For     string   // ForClass, ForYear or ForPupils
	Purpose string
	From    time.Time
	Until   time.Time
	// Social: one of the sites is a social one, which the policy must allow.
	Social    bool
	State     UnblockState
	AskedAt   time.Time
	AskedBy   people.ID
	DecidedAt time.Time
	DecidedBy people.ID
	Answer    string // why it was refused
	EndedAt   time.Time
	EndedBy   string // actor
	Version   int64
}

// Running reports whether the sites are open at the moment.
func (u Unblock) Running(now time.Time) bool {
	return u.State == UnblockGranted && !now.Before(u.From) && now.Before(u.Until)
}

// says is the unblock in words: "example.com is open for class 8B, Monday 23
// November, 10:00 to 10:40".
func (u Unblock) says(w words.Words) string {
	return strings.Join(u.Hosts, ", ") + " " + words.Plural(len(u.Hosts), "is", "are") + " open for " + forWords(u.For) +
		", " + w.Moment(u.From) + " to " + w.Clock(u.Until)
}

// Bounds of what may be asked.
const (
	mostHosts      = 5
	leastPurpose   = 10
	mostPurpose    = 300
	leastMinutes   = 5
	mostMinutes    = 120
	mostAhead      = 14 * day
	mostAskedEach  = 20  // undecided ones of one person
	mostAskedAll   = 500 // undecided ones
	mostGranted    = 500 // that have not ended
	lateBy         = 2 * time.Minute
	socialCategory = "social-networks"
)

// socialCategories are the kinds of social site that filtering.social.unblock
// decides about.
var socialCategories = []string{socialCategory, "chat", "anonymous-messaging", "newsgroups-forums"}

// neverOpened are categories that no timed unblock opens, besides what nobody
// may open and what alerts the safeguarding lead.
var neverOpened = []string{
	"adult", "illegal", "malware", "phishing", mixedScript, "nudify", "webcam", "random-video", "dating", "extremism",
	"vpn", "web-proxy", "foreign-dns",
}

// unliftable are the categories that no timed unblock opens under the values.
func unliftable(v *setting.Values, all []verdict.Category) []string {
	required := v.Items(keyRequired)
	var out []string
	for _, c := range all {
		if c.Alert != "" || slices.Contains(neverOpened, c.Slug) || slices.Contains(required, c.Slug) {
			out = append(out, c.Slug)
		}
	}
	return out
}

// unblocks brings what was granted into the rules. What the policy does not
// allow any more is left out.
func (m *maker) unblocks() error {
	m.rules.Unliftable = unliftable(m.v, m.rules.Categories)
	for _, u := range m.st.unblocks {
		if u.Social && !m.v.Bool(keyUnblock) {
			continue
		}
		who := verdict.Who{Groups: slices.Clone(m.members[GroupPupils])}
		if u.For != ForPupils {
			who.Classes = []string{u.For}
			if !slices.Contains(m.rules.Classes, u.For) {
				m.rules.Classes = append(m.rules.Classes, u.For)
			}
		}
		if strings.HasPrefix(u.For, classMark) {
			who.Groups = append(who.Groups, m.members[GroupStaff]...) // whoever teaches the class shows it
		}
		m.rules.Unblocks = append(m.rules.Unblocks, verdict.Unblock{
			ID: u.ID, Who: who, Span: verdict.Span{From: store.Millis(u.From), Until: store.Millis(u.Until)}, Hosts: u.Hosts,
		})
	}
	slices.Sort(m.rules.Classes)
	return nil
}

// check brings what was asked into its one form and says what is wrong.
func (u *Unblock) check(now time.Time, longest time.Duration) error {
	bad := store.Invalid{}
	u.Purpose = strings.Join(strings.Fields(u.Purpose), " ")
	if n := len([]rune(u.Purpose)); n < leastPurpose || n > mostPurpose {
		bad["purpose"] = fmt.Sprintf("Write what the class does with it, in %d to %d letters.", leastPurpose, mostPurpose)
	}
	if err := u.checkHosts(); err != nil {
		bad["hosts"] = err.Error()
	}
	long := u.Until.Sub(u.From)
	most := min(longest, mostMinutes*time.Minute)
	switch {
	case u.From.Before(now.Add(-lateBy)):
		bad["from"] = "The beginning has passed already."
	case u.From.After(now.Add(mostAhead)):
		bad["from"] = fmt.Sprintf("Ask at most %s ahead.", words.Length(mostAhead))
	case long < leastMinutes*time.Minute || long > most:
		bad["minutes"] = fmt.Sprintf("A site is opened for %d minutes to %s.", leastMinutes, words.Length(most))
	}
	return bad.OrNil()
}

func (u *Unblock) checkHosts() error {
	var out []string
	for _, text := range u.Hosts {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		host, err := oneHost(text)
		if err != nil {
			return err
		}
		if !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	if len(out) == 0 {
		return errors.New("write which site is to be opened, such as example.com")
	}
	if len(out) > mostHosts {
		return fmt.Errorf("write at most %d sites; ask again for more", mostHosts)
	}
	slices.Sort(out)
	u.Hosts = out
	return nil
}

// oneHost is the site of what somebody typed or copied from the address bar.
func oneHost(text string) (string, error) {
	if len(text) > maxEntry {
		return "", fmt.Errorf("%.30q goes on too long for the name of a site", text)
	}
	parts, err := verdict.CanonicalURL(text)
	if err != nil {
		return "", fmt.Errorf("%.60q is not the name of a site. Write one such as example.com", text)
	}
	o := Own{Text: parts.Host}
	if err := o.canonical(); err != nil {
		return "", err
	}
	if _, number := netip.ParseAddr(strings.Trim(o.Text, "[]")); number == nil || strings.ContainsAny(o.Text, "/=") || !strings.Contains(o.Text, ".") {
		return "", fmt.Errorf("%.60q is not the name of a site. Write one such as example.com", text)
	}
	return o.Text, nil
}

// known refuses an unblock for a class or year that nobody is in.
func (r *Room) known(ctx context.Context, label string) error {
	var f people.Filter
	switch {
	case label == ForPupils:
		return nil
	case strings.HasPrefix(label, yearMark):
		f = people.Filter{Kind: people.Pupil, Year: people.Year(strings.TrimPrefix(label, yearMark)), Limit: 1}
	case strings.HasPrefix(label, classMark):
		class := strings.TrimPrefix(label, classMark)
		members, err := r.d.People.Members(ctx, class, false)
		if err != nil {
			return fmt.Errorf("reading the class: %w", err)
		}
		if len(members) > 0 {
			return nil
		}
		f = people.Filter{Kind: people.Pupil, Class: class, Limit: 1}
	}
	if f.Class == "" && f.Year == "" {
		return store.Invalid{"for": "Choose the class, the year or all pupils."}
	}
	_, n, err := r.d.People.List(ctx, f)
	if err != nil {
		return fmt.Errorf("looking for the class on the roll: %w", err)
	}
	if n == 0 {
		return store.Invalid{"for": "There is no pupil in " + forWords(label) + " any more. Choose another class."}
	}
	return nil
}
