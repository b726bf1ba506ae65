package notice

import (
	"embed"
	"slices"
	"strconv"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

type mineView struct {
	web.Base
	State  web.Panel
	Must   bool // cannot be switched off
	Wish   web.Field
	Watch  bool // may agree to hours
	Hours  []hoursLine
	Day    web.Field
	From   web.Field
	Until  web.Field
	Others web.Table
}

// hoursLine is one agreement with the button that ends it.
type hoursLine struct {
	Words string
	Since web.When
	End   web.Action
}

var minePage = web.NewPage[mineView](pages, "pages/mine.html")

// Section is a person's own page about mails.
func (o *Outbox) Section() web.Section {
	return web.Section{
		Name: "notices", Title: "Mails",
		Routes: []web.Route{
			{Pattern: "GET /account/mails", Needs: web.SignedIn, Do: o.mine},
			{Pattern: "POST /account/mails", Needs: web.SignedIn, Do: o.saveWish},
			{Pattern: "POST /account/mails/hours", Needs: web.SignedIn, Do: o.saveHours},
			{Pattern: "POST /account/mails/hours/{id}/end", Needs: web.SignedIn, Do: o.endHours},
		},
	}
}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// Words says an agreement: "Monday, 17:00 to 20:00".
func (a Agreed) Words() string {
	if a.Weekday < 0 || a.Weekday > 6 {
		return ""
	}
	return weekdays[a.Weekday] + ", " + clockWords(a.From) + " to " + clockWords(a.Until)
}

func clockWords(minute int) string {
	m := strconv.Itoa(minute % 60)
	if len(m) == 1 {
		m = "0" + m
	}
	return strconv.Itoa(minute/60) + ":" + m
}

func (o *Outbox) mine(c *web.Ctx) error {
	v, err := o.view(c)
	if err != nil {
		return err
	}
	return minePage.Render(c, v)
}

func (o *Outbox) view(c *web.Ctx) (mineView, error) {
	v := mineView{
		Base: web.Base{
			Title:  "What you are told by mail",
			Lead:   "A mail tells that something waits for you, and never what it is about.",
			Crumbs: []web.Crumb{{Title: "Your account", Path: "/account"}},
		},
		Must:  slices.ContainsFunc(o.Required, c.Actor.Holds),
		Watch: slices.ContainsFunc(o.Watch, c.Actor.Holds),
	}
	wants, err := o.wants(c.Context(), c.Actor.Person)
	if err != nil {
		return v, err
	}
	v.Wish = web.Field{
		Kind: web.CheckField, Name: "gathered", Label: "Tell me by mail what waits for me",
		Hint: "At most one mail an hour, in school hours. What is urgent is mailed whatever you choose.",
	}
	if wants {
		v.Wish.Value = "yes"
	}
	if v.State, err = o.statePanel(c); err != nil || !v.Watch {
		return v, err
	}
	return v, o.hoursView(c, &v)
}

// statePanel says why this reader would get no mail.
func (o *Outbox) statePanel(c *web.Ctx) (web.Panel, error) {
	p := web.Panel{Tone: "warn"}
	switch r, err := o.People.Reader(c.Context(), c.Actor.Person); {
	case o.Mailer == nil:
		p.Title, p.Words = "Nobody is told by mail yet", "No mail server is named in the settings of this machine. Everything stands on your first page."
	case err == nil && r.Email == "":
		p.Title, p.Words = "No address of yours is on the roll", "You get no mails until the office enters one. Everything stands on your first page."
	case o.Trouble() != "":
		p.Title, p.Words = "The mail server cannot be reached just now", "Mails are sent as soon as it can. Everything stands on your first page."
	default:
		return web.Panel{}, nil
	}
	return p, nil
}

func (o *Outbox) hoursView(c *web.Ctx, v *mineView) error {
	all, err := o.Hold(c.Context())
	if err != nil {
		return err
	}
	v.Others = web.Table{
		Caption: "Who looks out of hours", Columns: []web.Column{{Title: "Who"}, {Title: "When"}, {Title: "Agreed"}},
		Empty: web.Empty{Title: "Nobody else has agreed to look out of hours", Words: "Urgent things that come then wait for the next school morning, and the page on which they were sent says so."},
	}
	for _, a := range all {
		if a.Person == c.Actor.Person {
			v.Hours = append(v.Hours, hoursLine{
				Words: a.Words(), Since: c.Moment(a.At),
				End: web.Action{Path: "/account/mails/hours/" + a.ID + "/end", Title: "End this", Quiet: true},
			})
			continue
		}
		r, err := o.People.Reader(c.Context(), a.Person)
		if err != nil {
			continue // left since the list was read
		}
		v.Others.Rows = append(v.Others.Rows, web.Row{Cells: []web.Cell{{Text: r.Name}, {Text: a.Words()}, {When: c.Near(a.At)}}})
	}
	v.Day = web.Field{Kind: web.SelectField, Name: "day", Label: "Day"}
	for i, d := range weekdays {
		v.Day.Options = append(v.Day.Options, web.Option{Value: strconv.Itoa(i), Label: d})
	}
	v.From = web.Field{Kind: web.TimeField, Name: "from", Label: "From", Width: 10}
	v.Until = web.Field{Kind: web.TimeField, Name: "until", Label: "Until", Width: 10}
	return nil
}

func (o *Outbox) saveWish(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	err := o.Wish(c.Context(), c.Value("gathered") == "yes")
	if bad, ok := web.Wrong(err); ok {
		return o.wrong(c, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Your choice was kept.")
	return c.Redirect("/account/mails")
}

func (o *Outbox) saveHours(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	day, err := strconv.Atoi(c.Value("day"))
	if err != nil {
		day = -1
	}
	err = o.Agree(c.Context(), day, minuteOf(c.Value("from")), minuteOf(c.Value("until")))
	if bad, ok := web.Wrong(err); ok {
		return o.wrong(c, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Thank you. It holds every week until you end it.")
	return c.Redirect("/account/mails")
}

// minuteOf reads "17:00"; -1 is no time.
func minuteOf(s string) int {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

func (o *Outbox) wrong(c *web.Ctx, bad store.Invalid) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := o.view(c)
	if err != nil {
		return err
	}
	v.Errors = web.Refill(form, bad, &v.Wish, &v.Day, &v.From, &v.Until)
	return minePage.Status(422).Render(c, v)
}

func (o *Outbox) endHours(c *web.Ctx) error {
	if err := o.End(c.Context(), c.Param("id")); err != nil {
		return err
	}
	c.Notice("It was ended. Nobody counts on you at these hours any more.")
	return c.Redirect("/account/mails")
}
