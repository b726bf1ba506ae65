package store

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Expected outcomes. kit/web turns each into a status and a sentence in one
// place.
var (
	// ErrNotFound: there is no such record, or the asker may not know of it.
	ErrNotFound = errors.New("there is no such record")
	// ErrStale: somebody changed the record since it was read.
	ErrStale = errors.New("somebody else changed this since you opened it; look again, then make your change")
	// ErrForbidden: the actor may not do this.
	ErrForbidden = errors.New("you may not do this")
)

// Invalid says, field by field, what is wrong with what was typed. The key
// "" is about the whole.
type Invalid map[string]string

// Error lists the fields and what to do about each.
func (e Invalid) Error() string {
	keys := make([]string, 0, len(e))
	for k := range e {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		if k == "" {
			parts = append(parts, e[k])
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: %s", k, e[k]))
	}
	return strings.Join(parts, "; ")
}

// OrNil returns nil when nothing is wrong, so that a check can end with
// "return bad.OrNil()".
func (e Invalid) OrNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
