package devices

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/csvio"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// OtherLog is what was counted in one file of the other filter's log. Names
// and addresses are not taken up.
type OtherLog struct {
	ID, Name, Digest string
	First, Last      time.Time
	Allowed, Blocked int64
	Refused          int64 // rows that could not be read
	TakenAt          time.Time
	TakenBy          string
}

// The columns that are read, by the names that filters give them.
var (
	timeColumns   = []string{"time", "date", "datetime", "date time", "timestamp", "when", "date/time"}
	actionColumns = []string{"action", "status", "decision", "result", "verdict", "filter action", "policy action"}
)

// What a filter says when it closed something, and when it did not.
var (
	blockedWords = []string{"block", "deny", "denied", "filter", "refus", "drop", "reject"}
	allowedWords = []string{"allow", "permit", "pass", "accept", "ok", "monitor", "log"}
)

// moments are the ways in which filters write a moment; days first, as here.
var moments = []string{
	time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "02/01/2006 15:04:05", "02/01/2006 15:04", "2/1/2006 15:04:05",
	"02-01-2006 15:04:05", "02 Jan 2006 15:04:05", "Jan 2, 2006 15:04:05", "2006/01/02 15:04:05",
}

// logLimits bound a log that is uploaded.
var logLimits = csvio.Limits{Bytes: LogBytes, Rows: 500_000, Field: 20_000, Cells: 100}

// LogBytes is the largest log that is taken at once.
const LogBytes = 32 << 20

// TakeLog counts a log of the other filter, a CSV with a time and an action. A
// file that was counted before is not counted twice.
func (r *Room) TakeLog(ctx context.Context, name string, data []byte, zone *time.Location) (OtherLog, error) {
	b, err := r.Beside(ctx)
	if err != nil {
		return OtherLog{}, err
	}
	if !b.Filtered() {
		return OtherLog{}, store.Invalid{"file": "Say first whose filter the log is from"}
	}
	f, err := csvio.Read(bytes.NewReader(data), logLimits)
	if err != nil {
		return OtherLog{}, store.Invalid{"file": err.Error()}
	}
	sum := sha256.Sum256(data)
	l := OtherLog{ID: store.NewID(r.now()), Name: name, Digest: hex.EncodeToString(sum[:]), TakenAt: r.now(), TakenBy: actor.From(ctx).ID}
	if err := l.count(f, zone); err != nil {
		return OtherLog{}, err
	}
	return l, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := r.logsOf(ctx, tx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(o OtherLog) bool { return o.Digest == l.Digest }) {
			return store.Invalid{"file": "This very file was counted before"}
		}
		if err := r.putLog(ctx, tx, l); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbLog, Kind: "other-log", ID: l.ID, After: map[string]any{"allowed": l.Allowed, "blocked": l.Blocked, "refused": l.Refused}})
	})
}

// count reads the rows.
func (l *OtherLog) count(f *csvio.File, zone *time.Location) error {
	at, act := column(f.Header, timeColumns), column(f.Header, actionColumns)
	if at < 0 || act < 0 {
		return store.Invalid{"file": fmt.Sprintf("line %d: the log needs a column for the time and one for what was done, such as Time and Action; it has %s", f.HeaderLine, some(f.Header))}
	}
	l.Refused = int64(len(f.Faults))
	first := 0
	for _, row := range f.Rows {
		when, ok := moment(row.Cells[at], zone)
		closed, known := said(row.Cells[act])
		if !ok || !known {
			l.Refused++
			if first == 0 {
				first = row.Line
			}
			continue
		}
		if closed {
			l.Blocked++
		} else {
			l.Allowed++
		}
		if l.First.IsZero() || when.Before(l.First) {
			l.First = when
		}
		if when.After(l.Last) {
			l.Last = when
		}
	}
	if l.Allowed+l.Blocked == 0 {
		return store.Invalid{"file": fmt.Sprintf("no row of it could be read; the first that cannot is line %d: a row has a time such as 2026-11-23 09:30:00 and says allowed or blocked", first)}
	}
	return nil
}

func column(header, names []string) int {
	return slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
}

func some(header []string) string {
	if len(header) > 8 {
		header = header[:8]
	}
	return strings.Join(header, ", ")
}

func moment(s string, zone *time.Location) (time.Time, bool) {
	for _, m := range moments {
		if t, err := time.ParseInLocation(m, strings.TrimSpace(s), zone); err == nil && t.Year() > 2000 {
			return t, true
		}
	}
	return time.Time{}, false
}

func said(s string) (closed, known bool) {
	s = strings.ToLower(s)
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
	}
	// "not blocked" and "unfiltered" are neither: a guess is worse than a row
	// that is counted as unread.
	if strings.Contains(s, "not ") || strings.HasPrefix(s, "un") {
		return false, false
	}
	if has(blockedWords) {
		return true, true
	}
	return false, has(allowedWords)
}
