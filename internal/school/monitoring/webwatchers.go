package monitoring

import (
	"net/url"
	"time"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// lookNames are the kinds of look in words.
var lookNames = map[string][2]string{
	lookSearch: {"search", "searches"}, lookTimeline: {"person's day", "people's days"}, lookExport: {"copy", "copies"},
	lookDraw: {"page of a sample", "pages of a sample"}, lookContractor: {"look as a contractor", "looks as a contractor"},
	lookRelease: {"released part", "released parts"}, lookAlert: {"alert", "alerts"},
}

// watchersView is the review of one period, or the list of periods.
func (r *Room) watchersView(c *web.Ctx) (sheetView, error) {
	v := sheetView{Base: web.Base{
		Title: "Who looked, reviewed", Wide: true,
		Lead: "Somebody who did not look goes through who did. Your own looks are left for somebody else.",
	}}
	if err := mayReview(c.Actor); err != nil {
		return v, err
	}
	zone := c.Words.Zone()
	rhythm := r.values().Choice(keyReviewed)
	from := dayOf(c.Query("from"))
	if !from.Valid() {
		from = dayOf(c.Value("from"))
	}
	p := periodOf(rhythm, people.DayOf(c.Now().In(zone))).before(rhythm)
	if from.Valid() {
		p = periodOf(rhythm, from)
	}
	if err := r.periodPart(c, p, &v); err != nil {
		return v, err
	}
	if err := r.turnsPart(c, rhythm, &v); err != nil {
		return v, err
	}
	return v, r.supportPart(c, &v)
}

// periodPart shows one period: who looked, and the form to sign.
func (r *Room) periodPart(c *web.Ctx, p period, v *sheetView) error {
	from, to := p.start(c.Words.Zone()), p.end(c.Words.Zone())
	watchers, err := r.Watchers(c.Context(), from, to)
	if err != nil {
		return err
	}
	ids, own, err := r.Unreviewed(c.Context(), from, to)
	if err != nil {
		return err
	}
	t := web.Table{
		Caption: p.Words(), ShowCaption: true,
		Columns: []web.Column{{Title: "Who"}, {Title: "What"}, {Title: "Rows seen", Numeric: true}, {Title: "Last"}},
		Empty:   web.Empty{Title: "Nobody looked from " + p.Words()},
	}
	for _, w := range watchers {
		name, err := r.actorName(c, w.Actor)
		if err != nil {
			return err
		}
		cell := web.Cell{Text: name}
		if w.Own {
			cell.Small = "you: somebody else reviews this"
		} else {
			cell.Link = pathLooks + "?" + url.Values{"who": {w.Actor}, "from": {string(p.From)}, "until": {string(p.Until)}}.Encode()
		}
		t.Rows = append(t.Rows, web.Row{Faint: w.Own, Cells: []web.Cell{cell, {Text: w.words()}, {Text: words.Number(w.Rows)}, {When: c.Near(w.Last)}}})
	}
	v.Tables = append(v.Tables, t)
	switch {
	case to.After(c.Now()):
		v.Panels = append(v.Panels, web.Panel{Tone: "note", Title: "This period is not over", Words: "It can be signed from the day after its last."})
	case len(ids) > 0:
		v.Forms = append(v.Forms, sheetForm{
			Title: "Sign the review", Path: pathWatchers, Button: "I have looked at this",
			Lead:   words.Count(len(ids), "look", "looks") + " of others wait for your word. The journal holds the reason and the question of each.",
			Hidden: []web.Hidden{{Name: "from", Value: string(p.From)}, {Name: "digest", Value: digestOf(ids)}},
			Fields: []web.Field{{Kind: web.LongField, Name: "remarks", Label: "What you found", Rows: 3, Max: maxReason}},
		})
	default:
		v.Panels = append(v.Panels, web.Panel{Tone: "good", Title: "Nothing waits for you in this period", Words: "Every look of others in it was reviewed, or nobody looked."})
	}
	if own > 0 {
		v.Panels = append(v.Panels, web.Panel{Tone: "note", Title: words.Count(own, "look", "looks") + " of your own " + words.Plural(own, "waits", "wait") + " for another reviewer", Words: "The head and the chair of governors review each other's."})
	}
	return nil
}

// words says what somebody did: "12 searches, 1 copy".
func (w Watcher) words() string {
	var parts []string
	for _, kind := range []string{lookSearch, lookTimeline, lookExport, lookDraw, lookContractor, lookRelease, lookAlert} {
		if n := w.Counts[kind]; n > 0 {
			parts = append(parts, words.Count(n, lookNames[kind][0], lookNames[kind][1]))
		}
	}
	return words.And(parts)
}

// turnsPart lists the periods that wait, and the reviews that were signed.
func (r *Room) turnsPart(c *web.Ctx, rhythm string, v *sheetView) error {
	owed, err := r.owedReviews(c.Context(), c.Now(), rhythm)
	if err != nil {
		return err
	}
	waits := web.Table{
		Caption: "Periods that wait for a review", ShowCaption: true, Columns: []web.Column{{Title: "Period"}, {Title: "Looks", Numeric: true}, {Title: "Due"}},
		Empty: web.Empty{Title: "No period waits for a review"},
	}
	for _, o := range owed {
		waits.Rows = append(waits.Rows, web.Row{Link: o.link(), Cells: []web.Cell{{Text: o.period.Words()}, {Text: words.Number(o.looks)}, {When: c.Near(o.due)}}})
	}
	signed := web.Table{
		Caption: "Reviews signed", ShowCaption: true, Columns: []web.Column{{Title: "Period"}, {Title: "By"}, {Title: "Signed"}, {Title: "Looks", Numeric: true}, {Title: "Found"}},
		Empty: web.Empty{Title: "No review was signed yet"},
	}
	done, err := r.reviews(c.Context(), c.Now().Add(-followedBack))
	if err != nil {
		return err
	}
	for _, x := range done {
		by, err := r.actorName(c, x.Reviewer)
		if err != nil {
			return err
		}
		signed.Rows = append(signed.Rows, web.Row{Cells: []web.Cell{
			{Text: c.Words.Date(x.From) + " to " + c.Words.Date(x.To.Add(-time.Second))}, {Text: by}, {When: c.Near(x.Signed)}, {Text: words.Number(x.Looks)}, {Text: x.Remarks},
		}})
	}
	v.Tables = append(v.Tables, waits, signed)
	return nil
}

// supportPart is the talks with those who watch.
func (r *Room) supportPart(c *web.Ctx, v *sheetView) error {
	met, err := r.meetings(c.Context(), people.DayOf(c.Now().Add(-followedBack)))
	if err != nil {
		return err
	}
	t := web.Table{
		Caption: "Talks with those who watch", ShowCaption: true, Columns: []web.Column{{Title: "With"}, {Title: "Day"}, {Title: "By"}, {Title: "What is needed"}},
		Empty: web.Empty{Title: "No talk is recorded", Words: "Whoever reads such things needs to be asked how they are."},
	}
	for _, m := range met {
		name, err := r.display(c.Context(), m.Person)
		if err != nil {
			return err
		}
		by, err := r.actorName(c, m.By)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: name}, {Text: m.On.Words()}, {Text: by}, {Text: m.Note}}})
	}
	v.Tables = append(v.Tables, t)
	v.Forms = append(v.Forms, sheetForm{
		Title: "Record a talk", Path: pathWatchers + "/support", Button: "Keep it", Quiet: true,
		Fields: []web.Field{
			{Name: "who", Label: "With whom", Max: 100},
			dateField("on", "When", ""),
			{Kind: web.LongField, Name: "note", Label: "What is needed", Optional: true, Rows: 2, Max: maxReason},
		},
	})
	return nil
}

func (r *Room) signReview(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	from := dayOf(form.Get("from"))
	if !from.Valid() {
		return c.Redirect(pathWatchers)
	}
	p := periodOf(r.values().Choice(keyReviewed), from)
	err = r.Sign(c.Context(), p.start(c.Words.Zone()), p.end(c.Words.Zone()), form.Get("digest"), form.Get("remarks"))
	return r.done(c, err, r.watchersView, 0, pathWatchers+"?from="+string(p.From), "Signed.")
}

func (r *Room) keepTalk(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	id, err := r.anybody(c.Context(), form.Get("who"))
	if err == nil {
		err = r.Met(c.Context(), Meeting{Person: id, On: dayOf(web.DateText(form, "on")), Note: form.Get("note")})
	}
	if bad, ok := web.Wrong(err); ok && bad["person"] != "" {
		bad["who"] = bad["person"]
		delete(bad, "person")
	}
	v, verr := r.watchersView(c)
	if verr != nil {
		return verr
	}
	return r.done(c, err, r.watchersView, len(v.Forms)-1, pathWatchers, "The talk is recorded.")
}
