package policies

import (
	"encoding/json"
	"strconv"
	"strings"

	"belisha/internal/kit/control"
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

// detail is what a line of the room tells: the fields of every verb, those
// that it has.
type detail struct {
	Title, Version     string // policy.proposed, policy.activated
	Approved           *bool
	Missing            []string
	Role, Name, Minute string // policy.approved
	Paper              bool
	Value, Where       string // setting.changed
	State              control.State
	Figure             string // control.changed
}

// saidDetail says what a line tells of before and after: "90 days → 60 days".
func saidDetail(raw json.RawMessage) string {
	var d struct {
		Before, After detail
		Reason        string
	}
	if len(raw) == 0 || json.Unmarshal(raw, &d) != nil {
		return ""
	}
	b, a := d.Before, d.After
	var parts []string
	say := func(when bool, words string) {
		if when {
			parts = append(parts, words)
		}
	}
	say(a.Title != "", strings.TrimSpace(a.Title+" "+a.Version))
	say(a.Approved != nil && !*a.Approved, "not yet approved by "+titles(a.Missing))
	say(a.Role != "", "by "+approverTitle(a.Role)+": "+a.Name)
	say(a.Minute != "", a.Minute)
	say(a.Paper, "on paper")
	say(a.Value != "", b.Value+" → "+a.Value)
	say(a.Where != "", a.Where+" only")
	say(b.State != "", b.State.Words()+" → "+a.State.Words())
	say(b.State == "" && a.State != "", a.State.Words())
	say(a.Figure != "", a.Figure)
	say(d.Reason != "", d.Reason)
	return strings.Join(parts, "; ")
}
