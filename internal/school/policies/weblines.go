package policies

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// storeNotFound is "there is no such page".
var storeNotFound = store.ErrNotFound

func readSeq(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func seqWords(n int64) string { return strconv.FormatInt(n, 10) }

// name says who an actor is, as far as house can tell; else the journal's id.
func (r *Room) name(c *web.Ctx, id string) string {
	if r.d.Names != nil {
		if n := r.d.Names(c.Context(), id); n != "" {
			return n
		}
	}
	return id
}

// aboutLine says what a line of the journal is about.
func aboutLine(l journal.Line) string {
	if l.Kind == "policy" {
		return "a version of the policy"
	}
	return l.ID
}

// saidDetail says what a line tells of before and after: "value: 90 days →
// 60 days".
func saidDetail(raw json.RawMessage) string {
	var d struct {
		Before, After map[string]any
		Reason        string
	}
	if len(raw) == 0 || json.Unmarshal(raw, &d) != nil {
		return ""
	}
	keys := map[string]bool{}
	for k := range d.Before {
		keys[k] = true
	}
	for k := range d.After {
		keys[k] = true
	}
	var parts []string
	for k := range keys {
		b, a := d.Before[k], d.After[k]
		switch {
		case k == "hash" || fmt.Sprint(b) == fmt.Sprint(a):
		case b == nil:
			parts = append(parts, fmt.Sprintf("%s: %v", k, a))
		default:
			parts = append(parts, fmt.Sprintf("%s: %v → %v", k, b, a))
		}
	}
	sort.Strings(parts)
	if d.Reason != "" {
		parts = append(parts, d.Reason)
	}
	return strings.Join(parts, "; ")
}
