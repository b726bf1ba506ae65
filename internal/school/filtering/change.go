package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/verdict"
)

// edit is one change on its way: edit alters what is decided, in memory; write
// does the same in the records and tells the protected rows it wrote.
type edit struct {
	change Change
	alter  func(st *state) error
	write  func(ctx context.Context, tx *store.Tx) ([]journal.Row, error)
}

// apply is the one way into force for a change made here: compile, try out,
// keep, publish. Nothing is changed unless all of it holds.
func (r *Room) apply(ctx context.Context, e *edit) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	st, err := r.load(ctx)
	if err != nil {
		return err
	}
	v := r.d.Live.Current()
	if st.version.Settings > v.Number() {
		return store.ErrStale
	}
	if err := e.alter(st); err != nil {
		return err
	}
	d, err := r.draft(ctx, v, st)
	if err != nil {
		return err
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		rows, err := e.write(ctx, tx)
		if err != nil {
			return err
		}
		return r.keep(ctx, tx, d, e.change, rows, e.change.summary())
	})
	if err != nil {
		return err
	}
	return r.Publish(ctx)
}

// summary is the change in one line, for the list of versions.
func (c Change) summary() string {
	said := c.Becomes
	if said == "" {
		said = c.Was
	}
	return strings.TrimSpace(c.What + " " + said)
}

// AddOwn adds an entry of the school's own. What the policy closes is opened
// only on a ground: the site is wrongly listed, or it was approved by name.
func (r *Room) AddOwn(ctx context.Context, o Own) (Own, error) {
	if err := r.mayChange(ctx, "add "+o.Text); err != nil {
		return o, err
	}
	if err := o.check(); err != nil {
		return o, err
	}
	o.ID, o.AddedAt, o.AddedBy = store.NewID(r.now()), r.now(), actor.From(ctx).ID
	if !o.live(r.now()) {
		return o, store.Invalid{"until": "The end has passed already."}
	}
	if err := r.ownAllowed(ctx, o); err != nil {
		return o, err
	}
	c := Change{Kind: kindOwn, Ref: o.ID, Reason: o.Reason, What: "An own entry was added.", Becomes: o.says()}
	err := r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			if len(st.own) >= maxOwn {
				return store.Invalid{"": fmt.Sprintf("There are %d own entries already and no more fit. End some that are no longer needed.", maxOwn)}
			}
			for _, have := range st.own {
				if have.sameAs(o) {
					return store.Invalid{"entry": "There is an entry that says the same already."}
				}
			}
			st.own = append(st.own, o)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_own", ID: o.ID}}, insertOwn(ctx, tx, o)
		},
	})
	return o, err
}

func (o Own) sameAs(p Own) bool {
	return o.Text == p.Text && o.Act == p.Act && slices.Equal(o.Groups, p.Groups) && slices.Equal(o.KeyStages, p.KeyStages) &&
		slices.Equal(o.Places, p.Places) && slices.Equal(o.Days, p.Days) && o.Window == p.Window && o.From.Equal(p.From) && o.Until.Equal(p.Until)
}

// says is the entry in words: "example.com is open for pupils".
func (o Own) says() string {
	whom := "everybody"
	if len(o.Groups) > 0 {
		whom = strings.Join(o.Groups, ", ")
	}
	for _, list := range [][]string{o.KeyStages, o.Places, o.Days} {
		if len(list) > 0 {
			whom += ", " + strings.Join(list, " ")
		}
	}
	if o.Window != "" {
		whom += ", " + o.Window
	}
	if !o.Until.IsZero() {
		whom += ", until " + o.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	return o.Text + " is " + actWord(o.Act) + " for " + whom
}

func actWord(a verdict.Action) string {
	switch a {
	case verdict.Allow:
		return "open"
	case verdict.Warn:
		return "open after a warning"
	}
	return "closed"
}

// ownAllowed holds an entry that opens against what is locked, what nobody may
// open and what the policy closes, and one that closes against what nothing
// closes.
func (r *Room) ownAllowed(ctx context.Context, o Own) error {
	snap := r.Snapshot()
	if snap == nil {
		return errNoVersion
	}
	parts, err := verdict.CanonicalURL(strings.TrimPrefix(o.Text, "="))
	if err != nil {
		return nil // a range: no category rule speaks of it
	}
	if o.Act == verdict.Block {
		return r.closable(ctx, o, snap, parts)
	}
	groups := o.Groups
	if len(groups) == 0 {
		groups = Groups()
	}
	for _, g := range groups {
		v := snap.Decide(&verdict.Ask{Door: verdict.DoorProxy, Host: parts.Host, Path: parts.Path, Port: parts.Port, Groups: snap.Names().GroupBit(g), At: r.now()})
		if err := r.openable(ctx, o, g, snap.Names(), v); err != nil {
			return err
		}
	}
	return nil
}

// closable refuses an entry that would say of a help service, or of Belisha's
// own pages, that it is closed: it is not, whatever an entry says.
func (r *Room) closable(ctx context.Context, o Own, snap *verdict.Snapshot, parts verdict.URLParts) error {
	v := snap.Decide(&verdict.Ask{Door: verdict.DoorProxy, Host: parts.Host, Path: parts.Path, Port: parts.Port, At: r.now()})
	switch v.Reason {
	case verdict.ReasonHelp:
		return r.refusedBy(ctx, o.says(), "", parts.Host+" is where somebody in need turns to. It stays open for everybody, and nothing closes it.")
	case verdict.ReasonOurs:
		return r.refusedBy(ctx, o.says(), "", parts.Host+" is Belisha's own, where people sign in and turn to. Nothing closes it.")
	}
	return nil
}

func (r *Room) openable(ctx context.Context, o Own, group string, names *verdict.Names, v verdict.Verdict) error {
	if v.Reason == verdict.ReasonLocked {
		return r.refusedBy(ctx, o.says(), "", "Nothing opens this site: it is locked for everybody.")
	}
	category, known := names.Category(v.Category)
	if v.Action != verdict.Block || v.Reason != verdict.ReasonCategory || !known {
		return nil
	}
	values := r.d.Live.Current()
	required := values.Get(keyRequired)
	if slices.Contains(required.Items, category.Slug) && o.Ground != GroundWrong {
		return r.refusedBy(ctx, o.says(), required.Clause, fmt.Sprintf("Nobody may open sites of the category %s%s. If this site is not one of them, add it on the ground that it is wrongly listed.",
			lowerFirst(category.Title), byClause(required)))
	}
	closing := values.Get(blockKey[group])
	if closing.Confirmed && o.Ground == "" {
		return r.refusedBy(ctx, o.says(), closing.Clause, fmt.Sprintf("The policy closes the category %s for %s%s. Say on what ground this site is opened: it is wrongly listed, or somebody approved it by name.",
			lowerFirst(category.Title), group, byClause(closing)))
	}
	return nil
}

func byClause(v setting.Value) string {
	if v.Clause == "" {
		return ""
	}
	return " (clause " + v.Clause + ")"
}

// refusedBy writes the attempt down and returns the refusal.
func (r *Room) refusedBy(ctx context.Context, what, clause, words string) error {
	if err := r.refuse(ctx, what, words); err != nil {
		return err
	}
	return &Refused{Words: words, Clause: clause}
}

// EndOwn ends an own entry.
func (r *Room) EndOwn(ctx context.Context, id, reason string) error {
	if err := r.mayChange(ctx, "end own entry "+id); err != nil {
		return err
	}
	o, err := getOwn(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	c := Change{Kind: kindOwn, Ref: id, Reason: strings.TrimSpace(reason), What: "An own entry was ended.", Was: o.says()}
	return r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			st.own = slices.DeleteFunc(st.own, func(x Own) bool { return x.ID == id })
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_own", ID: id}}, endRow(ctx, tx, "filter_own", id, actor.From(ctx).ID, r.now())
		},
	})
}

// SetCategory decides about a whole category for a group, where the policy
// leaves it open or the decision is stricter.
func (r *Room) SetCategory(ctx context.Context, o Override) error {
	if err := r.mayChange(ctx, fmt.Sprintf("%s %s for %s", o.Act, o.Category, o.Group)); err != nil {
		return err
	}
	sources, err := listSources(ctx, r.d.DB)
	if err != nil {
		return err
	}
	known := map[string]verdict.Category{}
	for _, c := range categoriesOf(r.stock, sources) {
		known[c.Slug] = c
	}
	if err := o.check(known); err != nil {
		return err
	}
	says := fmt.Sprintf("%s is %s for %s", o.Category, actWord(o.Act), o.Group)
	if err := r.overridable(ctx, o, known[o.Category], says); err != nil {
		return err
	}
	o.ID, o.AddedAt, o.AddedBy = store.NewID(r.now()), r.now(), actor.From(ctx).ID
	var ended []Override
	c := Change{Kind: kindCategory, Ref: o.ID, Reason: o.Reason, What: "A category was decided.", Becomes: says}
	return r.apply(ctx, &edit{
		change: c,
		alter: func(st *state) error {
			st.overrides = slices.DeleteFunc(st.overrides, func(x Override) bool {
				same := x.Group == o.Group && x.Category == o.Category
				if same {
					ended = append(ended, x)
				}
				return same
			})
			st.overrides = append(st.overrides, o)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			rows := []journal.Row{{Table: "filter_categories", ID: o.ID}}
			for _, x := range ended {
				if err := endRow(ctx, tx, "filter_categories", x.ID, o.AddedBy, o.AddedAt); err != nil {
					return nil, err
				}
				rows = append(rows, journal.Row{Table: "filter_categories", ID: x.ID})
			}
			return rows, insertOverride(ctx, tx, o)
		},
	})
}

// overridable refuses what the policy, or what nobody may open, decides.
func (r *Room) overridable(ctx context.Context, o Override, c verdict.Category, says string) error {
	if o.Act == verdict.Block {
		return nil
	}
	v := r.d.Live.Current()
	if required := v.Get(keyRequired); slices.Contains(required.Items, o.Category) {
		return r.refusedBy(ctx, says, required.Clause, fmt.Sprintf("Nobody may open sites of the category %s%s; only a change of the policy opens it.", lowerFirst(c.Title), byClause(required)))
	}
	if o.Category == "illegal" {
		return r.refusedBy(ctx, says, "", "Nothing opens this category: it is locked for everybody.")
	}
	for _, val := range scoped(v, blockKey[o.Group], o.Group) {
		if val.Confirmed && slices.Contains(val.Items, o.Category) {
			return r.refusedBy(ctx, says, val.Clause, fmt.Sprintf("The policy closes the category %s for %s%s; only a change of the policy opens it.", lowerFirst(c.Title), o.Group, byClause(val)))
		}
	}
	return nil
}

// EndCategory takes a decision about a category back.
func (r *Room) EndCategory(ctx context.Context, id, reason string) error {
	if err := r.mayChange(ctx, "end the decision about a category "+id); err != nil {
		return err
	}
	c := Change{Kind: kindCategory, Ref: id, Reason: strings.TrimSpace(reason), What: "A decision about a category was taken back."}
	e := &edit{change: c}
	e.alter = func(st *state) error {
		i := slices.IndexFunc(st.overrides, func(o Override) bool { return o.ID == id })
		if i < 0 {
			return store.ErrNotFound
		}
		o := st.overrides[i]
		e.change.Was = fmt.Sprintf("%s is %s for %s", o.Category, actWord(o.Act), o.Group)
		st.overrides = slices.Delete(st.overrides, i, i+1)
		return nil
	}
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		return []journal.Row{{Table: "filter_categories", ID: id}}, endRow(ctx, tx, "filter_categories", id, actor.From(ctx).ID, r.now())
	}
	return r.apply(ctx, e)
}
