package monitoring

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// checkLog looks for gaps in the school hours of the last days.
func (r *Room) checkLog(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(keyGap)
	f := control.Finding{
		Source: control.Measured, By: "the record, minute by minute, and the filter's sign of life", Owner: string(people.NetworkManager),
		Rule: "in school hours no gap over " + words.Length(limit),
	}
	from, err := r.logSince(ctx, now)
	if err != nil {
		return f, err
	}
	if !from.IsZero() && !from.Before(now.Add(-logLag)) {
		f.State, f.Figure = control.Unknown, "the record has only just begun"
		return f, nil
	}
	if from.IsZero() {
		f.State, f.Figure = control.Unknown, "nothing has been recorded yet"
		f.Todo = "Send a browser through the filter."
		return f, nil
	}
	sum, sites, err := r.gapsSince(ctx, from, now, limit)
	if err != nil {
		return f, err
	}
	return sum.finding(f, sites), nil
}

// gaps are the gaps that count now, with what was said about them.
func (r *Room) gaps(ctx context.Context, now time.Time, v *setting.Values) (logSum, int, error) {
	from, err := r.logSince(ctx, now)
	if err != nil || from.IsZero() || !from.Before(now.Add(-logLag)) {
		return logSum{}, 0, err
	}
	return r.gapsSince(ctx, from, now, v.Duration(keyGap))
}

func (r *Room) gapsSince(ctx context.Context, from, now time.Time, limit time.Duration) (logSum, int, error) {
	sum := logSum{limit: limit}
	sites, err := r.d.Memory.Sites(ctx, from, now)
	if err != nil {
		return sum, 0, err
	}
	if len(sites) == 0 {
		sites = []string{""} // a filter that fell silent everywhere
	}
	for _, site := range sites {
		if err := r.readLog(ctx, site, from, now, &sum); err != nil {
			return sum, 0, err
		}
	}
	if len(sum.gaps) == 0 {
		return sum, len(sites), nil
	}
	said, err := r.explanations(ctx, from)
	if err != nil {
		return sum, 0, err
	}
	explain(sum.gaps, said)
	return sum, len(sites), nil
}

// logSince is how far back the record is judged: seven days, or the first
// moment of the record where that is later; a month where seven days hold no
// school hours. The zero time: there is no record.
func (r *Room) logSince(ctx context.Context, now time.Time) (time.Time, error) {
	st, err := r.d.Memory.Stats(ctx)
	if err != nil || st.First == "" {
		return time.Time{}, err
	}
	c, err := r.d.Roll.Calendar(ctx, people.MainSite)
	if err != nil {
		return time.Time{}, err
	}
	days := 7
	if !anySchool(c, now.Add(-7*oneDay), now) {
		days = 30
	}
	from := now.Add(-time.Duration(days) * oneDay).Truncate(time.Minute)
	first := people.Day(st.First).Time(c.Location())
	if first.After(from) {
		return r.firstSign(ctx, first, now)
	}
	return from, nil
}

func anySchool(c *people.Calendar, from, to time.Time) bool {
	for t := from; t.Before(to); t = t.Add(30 * time.Minute) {
		if c.SchoolHours(t) {
			return true
		}
	}
	return false
}

// firstSign is the first minute in which anything was recorded.
func (r *Room) firstSign(ctx context.Context, from, now time.Time) (time.Time, error) {
	minutes, err := r.d.Memory.Minutes(ctx, "", from, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range minutes {
		if m.Events > 0 || m.Beats > 0 {
			return m.At, nil
		}
	}
	return time.Time{}, nil
}

// logSum gathers what the minutes of all sites say.
type logSum struct {
	limit   time.Duration
	school  int // minutes of school hours looked at
	dropped uint64
	gaps    []Gap
}

// logLag is how far behind now the record may be: the last minute is not over,
// and the filter signs once a minute.
const logLag = 2 * time.Minute

func (r *Room) readLog(ctx context.Context, site string, from, now time.Time, sum *logSum) error {
	minutes, err := r.d.Memory.Minutes(ctx, site, from, now.Add(-logLag))
	if err != nil {
		return err
	}
	at := site
	if at == "" {
		at = people.MainSite
	}
	c, err := r.d.Roll.Calendar(ctx, at)
	if err != nil {
		return err
	}
	var began time.Time
	for _, m := range minutes {
		sum.dropped += m.Dropped
		silent := m.Events == 0 && m.Beats == 0 && c.SchoolHours(m.At)
		if c.SchoolHours(m.At) {
			sum.school++
		}
		switch {
		case silent && began.IsZero():
			began = m.At
		case !silent && !began.IsZero():
			sum.gap(at, began, m.At, false)
			began = time.Time{}
		}
	}
	if !began.IsZero() {
		sum.gap(at, began, now.Add(-logLag).Truncate(time.Minute), c.SchoolHours(now))
	}
	return nil
}

func (s *logSum) gap(site string, from, to time.Time, open bool) {
	if to.Sub(from) > s.limit {
		s.gaps = append(s.gaps, Gap{Site: site, From: from, To: to, Open: open})
	}
}

// words says a gap. Its moments are in the site's own zone already.
func (g Gap) words() string {
	return fmt.Sprintf("Nothing was recorded at %s from %s to %s (%s)", g.Site, g.From.Format("15:04 on Monday 2 January"), g.To.Format("15:04"), words.Length(g.To.Sub(g.From)))
}

func (s *logSum) finding(f control.Finding, sites int) control.Finding {
	f.Total = len(s.gaps)
	unexplained := 0
	for _, g := range s.gaps {
		row := control.Row{What: g.words(), State: control.Broken, At: g.From, Link: pathGaps}
		if g.Why != "" {
			row.What, row.State = row.What+"; it was explained", control.Kept
		} else {
			unexplained++
		}
		if len(f.Rows) < maxEvidence {
			f.Rows = append(f.Rows, row)
		}
	}
	hours := words.Count(s.school/60, "school hour", "school hours")
	switch {
	case unexplained > 0:
		f.State, f.Figure = control.Broken, words.Count(unexplained, "gap", "gaps")+" in "+hours
		f.Todo = "Look at the health page, and say on the page of gaps why the filter was silent."
	case s.school == 0:
		f.State, f.Figure = control.Unknown, "no school hours since the record began"
	case s.dropped > 0:
		f.State, f.Figure = control.AtRisk, fmt.Sprintf("no gap in %s, but the filter could not keep %s of routine visits", hours, words.Count(int(min(s.dropped, 1<<31)), "row", "rows")) //nolint:gosec // bounded
		f.Todo = "Free some disk space, or give the server a faster disk."
	case len(s.gaps) > 0:
		f.State, f.Figure = control.Kept, words.Count(len(s.gaps), "gap", "gaps")+" in "+hours+", explained"
	default:
		f.State = control.Kept
		f.Figure = strings.TrimSpace("no gap in " + hours + " at " + words.Count(sites, "site", "sites"))
	}
	return f
}
