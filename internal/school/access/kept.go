package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"belisha/internal/school/people"
)

// What somebody typed into a page whose session had ended meanwhile is kept
// for them, sealed, for a short time: they sign in again and send it.
const (
	keptLasts = 30 * time.Minute
	maxKept   = 500      // people at once
	maxTyped  = 64 << 10 // bytes of one form
)

// parcel is a form that was not taken.
type parcel struct {
	Path string
	At   time.Time
	Form url.Values
}

// secretField reports whether a field's value is never kept.
func secretField(name string) bool {
	n := strings.ToLower(name)
	for _, w := range []string{"password", "current", "again", "code", "token", "secret", "pin"} {
		if strings.Contains(n, w) {
			return true
		}
	}
	return false
}

// keep keeps a form for whoever the session of the token was of, and reports
// whether it did.
func (r *Room) keep(ctx context.Context, token, path string, form url.Values) (bool, error) {
	if token == "" || len(token) > 100 || len(path) > 1000 || within(path, "/sign-in") || within(path, "/account") {
		return false, nil
	}
	s, err := readSession(ctx, r.DB, "token", hashToken(token))
	if err != nil {
		return false, ignoreNotFound(err)
	}
	p := parcel{Path: path, At: r.Clock.Now(), Form: url.Values{}}
	for k, v := range form {
		if !secretField(k) {
			p.Form[k] = v
		}
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return false, fmt.Errorf("keeping what was typed: %w", err)
	}
	if len(p.Form) == 0 || len(raw) > maxTyped {
		return false, nil
	}
	sealed, err := r.sealFor(ctx, "typed by "+string(s.Person), raw)
	if err != nil {
		return false, err
	}
	r.typed.put(string(s.Person), p.At, []byte(sealed))
	return true, nil
}

// kept returns what was kept for a person.
func (r *Room) kept(ctx context.Context, person people.ID) (parcel, bool, error) {
	var p parcel
	sealed, ok := r.typed.get(string(person), r.Clock.Now())
	if !ok {
		return p, false, nil
	}
	raw, err := r.openFor(ctx, "typed by "+string(person), string(sealed))
	if err != nil {
		return p, false, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, false, fmt.Errorf("reading what was typed: %w", err)
	}
	return p, true, nil
}
