package filtering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// AskUnblock asks for sites to be opened for a lesson. What may never be
// opened, and what the policy does not allow, is refused here already.
func (r *Room) AskUnblock(ctx context.Context, u Unblock) (Unblock, error) {
	asker, err := asking(ctx)
	if err != nil {
		return u, err
	}
	now := r.now()
	if u.From.IsZero() {
		u.From, u.Until = now, now.Add(u.Until.Sub(u.From))
	}
	if err := u.check(now, r.d.Live.Current().Duration(keyUnblockMax)); err != nil {
		return u, err
	}
	if err := r.known(ctx, u.For); err != nil {
		return u, err
	}
	if err := r.openFor(ctx, &u); err != nil {
		return u, err
	}
	u.ID, u.State, u.AskedAt, u.AskedBy, u.Version = store.NewID(now), UnblockAsked, now, asker, 1
	posts, err := r.askedPosts(ctx, u)
	if err != nil {
		return u, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	return u, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := roomFor(ctx, tx, u, now); err != nil {
			return err
		}
		if err := insertUnblock(ctx, tx, u); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, notice.Notice{
			Key: "unblock/" + u.ID + "/asked", Posts: posts, Not: []string{string(asker)},
			What: "Somebody asks for a site to be opened for a lesson", Link: pathUnblocks + "/" + u.ID, Risk: 2,
		}); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbUnblockAsked, Kind: "unblock", ID: u.ID, After: told{u.says(r.words(ctx))}, Reason: u.Purpose, Rows: unblockRows(u),
		})
	})
}

// asking is who asks: a member of staff, in person or through a token of
// theirs.
func asking(ctx context.Context) (people.ID, error) {
	a := actor.From(ctx)
	if !a.May(MayAsk) || a.Audience != actor.Staff || a.Person == "" {
		return "", store.ErrForbidden
	}
	return people.ID(a.Person), nil
}

// roomFor refuses what was asked already and more than anybody can decide.
func roomFor(ctx context.Context, q store.Querier, u Unblock, now time.Time) error {
	open, err := openUnblocks(ctx, q, now)
	if err != nil {
		return err
	}
	mine := 0
	for _, x := range open {
		if x.AskedBy != u.AskedBy || x.State != UnblockAsked {
			continue
		}
		mine++
		if slices.Equal(x.Hosts, u.Hosts) && x.For == u.For && x.From.Before(u.Until) && u.From.Before(x.Until) {
			return &AskedAlready{ID: x.ID}
		}
	}
	if mine >= mostAskedEach || len(open) >= mostAskedAll+mostGranted {
		return store.Invalid{"": "Too many sites are waiting for an answer already. Wait for the answers, or take one back."}
	}
	return nil
}

// AskedAlready says that the same person has asked the same already, and
// nobody has decided yet.
type AskedAlready struct{ ID string }

// Error is the sentence.
func (*AskedAlready) Error() string {
	return "You have asked for this already, and nobody has decided yet."
}

func unblockRows(u Unblock) []journal.Row {
	return []journal.Row{{Table: "filter_unblocks", ID: u.ID}}
}

// words say times in the school's zone.
func (r *Room) words(ctx context.Context) words.Words {
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		cal = people.DefaultCalendar(people.MainSite)
	}
	return words.In(cal.Location(), r.now())
}

// tell keeps a notice where somebody sends them.
func (r *Room) tell(ctx context.Context, tx *store.Tx, n notice.Notice) error {
	if r.d.Notices == nil || len(n.Posts)+len(n.To) == 0 {
		return nil
	}
	return r.d.Notices.Send(ctx, tx, n)
}

// openFor holds what is asked against what is locked, what no lesson opens
// and what the policy decides, and notes whether a social site is among it.
func (r *Room) openFor(ctx context.Context, u *Unblock) error {
	snap := r.Snapshot()
	if snap == nil {
		return errNoVersion
	}
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return fmt.Errorf("reading the calendar: %w", err)
	}
	musts, err := liveMusts(ctx, r.d.DB)
	if err != nil {
		return fmt.Errorf("reading what must be closed: %w", err)
	}
	u.Social = false
	closed := false
	for _, host := range u.Hosts {
		if m, ok := mustClose(musts, host); ok {
			return r.refusedBy(ctx, u.asks(), "", host+" stands on the school's list of what must stay closed ("+m.URL+"). A lesson does not open it.")
		}
		for _, g := range snap.Names().Groups {
			if g.Slug != GroupPupils && !strings.HasPrefix(g.Slug, GroupPupils+"-") {
				continue
			}
			ask := verdict.Ask{Door: verdict.DoorProxy, Host: host, Path: "/", Groups: snap.Names().GroupBit(g.Slug), At: u.From, Minute: cal.MinuteOfWeek(u.From)}
			if stage, ok := strings.CutPrefix(u.For, yearMark); ok {
				ask.KeyStage = snap.Names().KeyStage(string(people.Year(stage).Stage()))
			}
			v := snap.Decide(&ask)
			closed = closed || v.Action != verdict.Allow
			if err := r.liftable(ctx, u, host, snap.Names(), v); err != nil {
				return err
			}
		}
	}
	if !closed {
		return store.Invalid{"hosts": strings.Join(u.Hosts, ", ") + " " + words.Plural(len(u.Hosts), "is", "are") + " open already. Nothing needs to be asked."}
	}
	return nil
}

func (u *Unblock) asks() string { return "open " + strings.Join(u.Hosts, ", ") + " for a lesson" }

// mustClose is the line of the must list that keeps the host, one above it or
// one below it closed.
func mustClose(musts []Must, host string) (Must, bool) {
	under := func(a, b string) bool { return a == b || strings.HasSuffix(a, "."+b) }
	for _, m := range musts {
		if m.Act != verdict.Block {
			continue
		}
		parts, err := verdict.CanonicalURL(m.URL)
		if err == nil && (under(host, parts.Host) || under(parts.Host, host)) {
			return m, true
		}
	}
	return Must{}, false
}

// openedForLessons are the sites that a running unblock opens although the
// must list, as it would be, keeps them closed.
func openedForLessons(st *state, now time.Time) []string {
	var out []string
	for _, u := range st.unblocks {
		if !u.Until.After(now) {
			continue
		}
		for _, host := range u.Hosts {
			if m, ok := mustClose(st.musts, host); ok {
				out = append(out, fmt.Sprintf("%s must be closed (%s) and is open for %s until its end; close that first.", host, m.URL, forWords(u.For)))
			}
		}
	}
	return out
}

// liftable refuses what a timed unblock cannot or may not open.
func (r *Room) liftable(ctx context.Context, u *Unblock, host string, names *verdict.Names, v verdict.Verdict) error {
	no := func(clause, why string) error { return r.refusedBy(ctx, u.asks(), clause, why) }
	switch v.Reason {
	case verdict.ReasonLocked:
		return no("", host+" is locked for everybody. Nothing opens it.")
	case verdict.ReasonOwnBlock:
		return no("", "The school's own entry closes "+host+". A lesson does not lift it: ask a filter manager to look at the entry.")
	case verdict.ReasonPrivate, verdict.ReasonAddress, verdict.ReasonMalformed, verdict.ReasonPort:
		return no("", host+" is not a site that can be opened for a lesson.")
	case verdict.ReasonHelp, verdict.ReasonOurs, verdict.ReasonEssential:
		return nil
	}
	values := r.d.Live.Current()
	slugs := names.Slugs(v.Categories)
	never := unliftable(values, names.Categories)
	for _, slug := range slugs {
		if !slices.Contains(never, slug) {
			continue
		}
		clause, by := "", ""
		if required := values.Get(keyRequired); slices.Contains(required.Items, slug) {
			clause, by = required.Clause, byClause(required)
		}
		return no(clause, fmt.Sprintf("%s is listed under %s, which no lesson opens%s.", host, r.titles([]string{slug})[0], by))
	}
	if !slices.ContainsFunc(slugs, func(s string) bool { return slices.Contains(socialCategories, s) }) {
		return nil
	}
	u.Social = true
	if allowed := values.Get(keyUnblock); !allowed.Bool {
		return no(allowed.Clause, host+" is a social site, and no social site is opened at this school, not even for a lesson"+bySetting(allowed)+".")
	}
	return nil
}

// bySetting says which clause decides, or that a safe default does.
func bySetting(v setting.Value) string {
	if v.Clause == "" {
		return " (no sentence of the policy allows it)"
	}
	return byClause(v)
}

// askedPosts is who may decide what somebody asks: the filter managers, and
// the head where the asker is the only one.
func (r *Room) askedPosts(ctx context.Context, u Unblock) ([]string, error) {
	who, err := r.deciders(ctx, u.AskedBy)
	if err != nil {
		return nil, err
	}
	if len(who) == 0 {
		return []string{string(people.Headteacher)}, nil
	}
	return []string{string(people.FilterManager)}, nil
}

// deciders are the filter managers who may decide what the person asks: those
// who did not ask.
func (r *Room) deciders(ctx context.Context, asker people.ID) ([]people.ID, error) {
	out, err := r.confirmedManagers(ctx)
	return slices.DeleteFunc(out, func(id people.ID) bool { return id == asker }), err
}

// confirmedManagers are those who hold the post now and whom the head confirmed.
func (r *Room) confirmedManagers(ctx context.Context) ([]people.ID, error) {
	list, err := r.Holders(ctx)
	if err != nil {
		return nil, err
	}
	offices, err := r.Candidates(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking who is filter manager: %w", err)
	}
	var out []people.ID
	for _, o := range offices {
		if list.Has(o.Person.ID) && !slices.Contains(out, o.Person.ID) {
			out = append(out, o.Person.ID)
		}
	}
	return out, nil
}

// mayDecide says whether the actor may decide what the person asked, and if
// not, why not in a sentence.
func (r *Room) mayDecide(ctx context.Context, a actor.Actor, asker people.ID) (string, error) {
	if a.Kind != actor.Person || a.Audience == actor.Pupil || !a.May(MayUnblock) {
		return "Only a filter manager decides this.", nil
	}
	me := people.ID(a.Person)
	if me == asker {
		return "Somebody else decides what you asked for yourself.", nil
	}
	who, err := r.deciders(ctx, asker)
	if err != nil {
		return "", err
	}
	if slices.Contains(who, me) {
		return "", nil
	}
	head, err := r.isHead(ctx, me, r.now())
	switch {
	case err != nil:
		return "", err
	case head && len(who) == 0:
		return "", nil
	case head:
		return "A filter manager decides this. The head decides only where nobody else can.", nil
	}
	return "You do not hold filter management at this moment, or the head has not confirmed you.", nil
}

// isHead reports whether the person was head, or the head's deputy in it, at
// the moment.
func (r *Room) isHead(ctx context.Context, id people.ID, at time.Time) (bool, error) {
	heads, err := r.d.People.HoldersAt(ctx, people.Headteacher, at)
	if err != nil {
		return false, fmt.Errorf("asking who is head: %w", err)
	}
	return slices.ContainsFunc(heads, func(o people.Office) bool { return o.Person.ID == id }), nil
}

// Unblock returns one by its id, for whoever asked it or may decide it.
func (r *Room) Unblock(ctx context.Context, id string) (Unblock, error) {
	u, err := getUnblock(ctx, r.d.DB, id)
	if err != nil {
		return u, err
	}
	a := actor.From(ctx)
	if a.May(MayRead) || a.May(MayUnblock) || a.Person != "" && a.Person == string(u.AskedBy) {
		return u, nil
	}
	return Unblock{}, store.ErrNotFound
}

// stale turns what another did in the meantime into a sentence.
func stale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return &Refused{Words: "Somebody has decided this in the meantime. Look at it again."}
	}
	return err
}
