package filtering

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Where a teacher asks, and where a filter manager decides.
const (
	pathUnblock  = "/unblock"
	pathUnblocks = "/filter/unblocks"
)

// unblockRoutes are the pages of sites opened for lessons: the teacher's,
// which are open through the filter, and the filter manager's.
func (r *Room) unblockRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathUnblock, Needs: MayAsk, Do: r.myUnblocks, People: true},
		{Pattern: "GET " + pathUnblock + "/ask", Needs: MayAsk, Do: r.unblockAsk, People: true},
		{Pattern: "POST " + pathUnblock + "/ask", Needs: MayAsk, Do: r.unblockAsked, People: true},
		{Pattern: "GET " + pathUnblock + "/{id}", Needs: MayAsk, Do: r.myUnblock, People: true},
		{Pattern: "POST " + pathUnblock + "/{id}/end", Needs: MayAsk, Do: r.myUnblockEnd, People: true},
		{Pattern: "GET " + pathUnblocks, Needs: MayRead, Do: r.unblockList},
		{Pattern: "GET " + pathUnblocks + "/{id}", Needs: MayRead, Do: r.unblockOne},
		{Pattern: "POST " + pathUnblocks + "/{id}/grant", Needs: MayUnblock, Do: r.unblockGrant},
		{Pattern: "POST " + pathUnblocks + "/{id}/refuse", Needs: MayUnblock, Do: r.unblockRefuse},
		{Pattern: "POST " + pathUnblocks + "/{id}/end", Needs: MayUnblock, Do: r.unblockEnd},
	}
}

// momentForm is how browsers send a day and a time.
const momentForm = "2006-01-02T15:04"

// unblockForm is the page on which a teacher asks.
func (r *Room) unblockForm(c *web.Ctx) (formView, error) {
	v := formView{
		Base: web.Base{
			Title: "Ask for a site for a lesson", Crumbs: []web.Crumb{{Title: "Sites for lessons", Path: pathUnblock}},
			Lead: "A filter manager decides. What is granted opens within a second, for the class you choose, and closes by itself.",
		},
		Path: pathUnblock + "/ask", Button: "Ask for it", Cancel: pathUnblock,
		Note: r.socialNote(),
	}
	whom, err := r.forOptions(c.Context(), people.ID(c.Actor.Person))
	if err != nil {
		return v, err
	}
	minutes, err := r.minuteOptions(c)
	if err != nil {
		return v, err
	}
	v.Fields = []web.Field{
		{Kind: web.LongField, Name: "hosts", Label: "Site", Rows: 2, Max: mostHosts * maxEntry, Hint: fmt.Sprintf("Exactly what stands here is opened, with what is below it: example.com opens www.example.com too. Up to %d, one on each line.", mostHosts)},
		{Kind: web.LongField, Name: "purpose", Label: "What the class does with it", Rows: 2, Max: mostPurpose},
		{Kind: web.SelectField, Name: "for", Label: "For whom", Options: whom},
		{Kind: web.SelectField, Name: "minutes", Label: "For how long", Options: minutes},
		{Kind: web.MomentField, Name: "from", Label: "From", Hint: "Leave it empty for now.", Optional: true},
	}
	return v, nil
}

// socialNote says where the policy does not let a social site be opened.
func (r *Room) socialNote() web.Panel {
	allowed := r.d.Live.Current().Get(keyUnblock)
	if allowed.Bool {
		return web.Panel{}
	}
	return web.Panel{Tone: "note", Title: "Not social sites", Words: "At this school no social site is opened, not even for a lesson" + bySetting(allowed) + "."}
}

// forOptions are the classes, the asker's own first, the years and all pupils.
func (r *Room) forOptions(ctx context.Context, asker people.ID) ([]web.Option, error) {
	mine, err := r.d.People.ClassesOf(ctx, asker)
	if err != nil {
		return nil, fmt.Errorf("reading the classes: %w", err)
	}
	all, err := r.d.People.Classes(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the classes: %w", err)
	}
	out := []web.Option{{Value: "", Label: "Choose"}}
	for _, class := range slices.Concat(mine, without(all, mine)) {
		out = append(out, web.Option{Value: ForClass(class), Label: "Class " + class})
	}
	for _, y := range people.Years {
		_, n, err := r.d.People.List(ctx, people.Filter{Kind: people.Pupil, Year: y, Limit: 1})
		if err != nil {
			return nil, fmt.Errorf("reading the years: %w", err)
		}
		if n > 0 {
			out = append(out, web.Option{Value: ForYear(y), Label: y.Words()})
		}
	}
	return append(out, web.Option{Value: ForPupils, Label: "All pupils"}), nil
}

// minuteOptions are how long somebody may ask for; to the lesson's end first.
func (r *Room) minuteOptions(c *web.Ctx) ([]web.Option, error) {
	cal, err := r.d.People.Calendar(c.Context(), people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	most := int(r.d.Live.Current().Duration(keyUnblockMax) / time.Minute)
	var out []web.Option
	if l, ok := cal.LessonAt(c.Now()); ok {
		local := c.Now().In(cal.Location())
		left := l.Until - (local.Hour()*60 + local.Minute())
		if left >= leastMinutes && left <= most {
			out = append(out, web.Option{Value: strconv.Itoa(left), Label: fmt.Sprintf("To the end of %s, %d minutes", l.Name, left), Chosen: true})
		}
	}
	for _, n := range []int{10, 15, 20, 30, 40, 50, 60, 90, 120} {
		if n <= most {
			out = append(out, web.Option{Value: strconv.Itoa(n), Label: words.Length(time.Duration(n) * time.Minute)})
		}
	}
	return out, nil
}

func (r *Room) unblockAsk(c *web.Ctx) error {
	v, err := r.unblockForm(c)
	if err != nil {
		return err
	}
	if host := c.Query("host"); len(host) <= maxEntry {
		v.Fields[0].Value = host
	}
	return formTemplate.Render(c, v)
}

func (r *Room) unblockAsked(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	u, err := readUnblock(c, form)
	if err == nil {
		u, err = r.AskUnblock(c.Context(), u)
	}
	var already *AskedAlready
	if errors.As(err, &already) {
		c.Notice(already.Error())
		return c.Redirect(pathUnblock + "/" + already.ID)
	}
	if bad, ok := wrong(err); ok {
		v, err := r.unblockForm(c)
		if err != nil {
			return err
		}
		return v.again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Asked. A filter manager has it now.")
	return c.Redirect(pathUnblock + "/" + u.ID)
}

func readUnblock(c *web.Ctx, form url.Values) (Unblock, error) {
	u := Unblock{
		Hosts:   strings.FieldsFunc(form.Get("hosts"), func(x rune) bool { return x == '\n' || x == '\r' || x == ',' || x == ' ' }),
		Purpose: form.Get("purpose"), For: form.Get("for"),
	}
	n, err := strconv.Atoi(strings.TrimSpace(form.Get("minutes")))
	if err != nil || n < 0 || n > 24*60 {
		return u, store.Invalid{"minutes": "Choose for how long."}
	}
	long := time.Duration(n) * time.Minute
	if from := strings.TrimSpace(form.Get("from")); from != "" {
		at, err := time.ParseInLocation(momentForm, from, c.Words.Zone())
		if err != nil {
			return u, store.Invalid{"from": "Write the day and the time, such as 2026-11-23T10:50."}
		}
		u.From = at
	}
	u.Until = u.From.Add(long)
	return u, nil
}

// unblockTag says where an unblock stands.
func unblockTag(u Unblock, now time.Time) web.Tag {
	switch {
	case u.Running(now):
		return web.Tag{Words: "open", Tone: "green"}
	case u.State == UnblockGranted && now.Before(u.From):
		return web.Tag{Words: "granted", Tone: "teal"}
	case u.State == UnblockGranted || u.State == UnblockEnded:
		return web.Tag{Words: "closed again"}
	case u.State == UnblockAsked && now.Before(u.Until):
		return web.Tag{Words: "waits", Tone: "brown"}
	case u.State == UnblockRefused:
		return web.Tag{Words: "refused", Tone: "red"}
	case u.State == UnblockWithdrawn:
		return web.Tag{Words: "taken back"}
	}
	return web.Tag{Words: "not decided in time"}
}

func (r *Room) unblockTable(c *web.Ctx, list []Unblock, path string, who bool) web.Table {
	t := web.Table{
		Caption: "Sites for lessons", Columns: []web.Column{{Title: "Site"}, {Title: "Is"}, {Title: "For"}, {Title: "When"}, {Title: "What for"}},
		Empty: web.Empty{Title: "No site was asked for", Words: "A teacher asks from the page that stands in place of a closed site, or here."},
	}
	if who {
		t.Columns = append(t.Columns, web.Column{Title: "Asked by"})
	}
	for _, u := range list {
		row := web.Row{Link: path + "/" + u.ID, Faint: !u.Until.After(r.now()), Cells: []web.Cell{
			{Text: strings.Join(u.Hosts, ", ")},
			{Tag: unblockTag(u, r.now())},
			{Text: forWords(u.For)},
			{When: c.Near(u.From), Small: "to " + c.Words.Clock(u.Until)},
			{Text: u.Purpose},
		}}
		if who {
			row.Cells = append(row.Cells, web.Cell{Text: r.name(c.Context(), "person:"+string(u.AskedBy))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// myUnblocks is what somebody asked for.
func (r *Room) myUnblocks(c *web.Ctx) error {
	p := pageOf(c)
	list, total, err := findUnblocks(c.Context(), r.d.DB, unblockFilter{By: people.ID(c.Actor.Person), page: p})
	if err != nil {
		return fmt.Errorf("reading what was asked: %w", err)
	}
	return listTemplate.Render(c, listView{
		Base:  web.Base{Title: "Sites for lessons", Lead: "What you asked to have opened for a lesson.", Wide: true},
		Add:   web.Link{Title: "Ask for a site", Path: pathUnblock + "/ask"},
		Table: r.unblockTable(c, list, pathUnblock, false),
		Pager: p.pager(pathUnblock, total, url.Values{}, "sites"),
	})
}

func (r *Room) unblockSummary(c *web.Ctx, u Unblock) web.Summary {
	s := web.Summary{Rows: []web.SummaryRow{
		{Key: "Is", Tags: []web.Tag{unblockTag(u, r.now())}},
		{Key: "Opens", Text: strings.Join(u.Hosts, ", "), Lines: []string{"With everything below it, and nothing else."}},
		{Key: "For", Text: forWords(u.For)},
		{Key: "What for", Text: u.Purpose},
		{Key: "From", When: c.Moment(u.From)},
		{Key: "Until", When: c.Moment(u.Until)},
		{Key: "Asked", When: c.Moment(u.AskedAt), Lines: []string{r.name(c.Context(), "person:"+string(u.AskedBy))}},
	}}
	if !u.DecidedAt.IsZero() {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Decided", When: c.Moment(u.DecidedAt), Lines: []string{r.name(c.Context(), "person:"+string(u.DecidedBy))}})
	}
	if u.Answer != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Why not", Text: u.Answer})
	}
	if !u.EndedAt.IsZero() {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Ended", When: c.Moment(u.EndedAt), Lines: []string{r.name(c.Context(), u.EndedBy)}})
	}
	if u.State == UnblockGranted && u.Social && !r.d.Live.Current().Bool(keyUnblock) {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "But", Text: "the policy does not allow social sites for lessons any more, so it is closed."})
	}
	return s
}

// myUnblock is one that the reader asked for.
func (r *Room) myUnblock(c *web.Ctx) error {
	u, err := r.mine(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	v := oneView{Base: web.Base{Title: "Site for a lesson", Crumbs: []web.Crumb{{Title: "Sites for lessons", Path: pathUnblock}}}, Summary: r.unblockSummary(c, u)}
	end := web.Action{Path: pathUnblock + "/" + u.ID + "/end", Grave: true}
	switch {
	case u.State == UnblockAsked && u.Until.After(r.now()):
		end.Title = "Take it back"
		v.ConfirmTitle, v.Confirm = "You do not need it?", web.Confirm{What: "Nobody decides about it any more.", When: "At once.", Action: end}
	case u.State == UnblockGranted && u.Until.After(r.now()):
		end.Title = "Close it now"
		v.ConfirmTitle, v.Confirm = "You are done with it?", web.Confirm{What: strings.Join(u.Hosts, ", ") + " is closed again for " + forWords(u.For) + ".", When: "At once.", Action: end}
	}
	return oneTemplate.Render(c, v)
}

func (r *Room) myUnblockEnd(c *web.Ctx) error {
	u, err := r.mine(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	page := pathUnblock + "/" + u.ID
	if u.State == UnblockAsked {
		return done(c, r.WithdrawUnblock(c.Context(), u.ID), "Taken back.", page, page)
	}
	return done(c, r.EndUnblock(c.Context(), u.ID), "Closed.", page, page)
}

// waitingUnblocks is what is asked, a site or a file, and waits for the
// reader's decision.
func (r *Room) waitingUnblocks(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	sites, err := r.waitingSites(ctx, a)
	if err != nil {
		return nil, err
	}
	files, err := r.waitingPermits(ctx, a)
	return append(sites, files...), err
}

func (r *Room) waitingSites(ctx context.Context, a actor.Actor) ([]web.Item, error) {
	if !a.May(MayUnblock) || a.Kind != actor.Person {
		return nil, nil
	}
	open, err := openUnblocks(ctx, r.d.DB, r.now())
	if err != nil {
		return nil, fmt.Errorf("reading what is asked for lessons: %w", err)
	}
	managers, err := r.confirmedManagers(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.Item
	may := map[people.ID]bool{} // by asker; all who are no managers are alike
	for _, u := range open {
		if u.State != UnblockAsked {
			continue
		}
		asker := u.AskedBy
		if !slices.Contains(managers, asker) && string(asker) != a.Person {
			asker = ""
		}
		if _, asked := may[asker]; !asked {
			why, err := r.mayDecide(ctx, a, asker)
			if err != nil {
				return nil, err
			}
			may[asker] = why == ""
		}
		if may[asker] {
			out = append(out, web.Item{
				Key: u.ID, Title: "A site is asked for, for a lesson", Step: "Decide", Link: pathUnblocks + "/" + u.ID,
				Risk: 2, Since: u.AskedAt, Room: "filtering",
			})
		}
	}
	return out, nil
}
