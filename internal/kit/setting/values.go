package setting

import (
	"fmt"
	"sort"
	"sync/atomic"
	"time"
)

// Book is the declarations of all rooms.
type Book struct {
	byKey map[string]*Setting
	keys  []string
}

// NewBook gathers declarations. Two settings with one key, or a default that
// its own kind cannot read, is a mistake of the program and an error.
func NewBook(all ...[]Setting) (*Book, error) {
	b := &Book{byKey: map[string]*Setting{}}
	for _, ss := range all {
		for i := range ss {
			s := ss[i]
			if _, dup := b.byKey[s.Key]; dup {
				return nil, fmt.Errorf("two settings are called %s", s.Key)
			}
			if _, err := s.Parse(s.Default); err != nil {
				return nil, fmt.Errorf("the default of %s: %w", s.Key, err)
			}
			b.byKey[s.Key] = &s
			b.keys = append(b.keys, s.Key)
		}
	}
	sort.Strings(b.keys)
	return b, nil
}

// Get returns the declaration of key.
func (b *Book) Get(key string) (Setting, bool) {
	s, ok := b.byKey[key]
	if !ok {
		return Setting{}, false
	}
	return *s, true
}

// Keys returns all keys, sorted.
func (b *Book) Keys() []string { return append([]string(nil), b.keys...) }

// Values is one whole set of decisions. It never changes.
type Values struct {
	book   *Book
	byKey  map[string][]Value // narrowest scope first
	number uint64
}

// NewValues returns the values given on top of the safe defaults. number
// grows with each activation.
func NewValues(b *Book, number uint64, given []Value) *Values {
	v := &Values{book: b, byKey: map[string][]Value{}, number: number}
	for _, g := range given {
		v.byKey[g.Key] = append(v.byKey[g.Key], g)
	}
	for key, vs := range v.byKey {
		sort.SliceStable(vs, func(i, j int) bool { return vs[i].Scope.width() > vs[j].Scope.width() })
		v.byKey[key] = vs
	}
	for _, key := range b.keys {
		s := b.byKey[key]
		d, err := s.Parse(s.Default)
		if err != nil {
			continue // NewBook refused such a default
		}
		v.byKey[key] = append(v.byKey[key], d)
	}
	return v
}

// width counts how much a scope narrows.
func (s Scope) width() int {
	n := 0
	for _, f := range []string{s.Group, s.Place, s.Time, s.KeyStage, s.Audience, s.Site} {
		if f != "" {
			n++
		}
	}
	return n
}

// covers reports whether a value said for s holds for somebody in at.
func (s Scope) covers(at Scope) bool {
	ok := func(have, want string) bool { return have == "" || have == want }
	return ok(s.Group, at.Group) && ok(s.Place, at.Place) && ok(s.Time, at.Time) &&
		ok(s.KeyStage, at.KeyStage) && ok(s.Audience, at.Audience) && ok(s.Site, at.Site)
}

// Number tells which activation the values came from; 0 is "defaults only".
func (v *Values) Number() uint64 { return v.number }

// Book returns the declarations behind the values.
func (v *Values) Book() *Book { return v.book }

// All returns every value of key, narrowest scope first, the safe default
// last.
func (v *Values) All(key string) []Value { return append([]Value(nil), v.byKey[key]...) }

// Get returns the value of key for scope at: the narrowest that covers it. An
// undeclared key is a mistake of the program and panics.
func (v *Values) Get(key string, at ...Scope) Value {
	var sc Scope
	if len(at) > 0 {
		sc = at[0]
	}
	for _, x := range v.byKey[key] {
		if x.Scope.covers(sc) {
			return x
		}
	}
	panic("setting: " + key + " is not declared")
}

// Duration returns a duration setting; 0 when it is off.
func (v *Values) Duration(key string, at ...Scope) time.Duration { return v.Get(key, at...).Duration }

// Items returns a list setting.
func (v *Values) Items(key string, at ...Scope) []string { return v.Get(key, at...).Items }

// Choice returns a choice setting.
func (v *Values) Choice(key string, at ...Scope) string { return v.Get(key, at...).Choice }

// Bool returns a yes-or-no setting.
func (v *Values) Bool(key string, at ...Scope) bool { return v.Get(key, at...).Bool }

// Int returns a number setting.
func (v *Values) Int(key string, at ...Scope) int64 { return v.Get(key, at...).Number }

// Live is the values in force. Rooms keep a *Live and ask Current at each
// use; only school/policies publishes.
type Live struct{ p atomic.Pointer[Values] }

// NewLive starts with v in force.
func NewLive(v *Values) *Live {
	l := &Live{}
	l.p.Store(v)
	return l
}

// Current returns the values in force.
func (l *Live) Current() *Values { return l.p.Load() }

// Publish puts v in force.
func (l *Live) Publish(v *Values) { l.p.Store(v) }
