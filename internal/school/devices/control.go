package devices

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Controls is what must be true of the path.
func (r *Room) Controls() []control.Control {
	return []control.Control{{
		Number: "C01", Slug: "filter-in-path", Title: "No way to the internet goes round the filter.", Requirements: []string{"FIL-01"},
		MaxAge: time.Hour, Default: true, Check: r.inPath,
	}}
}

// soonDays is how long before its review somebody's word is at risk.
const soonDays = 30 * 24 * time.Hour

// inPath is C01. Belisha cannot see what does not come to it, so "no way goes
// round" is never measured here: it rests on somebody's word, and is not kept
// while Belisha is out or closes nothing.
func (r *Room) inPath(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
	f := control.Finding{
		State: control.Unknown, Rule: "everything goes through the filter, by the provider's letter or the school's own trial, not older than its review day",
		By: "what was written down about the path", At: now, Owner: string(people.NetworkManager),
	}
	out, err := r.Out(ctx)
	if err != nil {
		return f, err
	}
	if out != nil {
		f.State, f.Source = control.Broken, control.Measured
		f.Figure = "Belisha was taken out of the path on " + out.From.UTC().Format("2 January 2006")
		f.Todo = "Put it back on the page Way out."
		return f, nil
	}
	b, err := r.Beside(ctx)
	if err != nil {
		return f, err
	}
	kind, source := WordSchool, control.Attested
	if b.Filtered() {
		kind, source = WordProvider, control.Provider
	}
	f.Source = source
	if err := r.wordState(ctx, now, kind, &f); err != nil {
		return f, err
	}
	return f, r.openState(ctx, b, &f)
}

// wordState is what somebody's word makes of it.
func (r *Room) wordState(ctx context.Context, now time.Time, kind string, f *control.Finding) error {
	w, err := r.Word(ctx, kind)
	if err != nil {
		return err
	}
	todo := map[string]string{
		WordProvider: "Ask the other filter's provider for a letter that nothing leaves the school unfiltered, and write it down under Devices.",
		WordSchool:   "Try it from a device: with the filter left out nothing must open. Write down what you tried, under Devices.",
	}[kind]
	if w == nil {
		f.Figure, f.Source, f.Todo = "nobody has said so yet", "", todo
		return nil
	}
	f.By, f.At = w.Who, w.WrittenAt
	f.Figure = "said on " + w.Given.Format("2 January 2006") + ", looked at again by " + w.Review.Format("2 January 2006")
	f.Rows = []control.Row{{What: w.Who + ": " + w.Words, State: control.Kept, At: w.Given, Link: "/devices"}}
	switch {
	case !now.Before(w.Review):
		f.State, f.Todo = control.Broken, todo
	case w.Review.Sub(now) < soonDays:
		f.State, f.Todo = control.AtRisk, todo
	default:
		f.State = control.Kept
	}
	f.Rows[0].State = f.State
	// A word holds until its review day, however old the evidence is.
	f.At = now
	return nil
}

// openState adds whether the filter can be reached, and closes anything.
func (r *Room) openState(ctx context.Context, b Beside, f *control.Finding) error {
	d, err := r.Doors(ctx)
	if err != nil {
		return err
	}
	trying, err := r.Trying(ctx)
	if err != nil {
		return err
	}
	switch {
	case b.Kind == LogOnly:
		f.Figure += "; Belisha reads the other filter's log and filters nothing itself"
	case !d.Open():
		f.State = control.Worst([]control.State{f.State, control.Unknown})
		f.Figure += "; the filter is not open to devices yet"
		f.Todo = "Say at which address devices reach it, under Devices."
	case len(trying) > 0:
		f.Figure += fmt.Sprintf("; %s only tried out, the other filter alone closes there", words.Count(len(trying), "group is", "groups are"))
	}
	if b.Reached != "" && b.Reached != Reached {
		f.State = control.Worst([]control.State{f.State, control.AtRisk})
		f.Figure += "; the other filter did not answer when it was last tried"
	}
	return nil
}

// Weaken is what the state of the path makes of another room's finding: what
// the filter would do is not what it does while it is out, reads only, or is
// tried out.
func (r *Room) Weaken(ctx context.Context, f control.Finding) (control.Finding, error) {
	out, err := r.Out(ctx)
	if err != nil {
		return f, err
	}
	b, err := r.Beside(ctx)
	if err != nil {
		return f, err
	}
	trying, err := r.Trying(ctx)
	if err != nil {
		return f, err
	}
	switch {
	case out != nil:
		f.State = control.Broken
		f.Figure = "Belisha is taken out of the path; its rules say: " + f.Figure
		f.Todo = "Put it back on the page Way out."
	case b.Kind == LogOnly:
		f.State = control.Worst([]control.State{f.State, control.Unknown})
		f.Source, f.Figure = control.Imported, "the other filter decides, and Belisha reads its log; our rules would say: "+f.Figure
		f.Todo = "Ask the other filter's provider, or let Belisha filter."
	case len(trying) > 0:
		f.State = control.Worst([]control.State{f.State, control.Unknown})
		f.Source, f.Figure = control.Provider, "tried out only, so the other filter decides; our rules would say: "+f.Figure
		f.Todo = "Make it real under Devices, Try-out."
	}
	return f, nil
}
