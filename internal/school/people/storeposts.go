package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

const postColumns = "id, person, post, deputy, from_at, until_at, public, contact, version"

func scanHolder(s scanner) (Holder, error) {
	var h Holder
	var from, until store.Time
	err := s.Scan(&h.ID, &h.Person, &h.Post, &h.Deputy, &from, &until, &h.Public, &h.Contact, &h.Version)
	h.From, h.Until = from.Time, until.Time
	return h, err
}

func (r *Room) holders(ctx context.Context, q store.Querier, rest string, args ...any) ([]Holder, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+postColumns+" FROM posts"+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("reading posts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Holder
	for rows.Next() {
		h, err := scanHolder(rows)
		if err != nil {
			return nil, fmt.Errorf("reading posts: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// PostsAt returns the posts somebody holds at a moment, deputies included.
// Somebody who is not at the school then holds none.
func (r *Room) PostsAt(ctx context.Context, id ID, at time.Time) ([]Holder, error) {
	p, err := r.get(ctx, r.db, id)
	if err != nil {
		return nil, err
	}
	cal, err := r.Calendar(ctx, p.Site)
	if err != nil {
		return nil, err
	}
	if !p.Here(cal.Day(at)) {
		return nil, nil
	}
	all, err := r.holders(ctx, r.db, " WHERE person = $1 ORDER BY post, id", string(id))
	if err != nil {
		return nil, err
	}
	var out []Holder
	for _, h := range all {
		if h.At(at) && h.Post.OpenTo(p.Kind) {
			out = append(out, h)
		}
	}
	return out, nil
}

// Office is somebody in a post.
type Office struct {
	Holder Holder
	Person Person
}

// HoldersAt returns who holds a post at a moment, the holders before their
// deputies. Nobody who has left is among them.
func (r *Room) HoldersAt(ctx context.Context, post Post, at time.Time) ([]Office, error) {
	all, err := r.officesAt(ctx, at)
	if err != nil {
		return nil, err
	}
	var out []Office
	for _, o := range all {
		if o.Holder.Post == post {
			out = append(out, o)
		}
	}
	return out, nil
}

// officesAt is everybody who holds any post at a moment, the holders of a post
// before their deputies.
func (r *Room) officesAt(ctx context.Context, at time.Time) ([]Office, error) {
	all, err := r.offices.Get(r.db, func() ([]Office, error) { return r.everOffices(ctx) })
	if err != nil {
		return nil, err
	}
	var out []Office
	for _, o := range all {
		if !o.Holder.At(at) || !o.Holder.Post.OpenTo(o.Person.Kind) {
			continue
		}
		cal, err := r.Calendar(ctx, o.Person.Site)
		if err != nil {
			return nil, err
		}
		if o.Person.Here(cal.Day(at)) {
			out = append(out, o)
		}
	}
	return out, nil
}

// everOffices is everybody who ever held any post. Every page asks who holds
// which, several times over, so it is remembered until something is written.
func (r *Room) everOffices(ctx context.Context) ([]Office, error) {
	hs, err := r.holders(ctx, r.db, " ORDER BY post, deputy, from_at, id")
	if err != nil {
		return nil, err
	}
	known := map[ID]Person{}
	out := make([]Office, 0, len(hs))
	for _, h := range hs {
		p, ok := known[h.Person]
		if !ok {
			if p, err = r.get(ctx, r.db, h.Person); err != nil {
				return nil, err
			}
			known[h.Person] = p
		}
		out = append(out, Office{h, p})
	}
	return out, nil
}

// PostsOf returns every time somebody held a post, the latest first.
func (r *Room) PostsOf(ctx context.Context, id ID) ([]Holder, error) {
	return r.holders(ctx, r.db, " WHERE person = $1 ORDER BY from_at DESC, id", string(id))
}

// PastPosts returns the latest times in posts that are over.
func (r *Room) PastPosts(ctx context.Context, at time.Time) ([]Office, error) {
	hs, err := r.holders(ctx, r.db, " WHERE until_at <> 0 AND until_at <= $1 ORDER BY until_at DESC, id LIMIT 100", store.Millis(at))
	if err != nil {
		return nil, err
	}
	out := make([]Office, 0, len(hs))
	for _, h := range hs {
		p, err := r.get(ctx, r.db, h.Person)
		if err != nil {
			return nil, err
		}
		out = append(out, Office{h, p})
	}
	return out, nil
}

// Contacts returns who is named on the pages that everybody sees.
func (r *Room) Contacts(ctx context.Context) ([]Office, error) {
	all, err := r.officesAt(ctx, r.clock.Now())
	if err != nil {
		return nil, err
	}
	var out []Office
	for _, o := range all {
		if o.Holder.Public {
			out = append(out, o)
		}
	}
	return out, nil
}

// maxContact bounds how a holder is reached.
const maxContact = 200

func (r *Room) checkHolder(ctx context.Context, q store.Querier, h *Holder) (Person, error) {
	bad := store.Invalid{}
	info, ok := h.Post.Info()
	if !ok {
		bad["post"] = "choose a post from the list"
		return Person{}, bad
	}
	p, err := r.get(ctx, q, h.Person)
	if errors.Is(err, store.ErrNotFound) {
		return Person{}, store.Invalid{"person": "choose somebody from the roll"}
	}
	if err != nil {
		return Person{}, err
	}
	if !h.Post.OpenTo(p.Kind) {
		bad["person"] = fmt.Sprintf("%s is %s; the post of %s is not for them", p.Name(), KindWords(p.Kind), info.Title)
	}
	if !h.Until.IsZero() && !h.Until.After(h.From) {
		bad["until"] = "the post ends before it begins"
	}
	h.Contact = clean(h.Contact)
	if len([]rune(h.Contact)) > maxContact {
		bad["contact"] = "write how to reach the holder in fewer than 200 letters"
	}
	return p, bad.OrNil()
}

// Appoint gives somebody a post.
func (r *Room) Appoint(ctx context.Context, h Holder) (string, error) {
	var id string
	err := r.db.Write(ctx, func(tx *store.Tx) (err error) {
		id, err = r.AppointTx(ctx, tx, h)
		return err
	})
	return id, err
}

// AppointTx is Appoint within a change that is already under way. A zero From
// is now.
func (r *Room) AppointTx(ctx context.Context, tx *store.Tx, h Holder) (string, error) {
	now := r.clock.Now()
	if h.From.IsZero() {
		h.From = now
	}
	if _, err := r.checkHolder(ctx, tx, &h); err != nil {
		return "", err
	}
	if err := r.refuseTwice(ctx, tx, h); err != nil {
		return "", err
	}
	h.ID, h.Version = store.NewID(now), 1
	_, err := tx.ExecContext(ctx, "INSERT INTO posts ("+postColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
		h.ID, string(h.Person), string(h.Post), h.Deputy, store.Millis(h.From), store.Millis(h.Until), h.Public, h.Contact, h.Version)
	if err != nil {
		return "", fmt.Errorf("giving a post: %w", err)
	}
	return h.ID, r.journal.Write(ctx, tx, journal.Entry{
		Verb: VerbAppointed, Kind: "post", ID: h.ID, After: h,
		Rows: []journal.Row{{Table: "posts", ID: h.ID}},
	})
}

// refuseTwice refuses a second running time of one person in one post.
func (r *Room) refuseTwice(ctx context.Context, q store.Querier, h Holder) error {
	old, err := r.holders(ctx, q, " WHERE person = $1 AND post = $2", string(h.Person), string(h.Post))
	if err != nil {
		return err
	}
	for _, o := range old {
		begins := o.Until.IsZero() || o.Until.After(h.From)
		ends := h.Until.IsZero() || h.Until.After(o.From)
		if o.ID != h.ID && begins && ends {
			return store.Invalid{"post": "this person already holds this post in that time; end it first, or change it"}
		}
	}
	return nil
}

// ChangePost keeps an edited time in a post: its end, its deputy mark, how
// the holder is named. The person and the post itself stay.
func (r *Room) ChangePost(ctx context.Context, h Holder) error {
	return r.db.Write(ctx, func(tx *store.Tx) error {
		old, err := r.holder(ctx, tx, h.ID)
		if err != nil {
			return err
		}
		h.Person, h.Post, h.From = old.Person, old.Post, old.From
		if _, err := r.checkHolder(ctx, tx, &h); err != nil {
			return err
		}
		if err := r.refuseTwice(ctx, tx, h); err != nil {
			return err
		}
		return r.putHolder(ctx, tx, VerbPost, old, h, "")
	})
}

// EndPost ends somebody's time in a post now. What the post allowed ends with
// it.
func (r *Room) EndPost(ctx context.Context, id string, version int64, reason string) error {
	return r.db.Write(ctx, func(tx *store.Tx) error {
		old, err := r.holder(ctx, tx, id)
		if err != nil {
			return err
		}
		h := old
		h.Version = version
		h.Until = r.clock.Now()
		if !h.Until.After(h.From) { // ended before it began, or the clock went back
			h.From = h.Until.Add(-time.Millisecond)
		}
		return r.putHolder(ctx, tx, VerbEnded, old, h, reason)
	})
}

func (r *Room) holder(ctx context.Context, q store.Querier, id string) (Holder, error) {
	h, err := scanHolder(q.QueryRowContext(ctx, "SELECT "+postColumns+" FROM posts WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return Holder{}, store.ErrNotFound
	}
	if err != nil {
		return Holder{}, fmt.Errorf("reading a post: %w", err)
	}
	return h, nil
}

// HolderByID returns one time in a post.
func (r *Room) HolderByID(ctx context.Context, id string) (Holder, error) {
	return r.holder(ctx, r.db, id)
}

func (r *Room) putHolder(ctx context.Context, tx *store.Tx, verb journal.Verb, old, h Holder, reason string) error {
	res, err := tx.ExecContext(ctx, `UPDATE posts SET deputy=$1, from_at=$2, until_at=$3, public=$4, contact=$5, version=version+1
		WHERE id=$6 AND version=$7`, h.Deputy, store.Millis(h.From), store.Millis(h.Until), h.Public, h.Contact, h.ID, h.Version)
	if err != nil {
		return fmt.Errorf("changing a post: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return store.ErrStale
	}
	return r.journal.Write(ctx, tx, journal.Entry{
		Verb: verb, Kind: "post", ID: h.ID, Before: old, After: h, Reason: reason,
		Rows: []journal.Row{{Table: "posts", ID: h.ID}},
	})
}
