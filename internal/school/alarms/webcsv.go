package alarms

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"belisha/internal/kit/csvio"
	"belisha/internal/kit/web"
)

// mostCopied bounds a copy: the newest that ended, besides those that go on.
const mostCopied = 10_000

// listCSV is the alarms, those that go on first. No person is named in it.
func (r *Room) listCSV(c *web.Ctx) error {
	all, err := r.Running(c.Context())
	if err != nil {
		return err
	}
	ended, _, err := r.Ended(c.Context(), mostCopied, 0)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := csvio.NewWriter(&out)
	if err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	if err := w.Row("what", "risk", "whose", "since", "ended", "times", "told", "went to the head", "seen to", "what was done"); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	for _, a := range append(all, ended...) {
		err := w.Row(a.Words, riskTag(a.Risk).Words, a.Owner.Title(), stamp(a.Since), stamp(a.EndedAt), strconv.FormatInt(a.Times, 10), stamp(a.ToldAt), stamp(a.UpAt), stamp(a.SeenAt), a.Note)
		if err != nil {
			return fmt.Errorf("writing the copy: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("writing the copy: %w", err)
	}
	return c.Send("alarms-of-the-filter.csv", "text/csv; charset=utf-8", &out)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
