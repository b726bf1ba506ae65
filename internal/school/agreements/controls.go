package agreements

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Controls is what must be true of agreements.
func (r *Room) Controls() []control.Control {
	gateKeys := []string{KeyAudiences, KeyPupils, KeyStaff, KeyVisitors, KeyGrace}
	return []control.Control{
		{
			Number: "C18", Slug: "notice-given", Title: "Everybody has been told that use is monitored", Requirements: []string{"MON-04", "MON-13"},
			Settings: []string{KeyNotice, KeyAudiences, KeyToldPupils, KeyToldAdults}, MaxAge: day, Default: true, Check: r.noticeGiven,
		},
		{
			Number: "C30", Slug: "signed-before-access", Title: "Nobody has an account without having signed the rules", Requirements: []string{"AUP-02", "AUP-18"},
			Settings: gateKeys, MaxAge: day, Default: true, Check: r.signedBefore,
		},
		{
			Number: "C31", Slug: "who-has-signed", Title: "Everybody who must sign has signed", Requirements: []string{"AUP-01", "AUP-03", "AUP-07"},
			Settings: []string{KeyAudiences, KeyAdults, KeyFamilies, KeyFail}, MaxAge: day, Default: true, Check: r.whoSigned,
		},
		{
			Number: "C32", Slug: "signed-by-the-right-person", Title: "Pupils' agreements were signed by the person who must sign them",
			Requirements: []string{"AUP-04"}, Settings: []string{KeySigner}, MaxAge: day, Default: true, Check: r.rightSigner,
		},
		{
			Number: "C33", Slug: "class-discussion", Title: "Every class has talked about the rules this year", Requirements: []string{"AUP-09"},
			Settings: []string{KeyTalk}, MaxAge: day, Default: true, Check: r.classTalks,
		},
		{
			Number: "C34", Slug: "required-clauses", Title: "The clauses that must be there are in the rules that people sign", Requirements: []string{"AUP-17", "AUP-23"},
			Settings: []string{KeyAudiences}, MaxAge: day, Default: true, Check: r.requiredClauses,
		},
		{
			Number: "C78", Slug: "staff-read-policy", Title: "Staff have read the policy in force", Requirements: []string{"AUP-18", "POL-08"},
			Settings: []string{KeyReadIn, KeyReadAll}, MaxAge: day, Default: true, Check: r.staffRead,
		},
	}
}

const (
	owner   = string(people.OfficeManager)
	maxRows = 200
)

// addRow keeps the first rows and counts all.
func addRow(f *control.Finding, row control.Row) {
	f.Total++
	if len(f.Rows) < maxRows {
		f.Rows = append(f.Rows, row)
	}
}

// finding begins a finding; values are those that the control is asked for.
func (r *Room) finding(ctx context.Context, now time.Time, v *setting.Values, rule string) (control.Finding, *book, error) {
	f := control.Finding{Source: control.Measured, By: "the signatures kept here", At: now, Owner: owner, Rule: rule}
	b, err := r.book(ctx)
	if err != nil {
		return f, nil, err
	}
	b.lens = newLens(b.k, v, b.today)
	return f, b, nil
}

// accounts are the people here with an open account.
func (r *Room) accounts(ctx context.Context, b *book) ([]people.Person, error) {
	if r.Accounts == nil {
		return nil, nil
	}
	open, err := r.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []people.Person
	for _, p := range b.people {
		if open[p.ID] && p.Kind != people.Parent {
			out = append(out, p)
		}
	}
	return out, nil
}

// noticeGiven is C18: those with an account have signed an edition that tells
// them, or said at sign-in that they read the notice of today.
func (r *Room) noticeGiven(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	want := v.Int(KeyNotice)
	f, b, err := r.finding(ctx, now, v, fmt.Sprintf("%d %% of those with an account were told that use is monitored: they signed rules that say so, or said at sign-in that they read it", want))
	if err != nil {
		return f, err
	}
	list, err := r.accounts(ctx, b)
	if err != nil {
		return f, err
	}
	read, err := r.saidSo(ctx, v)
	if err != nil {
		return f, err
	}
	signed, said := 0, 0
	for _, p := range list {
		switch {
		case b.told(p):
			signed++
		case read.has(p):
			said++
		default:
			addRow(&f, control.Row{What: "An account of " + people.KindWords(p.Kind) + " who has neither signed rules that say so nor said at sign-in that they read it", State: control.Broken, Link: personLink(p.ID)})
		}
	}
	told := signed + said
	if len(list) == 0 {
		f.State, f.Figure, f.Todo = control.Unknown, "nobody has an account yet", "Make the accounts; whoever signs the rules is told with them."
		return f, nil
	}
	share := int64(told * 100 / len(list))
	f.Figure = fmt.Sprintf("%d of %d told: %d signed rules that say so, %d more said at sign-in that they read it", told, len(list), signed, said)
	f.State = byShare(share, want, min(want, 95))
	if f.State != control.Kept {
		f.Todo = "Have the others sign in once and read the notice, or sign the rules; the list says who has not."
	}
	return f, nil
}

// byShare is kept at want, at risk down to warn, not kept below.
func byShare(share, want, warn int64) control.State {
	switch {
	case share >= want:
		return control.Kept
	case share >= warn:
		return control.AtRisk
	}
	return control.Broken
}

// told reports whether somebody has signed an edition with the notice in it,
// or had it signed by a parent.
func (b *book) told(p people.Person) bool {
	for _, m := range b.marks[p.ID] {
		if m.need.Sheet == HomeSheet || m.until != "" && m.until < b.today {
			continue
		}
		if e, ok := b.k.edition(m.need.Sheet, m.number); ok && e.tells {
			return true
		}
	}
	return false
}

// signedBefore is C30: nobody with an account is on the web unsigned. Who is
// held is not; who has only just come is at risk.
func (r *Room) signedBefore(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f, b, err := r.finding(ctx, now, v, "nobody with an account gets on to the web without having signed the rules in force")
	if err != nil {
		return f, err
	}
	f.Owner = string(people.Headteacher)
	list, err := r.accounts(ctx, b)
	if err != nil {
		return f, err
	}
	open, late, held := 0, 0, 0
	for _, p := range list {
		switch b.before(p) {
		case control.Broken:
			open++
			addRow(&f, control.Row{What: "An account of " + people.KindWords(p.Kind) + ", unsigned and not held", State: control.Broken, Link: personLink(p.ID)})
		case control.AtRisk:
			late++
			addRow(&f, control.Row{What: "An account of " + people.KindWords(p.Kind) + " who has only just come", State: control.AtRisk, Link: personLink(p.ID)})
		case control.Unknown:
			held++
		}
	}
	f.Figure = fmt.Sprintf("%d of %d accounts unsigned and open; %d unsigned and held", open+late, len(list), held)
	switch {
	case len(list) == 0:
		f.State, f.Figure = control.Unknown, "nobody has an account yet"
	case open > 0:
		f.State, f.Todo = control.Broken, "Have them sign, or hold them until they have."
	case late > 0:
		f.State, f.Todo = control.AtRisk, "These people have only just come; have them sign before their days of grace are over."
	case held > 0 && r.Strangers():
		f.State, f.Todo = control.AtRisk, "Have them sign, or let the policy close the web to whoever is not signed in."
		f.Figure += "; whoever is held goes on by signing out, with the strictest rules"
	default:
		f.State = control.Kept
	}
	return f, nil
}

// before is how a person's account stands: kept signed, broken unsigned and
// open, at risk in grace, unknown here stands for held. Where nothing is
// published nobody can have signed.
func (b *book) before(p people.Person) control.State {
	needs := b.needs(p)
	signed := len(needs) > 0
	for _, n := range needs {
		if b.stops(n) && (b.k.bound(n.Sheet, b.today) == 0 || !b.met(n, b.marks[p.ID])) {
			signed = false
		}
	}
	audience := audienceOf(p.Kind)
	switch {
	case signed:
		return control.Kept
	case audience != "" && b.outcome(b.mode(audience), p, b.marks[p.ID], isRead) == Hold:
		return control.Unknown
	case b.inGrace(p):
		return control.AtRisk
	}
	return control.Broken
}

// whoSigned is C31.
func (r *Room) whoSigned(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	adults, families, fail := v.Int(KeyAdults), v.Int(KeyFamilies), v.Int(KeyFail)
	f, b, err := r.finding(ctx, now, v, fmt.Sprintf("%d %% of staff, governors and visitors and %d %% of pupils and parents have signed", adults, families))
	if err != nil {
		return f, err
	}
	var states []control.State
	var said []string
	for _, c := range b.counts() {
		st := b.share(c, adults, families, fail)
		if st == "" {
			continue
		}
		states = append(states, st)
		said = append(said, fmt.Sprintf("%s %d of %d", strings.ToLower(c.Sheet.Title()), c.Signed, c.Scope))
		what := fmt.Sprintf("%s: %d of %d have signed", c.Sheet.Title(), c.Signed, c.Scope)
		if !c.Asked {
			what = fmt.Sprintf("%s: not published yet, so none of %s can have signed", c.Sheet.Title(), words.Count(c.Scope, "person", "people"))
		}
		addRow(&f, control.Row{What: what, State: st, Link: listLink(c.Sheet)})
	}
	if len(states) == 0 {
		f.State, f.Figure, f.Todo = control.Unknown, "there is nobody on the roll who must sign", "Import the roll."
		return f, nil
	}
	f.State, f.Figure = control.Worst(states), strings.Join(said, "; ")
	if f.State != control.Kept {
		f.Todo = "Publish what is not published, remind those who have not signed, and enter the slips that came back."
	}
	return f, nil
}

// share judges one sheet; "" leaves it out, since nobody has to sign it.
func (b *book) share(c Count, adults, families, fail int64) control.State {
	if c.Scope == 0 {
		return ""
	}
	if !c.Asked {
		return control.Broken
	}
	share := int64(c.Percent())
	if c.Sheet.forPupils() || c.Sheet == ParentSheet || c.Sheet == HomeSheet {
		return byShare(share, families, min(fail, families))
	}
	if share >= adults {
		return control.Kept
	}
	for _, l := range c.Lacks {
		if !l.Grace {
			return control.Broken
		}
	}
	return control.AtRisk
}
