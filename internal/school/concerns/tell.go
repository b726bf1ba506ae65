package concerns

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Abouts are whom somebody tells about, in a child's words.
var Abouts = []setting.Option{
	{Value: "me", Title: "Me"},
	{Value: "friend", Title: "A friend, or somebody I know"},
	{Value: "saw", Title: "Something I saw"},
	{Value: "child", Title: "My child (for parents and carers)"},
	{Value: "else", Title: "Something else (for neighbours and anybody)"},
}

// What is one choice of what it is about, in a child's words.
type What struct {
	Value, Title, Kind string
}

// Whats are the choices, and the kind that each becomes.
var Whats = []What{
	{"unkind", "Somebody is unkind, or threatens", "bullying"},
	{"asks", "Somebody asks for pictures, secrets or to meet", "grooming"},
	{"picture", "A picture or video that should not be about", "images"},
	{"upset", "Something online that upset me", "harmful-content"},
	{"feel", "Feeling very bad, or hurting oneself", "self-harm"},
	{"adult", "A grown-up at school", "staff-conduct"},
	{"account", "Somebody uses my account or pretends to be me", "identity"},
	{"money", "Money, games or tricks", "scam"},
	{"other", "Something else", "other"},
}

func whatOf(value string) (What, bool) {
	i := slices.IndexFunc(Whats, func(w What) bool { return w.Value == value })
	if i < 0 {
		return What{}, false
	}
	return Whats[i], true
}

// Telling is what somebody tells on the page for everybody.
type Telling struct {
	Form    string
	About   string
	What    string
	Danger  bool
	Text    string
	UseName bool   // signed in, and they chose that the school may know it
	Name    string // a name that they typed
	Contact string // how to reach them, for parents
	// Keep are the posts that must not read it, as a child ticked them.
	Keep []string
}

// maxTold is the longest text on that page.
const maxTold = 5_000

// Tell keeps what somebody told. It needs no sign-in; a name is kept only
// where they chose so.
func (r *Room) Tell(ctx context.Context, in Telling) (Receipt, error) {
	if err := r.mustBeReady(ctx); err != nil {
		return Receipt{}, err
	}
	w, err := in.check()
	if err != nil {
		return Receipt{}, err
	}
	a := actor.From(ctx)
	// The code is the reader's way back to an answer. It is made of the form, so
	// that a form sent twice leads to the same one.
	code := words4(r.mark("reply", in.Form))
	k, _ := KindOf(w.Kind)
	c := Case{
		Form: r.mark("told", in.Form), Source: in.source(a), Kind: k.Value, Route: toldRoute(k), Risk: max(k.Risk, 2),
		Danger: in.Danger, Images: k.Images, Care: k.Care, ReplyCode: r.mark("code", code),
		About: About{Name: in.Name, Contact: in.Contact, Words: optionTitle(Abouts, in.About) + ": " + w.Title},
	}
	var list []Person
	if in.UseName && a.SignedIn() && a.Person != "" {
		c.Reporter, c.About.Reporter = r.personMark(people.ID(a.Person)), people.ID(a.Person)
		if list, err = r.teller(ctx, in, people.ID(a.Person)); err != nil {
			return Receipt{}, err
		}
	}
	kept, err := r.keptFrom(ctx, in.Keep)
	if err != nil {
		return Receipt{}, err
	}
	text := in.Text
	if text == "" {
		text = "(Nothing was written.)"
	}
	got, err := r.create(ctx, c, append(list, kept...), []Entry{{Kind: EntryAccount, Told: Told{Text: text}}}, "")
	got.Code = code
	return got, err
}

func (in *Telling) check() (What, error) {
	bad := store.Invalid{}
	in.Text, in.Name, in.Contact = clean(in.Text), clean(in.Name), clean(in.Contact)
	if !hasOption(Abouts, in.About) {
		bad["about"] = "Choose who it is about."
	}
	w, ok := whatOf(in.What)
	if !ok {
		bad["what"] = "Choose what it is about."
	}
	long(bad, "text", in.Text, maxTold)
	long(bad, "name", in.Name, maxShort)
	long(bad, "contact", in.Contact, maxShort)
	if in.Form == "" || len(in.Form) > 64 {
		bad[""] = "This form is not whole. Open the page again; if you wrote something, copy it first."
	}
	return w, bad.OrNil()
}

func (in *Telling) source(a actor.Actor) string {
	switch {
	case in.About == "child" || a.Audience == actor.Parent:
		return FromParent
	case in.About == "else":
		return FromPublic
	default:
		return FromPupil
	}
}

// toldRoute: what a child tells goes to the safeguarding lead first, whatever
// it is; only what is about a grown-up at school does not.
func toldRoute(k Kind) Route {
	if k.Route == StaffConduct || k.Route == HeadComplaint {
		return k.Route
	}
	return ChildProtection
}

// teller puts a child who tells about themselves, or the only child of a
// parent, into the case.
func (r *Room) teller(ctx context.Context, in Telling, id people.ID) ([]Person, error) {
	who, err := r.d.Roll.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.About == "me" && who.Kind == people.Pupil {
		p := r.personOf(who, roleHarmed)
		p.Named.How = "told it, signed in"
		return []Person{p}, nil
	}
	return nil, nil
}

// keptFrom are the holders of the posts that a child does not want to read it.
func (r *Room) keptFrom(ctx context.Context, posts []string) ([]Person, error) {
	var out []Person
	for _, v := range posts[:min(len(posts), 8)] {
		if !slices.Contains([]people.Post{people.SafeguardingLead, people.DeputySafeguardingLead, people.Headteacher, people.ChairOfGovernors}, people.Post(v)) {
			continue
		}
		who, err := r.holders(ctx, []people.Post{people.Post(v)})
		if err != nil {
			return nil, err
		}
		for _, o := range who {
			p := r.personOf(o.Person, roleKept)
			p.Named.How = "whoever told it did not want them to read it"
			out = append(out, p)
		}
	}
	return out, nil
}

// words4 writes the beginning of a mark as four groups that can be copied by
// hand; 80 bits of it.
func words4(mark string) string {
	m := strings.ToUpper(mark[:20])
	return m[:5] + "-" + m[5:10] + "-" + m[10:15] + "-" + m[15:20]
}

// Answer is what somebody sees who comes back with their code.
type Answer struct {
	Status   string
	Reported time.Time
	Replies  []Entry
}

// Answered shows where something told stands, to whoever has its code.
func (r *Room) Answered(ctx context.Context, code string) (Answer, error) {
	code = strings.ToUpper(strings.Join(strings.FieldsFunc(code, func(c rune) bool { return c == '-' || c == ' ' }), ""))
	if len(code) != 20 {
		return Answer{}, store.ErrNotFound
	}
	c, err := r.byCode(ctx, code[:5]+"-"+code[5:10]+"-"+code[10:15]+"-"+code[15:])
	if err != nil {
		return Answer{}, err
	}
	return r.answerOf(ctx, &c)
}

func (r *Room) answerOf(ctx context.Context, c *Case) (Answer, error) {
	all, err := r.entriesOf(ctx, r.d.DB, c.ID)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Status: c.Status(), Reported: c.Reported,
		Replies: slices.DeleteFunc(all, func(e Entry) bool { return e.Kind != EntryReply }),
	}, nil
}

// Evening says what somebody who tells something now must know about when it
// is read.
type Evening struct {
	// Out: nobody at school reads it before Opens.
	Out   bool
	Opens time.Time
	// Known: the calendar knows which day that is.
	Known bool
	// Watch names who has agreed to read it now, until when.
	Watch string
	Until time.Time
}

// Evening looks at the calendar and at who has agreed to read out of hours.
func (r *Room) Evening(ctx context.Context) (Evening, error) {
	cal, err := r.calendar(ctx)
	if err != nil {
		return Evening{}, err
	}
	now := r.now()
	if cal.SchoolHours(now) {
		return Evening{}, nil
	}
	_, known := cal.NextSchoolDay(now)
	e := Evening{Out: true, Opens: cal.NextOpening(now), Known: known}
	hours := r.values().Get(keyWatchHours)
	if r.d.Watching == nil || hours.Off || hours.From == hours.To {
		return e, nil
	}
	local := now.In(cal.Location())
	minute := local.Hour()*60 + local.Minute()
	if hours.From < hours.To && (minute < hours.From || minute >= hours.To) {
		return e, nil
	}
	if hours.From > hours.To && minute < hours.From && minute >= hours.To {
		return e, nil
	}
	day := cal.Day(now)
	until := cal.On(day, hours.To)
	if !until.After(now) {
		until = cal.On(day.Add(1), hours.To)
	}
	// The policy's hours promise nothing by themselves: somebody must have
	// agreed to be told now, and be told.
	who, agreed, err := r.d.Watching(ctx, now)
	if err != nil || who == "" {
		return e, err
	}
	if agreed.Before(until) {
		until = agreed
	}
	e.Out, e.Watch, e.Until = false, who, until
	return e, nil
}

// Words is the sentence of an evening, "" in school hours. Nothing in it
// suggests that help is coming.
func (e Evening) Words(w words.Words) string {
	switch {
	case e.Watch != "":
		return e.Watch + " reads this until " + w.Clock(e.Until) + "."
	case e.Out && e.Known:
		return "No one at school will read this before " + opening(w, e.Opens) + "."
	case e.Out:
		return "No one at school will read this before school opens again."
	}
	return ""
}

// opening is "Monday at 8:30" within a week, else with the date.
func opening(w words.Words, t time.Time) string {
	local := t.In(w.Zone())
	if local.Format(time.DateOnly) == w.Now().In(w.Zone()).Format(time.DateOnly) {
		return w.Clock(t) + " today"
	}
	if t.Sub(w.Now()) < 6*oneDay {
		return local.Format("Monday") + " at " + w.Clock(t)
	}
	return w.Date(t) + " at " + w.Clock(t)
}

// ErrPace: more was sent from one place than a person types.
var ErrPace = errors.New("a lot was sent from here just now; wait a minute and send it again")

// pace bounds how much is sent from one address. A school may sit behind one
// address, so it is wide, and it forgets.
type pace struct {
	mu   sync.Mutex
	from map[netip.Addr]*paceCount
}

type paceCount struct {
	since time.Time
	n     int
}

const (
	paceWindow = 10 * time.Minute
	paceMost   = 40
	paceRoom   = 4096
)

func newPace() *pace { return &pace{from: map[netip.Addr]*paceCount{}} }

// allow counts one and reports whether it may go on.
func (p *pace) allow(at netip.Addr, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.Is6() && !at.Is4In6() {
		if net, err := at.Prefix(64); err == nil {
			at = net.Masked().Addr()
		}
	}
	c := p.from[at]
	if c == nil || now.Sub(c.since) > paceWindow || now.Before(c.since) {
		if c == nil && len(p.from) >= paceRoom {
			p.forget(now)
		}
		c = &paceCount{since: now}
		p.from[at] = c
	}
	c.n++
	return c.n <= paceMost
}

// forget makes room: what is over goes; if that is not enough, everything.
func (p *pace) forget(now time.Time) {
	for k, c := range p.from {
		if now.Sub(c.since) > paceWindow || now.Before(c.since) {
			delete(p.from, k)
		}
	}
	if len(p.from) >= paceRoom {
		clear(p.from)
	}
}
