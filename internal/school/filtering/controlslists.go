package filtering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
)

// length is a length of time in the words in which the school said it.
func length(v setting.Value) string {
	if v.Raw != "" {
		return v.Raw
	}
	return words.Length(v.Duration)
}

// listsFresh holds the age of every list in use against what the policy lets
// it be. The starter list comes with the program and is no list to be fresh.
func (r *Room) listsFresh(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	limit := v.Duration(keyListAge)
	f := control.Finding{
		Rule:   "no list in use is older than " + length(v.Get(keyListAge)),
		Source: control.Measured, By: "the dates of the lists' files and of their import", At: now, Owner: owner,
	}
	st, err := r.load(ctx)
	if err != nil {
		return f, err
	}
	if !imported(st) {
		f.State, f.Figure = control.Unknown, StarterSays
		f.Todo = "Have category lists fetched, on the page of lists from the web, or bring one in at the machine: belisha lists import PATH."
		return f, nil
	}
	supplies, err := r.Supplies(ctx)
	if err != nil {
		return f, err
	}
	oldest := freshRows(&f, st.sources, supplies, limit)
	licensed, err := r.LicensedLists(ctx)
	if err != nil {
		return f, err
	}
	for _, l := range licensed {
		f.Rows = append(f.Rows, licensedRow(l, now, limit))
		oldest = max(oldest, now.Sub(l.Well))
	}
	n := len(f.Rows)
	for _, s := range supplies {
		if s.Format != FormatPhrases && s.WellAt.IsZero() && !slices.ContainsFunc(st.sources, func(x Source) bool { return x.ID == s.Supply.ID }) {
			f.Rows = append(f.Rows, control.Row{What: s.Title + ": not fetched yet", State: control.AtRisk, At: s.AddedAt, Link: pathSupplies + "/" + s.Supply.ID})
		}
	}
	f.State = control.Worst(states(f.Rows))
	f.Figure = fmt.Sprintf("%s, the oldest %s old", words.Count(n, "list", "lists"), daysOld(oldest))
	if f.State != control.Kept {
		f.Todo = "Look on the page of lists why the last attempt failed; a list from a file is renewed with belisha lists update."
	}
	cut(&f)
	return f, nil
}

// freshRows adds a row for each list in use, and returns the oldest one's age.
func freshRows(f *control.Finding, sources []Source, supplies []Supplied, limit time.Duration) time.Duration {
	var oldest time.Duration
	for _, s := range sources {
		if !s.Enabled || s.Segment == "" {
			continue
		}
		row := freshRow(s, f.At, limit)
		asked := slices.ContainsFunc(supplies, func(x Supplied) bool { return x.Supply.ID == s.ID && f.At.Sub(x.WellAt) < 2*day })
		if row.State != control.Kept && s.Problem == "" && asked {
			row.What += "; its publisher has nothing newer"
		}
		oldest = max(oldest, f.At.Sub(s.fresh()))
		f.Rows = append(f.Rows, row)
	}
	return oldest
}

func freshRow(s Source, now time.Time, limit time.Duration) control.Row {
	age := now.Sub(s.fresh())
	row := control.Row{What: fmt.Sprintf("%s: %s names, %s old", s.Title, words.Number(int(s.Names)), daysOld(age)), State: control.Kept, At: s.fresh(), Link: "/filter/lists"}
	switch {
	case age > limit:
		row.State = control.Broken
	case s.Problem != "":
		row.State = control.AtRisk
		row.What += "; the latest one was refused: " + s.Problem
	case age > limit/2:
		row.State = control.AtRisk
	}
	return row
}

// licensedRow holds a licensed list to the same age, and to a shorter one of
// its own: suppliers change theirs every day.
func licensedRow(l LicensedStatus, now time.Time, limit time.Duration) control.Row {
	age := now.Sub(l.Well)
	row := control.Row{What: fmt.Sprintf("Licensed: %s: %s entries, SHA-256 %.16s…, %s old", l.Title, words.Number(int(l.Entries)), l.Digest, daysOld(age)), State: control.Kept, At: l.Well, Link: pathLicensed}
	switch {
	case age > limit:
		row.State = control.Broken
	case l.Stale || l.Problem != "":
		row.State = control.AtRisk
	}
	return row
}

// daysOld says an age roughly.
func daysOld(d time.Duration) string {
	switch {
	case d < time.Hour:
		return "less than an hour"
	case d < day:
		return words.Count(int(d/time.Hour), "hour", "hours")
	}
	return words.Count(int(d/day), "day", "days")
}

// probeHosts are the services that are asked for each group.
const probeHosts = 12

// safeSearch asks, for each group, what search and video services are answered
// as: the running filter where it can be asked, else the rules in force.
func (r *Room) safeSearch(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{
		Rule:   "search and video services are answered with their safe mode for each group as the policy says, and open image search is as the policy says",
		Source: control.Measured, By: "questions to the running filter", At: now, Owner: owner,
		Todo: "Look at the health page whether the filter runs and holds the current rules.",
	}
	snap, err := r.published()
	if err != nil {
		f.State, f.Figure = control.Broken, "there are no rules in force that the filter would take: "+err.Error()
		return f, nil
	}
	ask := r.prober(snap)
	if r.d.Prober == nil {
		f.By = "the rules in force; the running filter was not asked"
	}
	for _, g := range Groups() {
		rows, err := r.safeRows(ctx, snap, ask, v, g, now)
		if err != nil {
			f.State, f.Figure = control.Unknown, "the running filter could not be asked: "+err.Error()
			return f, nil
		}
		f.Rows = append(f.Rows, rows...)
		f.Rows = append(f.Rows, imageRow(snap, v, g, now))
	}
	f.State = control.Worst(states(f.Rows))
	f.Figure = fmt.Sprintf("%d of %d questions answered as the policy says", len(f.Rows)-count(f.Rows, control.Broken), len(f.Rows))
	cut(&f)
	return f, nil
}

type probe func(ctx context.Context, group, host string) (string, error)

func (r *Room) prober(snap *verdict.Snapshot) probe {
	if r.d.Prober != nil {
		return r.d.Prober.SafeAs
	}
	return func(_ context.Context, group, host string) (string, error) {
		target, _ := snap.SafeTarget(snap.Names().GroupBit(group), host, r.now())
		return target, nil
	}
}

// safeRows asks for one host of each service.
func (r *Room) safeRows(ctx context.Context, snap *verdict.Snapshot, ask probe, v *setting.Values, g string, now time.Time) ([]control.Row, error) {
	var rows []control.Row
	at := setting.Scope{Group: g}
	for i, s := range r.stock.safe {
		if i == probeHosts {
			break
		}
		level := v.Choice(keySafeSearch, at)
		if s.Name == youtube {
			level = v.Choice(keyYouTube, at)
		}
		want := map[string]string{"strict": s.Strict, "moderate": s.Moderate, "off": ""}[level]
		if level == "moderate" && want == "" {
			want = s.Strict
		}
		got, err := ask(ctx, g, s.Hosts[0])
		how := ""
		if errors.Is(err, ErrClosed) {
			// For those of the group for whom it is open, the rules must say.
			got, _ = snap.SafeTarget(snap.Names().GroupBit(g), s.Hosts[0], r.now())
			how, err = " by the rules, and is closed for whoever is not known", nil
		}
		if err != nil {
			return nil, err
		}
		row := control.Row{What: fmt.Sprintf("%s: %s is answered as %s", groupTitle[g], s.Hosts[0], orItself(got)) + how, State: control.Kept, At: now}
		if !strings.EqualFold(strings.TrimSuffix(got, "."), want) {
			row.State = control.Broken
			row.What += ", and must be answered as " + orItself(want)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func orItself(name string) string {
	if name == "" {
		return "itself"
	}
	return name
}

// imageRow holds an image search against the setting of the group.
func imageRow(snap *verdict.Snapshot, v *setting.Values, g string, now time.Time) control.Row {
	want := v.Choice(keyImages, setting.Scope{Group: g})
	row := control.Row{What: groupTitle[g] + ": open image search is " + imageWord(want), State: control.Kept, At: now}
	got := snap.Decide(&verdict.Ask{Door: verdict.DoorProxy, Host: "www.google.com", Path: "/search?tbm=isch&q=leaf", Port: 80, Groups: snap.Names().GroupBit(g), At: now})
	if strictness(acted(got).String()) < strictness(want) {
		row.State, row.What = control.Broken, fmt.Sprintf("%s: open image search is %s and must be %s", groupTitle[g], imageWord(got.Action.String()), imageWord(want))
	}
	return row
}

func imageWord(choice string) string {
	return map[string]string{"block": "closed", "warn": "open after a warning", "allow": "open"}[choice]
}

func strictness(choice string) int {
	return map[string]int{"allow": 0, "warn": 1, "block": 2}[choice]
}
