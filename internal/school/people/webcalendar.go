package people

import (
	"net/url"
	"strconv"

	"belisha/internal/kit/web"
)

type calendarView struct {
	web.Base
	Sites []siteView
}

type siteView struct {
	Name    string
	Facts   web.Summary
	Terms   web.Table
	Closed  web.Table
	Lessons web.Table
	Told    web.Panel
	Edit    web.Link
}

var calendarListPage = web.NewPage[calendarView](pages, "pages/calendar.html")

func (r *Room) calendarPage(c *web.Ctx) error {
	sites, err := r.Sites(c.Context())
	if err != nil {
		return err
	}
	v := calendarView{Base: web.Base{Title: "Calendar", Lead: "What counts as a school day and as school hours. Everything that is due counts by it."}}
	for _, s := range sites {
		cal, err := r.Calendar(c.Context(), s)
		if err != nil {
			return err
		}
		v.Sites = append(v.Sites, siteOf(c, cal))
	}
	return calendarListPage.Render(c, v)
}

func siteOf(c *web.Ctx, cal *Calendar) siteView {
	s := siteView{Name: cal.Name, Terms: spanTable("Terms", cal.Terms), Closed: spanTable("Closed", cal.Closures)}
	s.Facts.Rows = []web.SummaryRow{{Key: "Time zone", Text: cal.Zone}, {Key: "Today", Text: todayWords(cal, c)}}
	for d, h := range cal.Hours {
		if h.Open() {
			s.Facts.Rows = append(s.Facts.Rows, web.SummaryRow{Key: weekdayNames[d], Text: h.Words()})
		}
	}
	s.Lessons = web.Table{Caption: "Lessons", Columns: []web.Column{{Title: "Lesson"}, {Title: "Day"}, {Title: "Time"}}}
	for _, l := range cal.Lessons {
		day := "every day"
		if l.Weekday != EveryDay {
			day = weekdayNames[l.Weekday]
		}
		s.Lessons.Rows = append(s.Lessons.Rows, web.Row{Cells: []web.Cell{{Text: l.Name}, {Text: day}, {Text: l.Hours.Words()}}})
	}
	today := cal.Day(c.Now())
	switch {
	case len(cal.Terms) == 0:
		s.Told = web.Panel{Tone: "warn", Title: "No terms are entered", Words: "Until they are, every weekday counts as a school day."}
	case cal.Terms[len(cal.Terms)-1].Until < today:
		s.Told = web.Panel{Tone: "warn", Title: "All terms are over", Words: "Enter the next school year, or no day will count as a school day."}
	}
	if c.May(MayManage) {
		s.Edit = web.Link{Title: "Edit this calendar", Path: "/calendar/" + url.PathEscape(cal.Site) + "/edit"}
	}
	return s
}

func todayWords(cal *Calendar, c *web.Ctx) string {
	switch {
	case cal.SchoolHours(c.Now()):
		return "a school day, in school hours"
	case cal.SchoolDay(c.Now()):
		return "a school day, out of school hours"
	default:
		return "not a school day"
	}
}

func spanTable(caption string, list []Span) web.Table {
	t := web.Table{Caption: caption, Columns: []web.Column{{Title: "Name"}, {Title: "First day"}, {Title: "Last day"}}}
	for _, s := range list {
		t.Rows = append(t.Rows, web.Row{Cells: []web.Cell{{Text: s.Name}, {Text: s.From.Words()}, {Text: s.Until.Words()}}})
	}
	return t
}

func (r *Room) calendarForm(c *web.Ctx) (formView, *Calendar, error) {
	cal, err := r.Calendar(c.Context(), c.Param("site"))
	if err != nil {
		return formView{}, nil, err
	}
	t := cal.Text()
	return formView{
		Base: web.Base{Title: "Edit the calendar", Crumbs: []web.Crumb{{Title: "Calendar", Path: "/calendar"}}},
		Path: "/calendar/" + url.PathEscape(cal.Site) + "/edit", Button: "Save", Cancel: web.Link{Title: "Leave without saving", Path: "/calendar"},
		Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(cal.Version, 10)}},
		Intro:  []string{"One line for each: its name, a colon, and the days or times."},
		Fields: []web.Field{
			{Name: "name", Label: "Name of the site", Value: t.Name, Max: 100},
			{Name: "zone", Label: "Time zone", Value: t.Zone, Max: 60, Width: 24, Hint: "Europe/London"},
			{Kind: web.LongField, Name: "terms", Label: "Terms", Value: t.Terms, Rows: 6, Max: 20_000, Optional: true, Hint: "Autumn term: 2/9/2026 to 18/12/2026"},
			{Kind: web.LongField, Name: "closures", Label: "Closed days in the terms", Value: t.Closures, Rows: 6, Max: 20_000, Optional: true, Hint: "Half term: 26/10/2026 to 30/10/2026"},
			{Kind: web.LongField, Name: "hours", Label: "School hours", Value: t.Hours, Rows: 6, Max: 2_000, Hint: "Monday: 8:30 to 15:30. A day that is not here is never a school day."},
			{Kind: web.LongField, Name: "lessons", Label: "Lessons", Value: t.Lessons, Rows: 8, Max: 20_000, Optional: true, Hint: "Period 1: 9:00 to 10:00, or with a day, Swimming: Wednesday 11:00 to 12:00"},
		},
	}, cal, nil
}

func (r *Room) editCalendarPage(c *web.Ctx) error {
	v, _, err := r.calendarForm(c)
	if err != nil {
		return err
	}
	return formPage.Render(c, v)
}

func (r *Room) changeCalendar(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, cal, err := r.calendarForm(c)
	if err != nil {
		return err
	}
	t := CalendarText{Name: form.Get("name"), Zone: form.Get("zone"), Terms: form.Get("terms"), Closures: form.Get("closures"), Hours: form.Get("hours"), Lessons: form.Get("lessons")}
	next, err := t.Parse(Calendar{Site: cal.Site, Version: number(form.Get("version"))})
	if err == nil {
		err = r.SetCalendar(c.Context(), next)
	}
	if err != nil {
		v.Hidden[0].Value = strconv.FormatInt(number(form.Get("version")), 10)
		return again(c, v, form, err)
	}
	c.Notice("The calendar was saved.")
	return c.Redirect("/calendar")
}
