package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Left is a site that the filter leaves alone where it looks inside encrypted
// ones: it and everything below it. It stays as open or closed as it is.
type Left struct {
	ID      string
	Host    string
	Reason  string
	AddedAt time.Time
	AddedBy string
	EndedAt time.Time
	EndedBy string
}

// Kinds of trouble with a site that is looked into.
const (
	// TroublePinned: programs do not take the school's certificate for it.
	TroublePinned = "pinned"
	// TroubleVisitor: it asks visitors for a certificate of their own.
	TroubleVisitor = "client-certificate"
	// TroubleSite: the site's own certificate proves nothing.
	TroubleSite = "certificate"
)

// Trouble is a site that the running filter could not look into lately.
type Trouble struct {
	Host    string
	Kind    string
	Detail  string
	Count   int
	Devices int
	Last    time.Time
}

// mayLeave reports trouble that ends where the site is left alone. A site that
// proves nothing is closed so that nobody is led to somebody else, and leaving
// it alone would leave that to each pupil.
func (t Trouble) mayLeave() bool { return t.Kind == TroublePinned || t.Kind == TroubleVisitor }

func (l *Left) check() error {
	bad := store.Invalid{}
	l.Reason = strings.TrimSpace(l.Reason)
	one := Own{Text: l.Host}
	err := one.canonical()
	host := ""
	if err == nil {
		host, err = oneHost(strings.TrimPrefix(one.Text, "="))
	}
	if err != nil {
		bad["host"] = fmt.Sprintf("%.80q is not the name of a site. Write it as app.example.com.", l.Host)
	}
	l.Host = host
	if l.Reason == "" || len(l.Reason) > maxReason {
		bad["reason"] = fmt.Sprintf("Write why, in at most %d characters.", maxReason)
	}
	return bad.OrNil()
}

// says is the entry in words.
func (l Left) says() string { return l.Host + " is not looked into, for anybody" }

// LeaveAlone adds a site to those whose encryption is never ended.
func (r *Room) LeaveAlone(ctx context.Context, l Left) (Left, error) {
	if err := r.mayChange(ctx, "leave "+l.Host+" alone"); err != nil {
		return l, err
	}
	if err := l.check(); err != nil {
		return l, err
	}
	l.ID, l.AddedAt, l.AddedBy = store.NewID(r.now()), r.now(), actor.From(ctx).ID
	err := r.apply(ctx, &edit{
		change: Change{Kind: kindLeft, Ref: l.ID, Reason: l.Reason, What: "A site is left alone.", Becomes: l.says()},
		alter: func(st *state) error {
			if len(st.left) >= mostNever {
				return store.Invalid{"": fmt.Sprintf("There are %d such sites already and no more fit. End some that are no longer needed.", mostNever)}
			}
			if slices.ContainsFunc(st.left, func(x Left) bool { return x.Host == l.Host }) {
				return store.Invalid{"host": l.Host + " is left alone already."}
			}
			st.left = append(st.left, l)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_left", ID: l.ID}}, insertLeft(ctx, tx, l)
		},
	})
	return l, err
}

// LookAgain ends that a site is left alone.
func (r *Room) LookAgain(ctx context.Context, id, reason string) error {
	if err := r.mayChange(ctx, "look into a site again"); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": fmt.Sprintf("Write why, in at most %d characters.", maxReason)}
	}
	e := &edit{change: Change{Kind: kindLeft, Ref: id, Reason: reason, What: "A site is left alone no longer."}}
	e.alter = func(st *state) error {
		i := slices.IndexFunc(st.left, func(x Left) bool { return x.ID == id })
		if i < 0 {
			return store.ErrStale
		}
		e.change.Was = st.left[i].says()
		st.left = slices.Delete(st.left, i, i+1)
		return nil
	}
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		return []journal.Row{{Table: "filter_left", ID: id}}, endRow(ctx, tx, "filter_left", id, actor.From(ctx).ID, r.now())
	}
	return r.apply(ctx, e)
}
