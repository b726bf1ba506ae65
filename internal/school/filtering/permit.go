package filtering

import (
	"context"
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
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// MayPermit is the page on which permission for a file is given. Staff have
// it; whose word counts is a setting.
const MayPermit actor.Capability = "filtering.permit.grant"

// The verbs of permits. What comes into force or leaves it is a change of the
// filter besides.
const (
	VerbPermitAsked     journal.Verb = "permit.asked"
	VerbPermitGranted   journal.Verb = "permit.granted"
	VerbPermitRefused   journal.Verb = "permit.refused"
	VerbPermitWithdrawn journal.Verb = "permit.withdrawn"
	VerbPermitLapsed    journal.Verb = "permit.lapsed"
	VerbPermitEnded     journal.Verb = "permit.ended"
)

// Permit is one file that somebody asked to download although its kind is
// closed. It is for whoever asked, and for nobody else.
type Permit struct {
	ID        string
	Host      string
	Path      string // with its query, as the browser asks for it
	Hash      string // SHA-256 in hex, where only these very bytes are meant
	Purpose   string
	Group     string // of whoever asks: pupils, staff or guests
	State     UnblockState
	AskedAt   time.Time
	AskedBy   people.ID
	From      time.Time
	Until     time.Time // while it is asked: until when somebody may decide
	DecidedAt time.Time
	DecidedBy people.ID
	Answer    string // why it was refused
	EndedAt   time.Time
	EndedBy   string // actor
	Version   int64
}

// Running reports whether the file may be downloaded at the moment.
func (p Permit) Running(now time.Time) bool {
	return p.State == UnblockGranted && !now.Before(p.From) && now.Before(p.Until)
}

// Address is the file as a person reads it: example.org/setup.exe.
func (p Permit) Address() string { return p.Host + p.Path }

// says is the permit in words. It names nobody.
func (p Permit) says(w words.Words) string {
	return p.Address() + " may be downloaded by whoever asked (" + p.Group + "), " + w.Moment(p.From) + " to " + w.Moment(p.Until)
}

// Bounds of what may be asked.
const (
	mostPermitPath  = 2000
	mostPermitsEach = 10   // undecided ones of one person
	mostPermitsAll  = 2000 // undecided ones
	mostPermits     = 2000 // granted, that have not ended
	permitWaits     = 7 * day
	leastPermit     = 10 * time.Minute
)

// permitMark begins the label by which the filter knows who a permit is for:
// presence gives it to whoever asked. It tells nobody's name.
const permitMark = "permit:"

// permits brings what was granted into the rules.
func (m *maker) permits() error {
	for _, p := range m.st.permits {
		label := permitMark + p.ID
		m.rules.Classes = append(m.rules.Classes, label)
		m.rules.Permits = append(m.rules.Permits, verdict.Permit{
			ID: p.ID, Who: verdict.Who{Classes: []string{label}}, Host: p.Host, Path: p.Path, Hash: p.Hash,
			Span: verdict.Span{From: store.Millis(p.From), Until: store.Millis(p.Until)},
		})
	}
	slices.Sort(m.rules.Classes)
	return nil
}

// PermitLabels are the labels that presence gives for somebody besides their
// classes, so that the filter knows the files that they may download.
func (r *Room) PermitLabels(id people.ID) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.permitted[id])
}

// readPermits brings what PermitLabels knows up to date.
func (r *Room) readPermits(ctx context.Context) error {
	list, err := grantedPermits(ctx, r.d.DB)
	if err != nil {
		return fmt.Errorf("reading which files are permitted: %w", err)
	}
	by := map[people.ID][]string{}
	for _, p := range list {
		by[p.AskedBy] = append(by[p.AskedBy], permitMark+p.ID)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.permitted = by
	return nil
}

// approverOptions are the posts that may be made to permit files.
func approverOptions() []setting.Option {
	out := []setting.Option{{Value: AnyStaff, Title: "any member of staff", Words: []string{"a member of staff", "teachers", "teacher", "the class teacher"}}}
	for _, p := range people.Posts {
		if p.Post.OpenTo(people.Staff) && p.Post != people.ChairOfGovernors && p.Post != people.SafeguardingGovernor {
			out = append(out, setting.Option{Value: string(p.Post), Title: lowerFirst(p.Title), Words: p.Words})
		}
	}
	return out
}

// check brings what was asked into its one form and says what is wrong.
func (p *Permit) check(raw string) error {
	bad := store.Invalid{}
	p.Purpose = strings.Join(strings.Fields(p.Purpose), " ")
	if n := len([]rune(p.Purpose)); n < leastPurpose || n > mostPurpose {
		bad["purpose"] = fmt.Sprintf("Write what you need the file for, in %d to %d letters.", leastPurpose, mostPurpose)
	}
	if err := p.address(raw); err != nil {
		bad["url"] = err.Error()
	}
	if p.Hash != "" && (len(p.Hash) != 64 || strings.Trim(p.Hash, "0123456789abcdef") != "") {
		p.Hash = ""
	}
	return bad.OrNil()
}

// address reads the file's address as a browser asks for it.
func (p *Permit) address(raw string) error {
	raw = strings.TrimSpace(raw)
	parts, err := verdict.CanonicalURL(raw)
	switch {
	case raw == "" || err != nil:
		return fmt.Errorf("%.80q is not the address of a file. Copy it from the page that says that the file is closed", raw)
	case len(parts.Path) > mostPermitPath:
		return fmt.Errorf("the address goes on for more than %d characters", mostPermitPath)
	case strings.ContainsFunc(parts.Path, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return fmt.Errorf("%.80q has a space or a letter in it that no browser sends. Copy the address from the page that says that the file is closed", raw)
	}
	if _, err := netip.ParseAddr(strings.Trim(parts.Host, "[]")); err == nil {
		return fmt.Errorf("%.80q is an address of numbers; a file is permitted by its name alone", raw)
	}
	p.Host, p.Path = parts.Host, parts.Path
	if p.Path == "" {
		p.Path = "/"
	}
	return nil
}

func permitRows(p Permit) []journal.Row {
	return []journal.Row{{Table: "filter_permits", ID: p.ID}}
}

// approvers are the posts that decide what somebody of the group asks.
func (r *Room) approvers(group string) []string {
	return r.d.Live.Current().Items(keyApprover, setting.Scope{Group: group})
}

// permitDeciders is who decides about a permit: the posts, whether any member of
// staff does, and the holders at this moment besides whoever asked.
type permitDeciders struct {
	posts    []people.Post
	anyStaff bool
	holders  []people.ID
	// head: nobody else can, so the head or the deputy does.
	head bool
}

func (r *Room) permitDeciders(ctx context.Context, p Permit) (permitDeciders, error) {
	var d permitDeciders
	for _, post := range r.approvers(p.Group) {
		if post == AnyStaff {
			d.anyStaff = true
			continue
		}
		d.posts = append(d.posts, people.Post(post))
	}
	if err := r.holding(ctx, &d, p.AskedBy); err != nil {
		return d, err
	}
	if d.anyStaff || len(d.holders) > 0 {
		return d, nil
	}
	d.head, d.posts = true, []people.Post{people.Headteacher, people.DeputyHead}
	return d, r.holding(ctx, &d, p.AskedBy)
}

// holding notes who holds the posts just now.
func (r *Room) holding(ctx context.Context, d *permitDeciders, asker people.ID) error {
	for _, post := range d.posts {
		offices, err := r.d.People.HoldersAt(ctx, post, r.now())
		if err != nil {
			return fmt.Errorf("asking who permits files: %w", err)
		}
		for _, o := range offices {
			if o.Person.ID != asker && !slices.Contains(d.holders, o.Person.ID) {
				d.holders = append(d.holders, o.Person.ID)
			}
		}
	}
	return nil
}

// mayPermit says whether the actor may decide about the permit, and if not,
// why not in a sentence.
func (r *Room) mayPermit(ctx context.Context, a actor.Actor, p Permit) (string, error) {
	if a.Kind != actor.Person || a.Audience == actor.Pupil || !a.May(MayPermit) {
		return "Only staff decide this.", nil
	}
	if people.ID(a.Person) == p.AskedBy {
		return "Somebody else decides what you asked for yourself.", nil
	}
	d, err := r.permitDeciders(ctx, p)
	if err != nil {
		return "", err
	}
	if d.anyStaff && a.Audience == actor.Staff || slices.Contains(d.holders, people.ID(a.Person)) {
		return "", nil
	}
	return "Files of " + p.Group + " are permitted by the " + words.And(postTitles(d.posts)) + ".", nil
}

func postTitles(posts []people.Post) []string {
	var out []string
	for _, p := range posts {
		out = append(out, lowerFirst(p.Title()))
	}
	return out
}
