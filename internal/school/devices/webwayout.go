package devices

import (
	"context"
	"net/http"

	"belisha/internal/kit/web"
)

type outView struct {
	web.Base
	Out   web.Panel
	Back  web.Action
	Take  web.Confirm
	IsOut bool
	Past  web.Table
	Card  web.Link
}

// cardFacts is what stands on the printed card.
type cardFacts struct {
	Means []string // what it means to take Belisha out
	Steps []string
	Back  []string
}

type cardView struct {
	web.Base
	cardFacts
	Made string
}

var (
	outTemplate  = web.NewPage[outView](pages, "pages/way-out.html")
	cardTemplate = web.NewPage[cardView](pages, "pages/card.html")
)

// card is the way out, in steps that somebody can follow on a bad day.
func (r *Room) card(ctx context.Context) (cardFacts, error) {
	b, err := r.Beside(ctx)
	if err != nil {
		return cardFacts{}, err
	}
	s, err := r.d.School(ctx)
	if err != nil {
		return cardFacts{}, err
	}
	c := cardFacts{Back: []string{
		"Undo what was done at the router and start Belisha again: sudo systemctl start belisha",
		"Sign in, open /setup/way-out and press “Put Belisha back”.",
		"On one device open http://" + s.Host + "/device and see that it says “seen, filtered as”.",
	}}
	press := "Sign in as the head or the network manager, open /setup/way-out, write why, and press the button. It is written in the journal, and every page says it until Belisha is back."
	if b.Filtered() {
		c.Means = []string{"Behind Belisha stands another filter: " + b.Provider + ". While Belisha is out, that one goes on filtering; Belisha records nothing and closes nothing."}
		c.Steps = []string{
			press + " Within minutes devices with the proxy configuration go straight to the other filter.",
			"Where devices use Belisha's DNS, set the router to hand out the other filter's DNS servers.",
			"If Belisha does not answer at all: on its machine, sudo systemctl stop belisha, then sudo systemctl kill belisha. Devices with the proxy configuration then go to the other filter by themselves.",
			"Tell the head and the safeguarding lead.",
		}
		return c, nil
	}
	c.Means = []string{
		"No other filter stands behind Belisha. While Belisha is out, children are unfiltered. Taking it out does not open anything by itself: devices reach nothing until the router and their settings are changed.",
		"Before that, the head and the safeguarding lead are told, and children are supervised or offline.",
	}
	c.Steps = []string{
		"Tell the head and the safeguarding lead, and have children put devices away.",
		press + " Write there who was told.",
		"At the router hand out the provider's DNS servers, and open the way out for devices that must work.",
		"Take the proxy configuration away from those devices, by the same tool that gave it to them.",
	}
	return c, nil
}

func (r *Room) outPage(c *web.Ctx) error {
	v, err := r.outViewOf(c)
	if err != nil {
		return err
	}
	return outTemplate.Render(c, v)
}

func (r *Room) outViewOf(c *web.Ctx) (outView, error) {
	v := outView{Base: web.Base{Title: "Way out", Crumbs: crumbs}, Card: web.Link{Title: "The card to print", Path: pathCard}}
	out, err := r.Out(c.Context())
	if err != nil {
		return v, err
	}
	b, err := r.Beside(c.Context())
	if err != nil {
		return v, err
	}
	if out != nil {
		v.IsOut = true
		v.Out = web.Panel{Tone: "bad", Title: "Belisha is taken out of the path", Words: "Since " + c.Words.Moment(out.From) + ", by " + r.d.Name(c.Context(), out.By) + ": " + out.Reason}
		v.Back = web.Action{Path: pathOut, Title: "Put Belisha back", Hidden: []web.Hidden{{Name: "back", Value: "yes"}}}
	} else {
		v.Take = takeOut(b)
	}
	past, err := r.WaysOut(c.Context())
	if err != nil {
		return v, err
	}
	v.Past = web.Table{
		Caption: "Times out of the path", ShowCaption: true, Columns: []web.Column{{Title: "From"}, {Title: "Until"}, {Title: "By"}, {Title: "Why"}},
		Empty: web.Empty{Title: "Belisha was never taken out of the path"},
	}
	for _, w := range past {
		until := web.Cell{Text: "still out"}
		if !w.BackAt.IsZero() {
			until = web.Cell{When: c.Moment(w.BackAt)}
		}
		v.Past.Rows = append(v.Past.Rows, web.Row{Cells: []web.Cell{{When: c.Moment(w.From)}, until, {Text: r.d.Name(c.Context(), w.By)}, {Text: w.Reason, Small: w.Told}}})
	}
	return v, nil
}

// takeOut says what will happen, to whom and from when.
func takeOut(b Beside) web.Confirm {
	reason := web.Field{Name: "reason", Label: "Why?", Max: 500}
	k := web.Confirm{
		What: "Belisha will be taken out of the path.", When: "At once, until somebody puts it back. Every page says so meanwhile, and what rests on the filter shows as not being kept.",
		Fields: []web.Field{reason}, Action: web.Action{Path: pathOut, Title: "Take Belisha out", Grave: true}, Cancel: web.Link{Title: "Leave it in", Path: pathHome},
	}
	if b.Filtered() {
		k.Whom = "Devices with the proxy configuration go straight to " + b.Provider + ", which goes on filtering. Belisha records nothing meanwhile."
		return k
	}
	k.Whom = "No other filter stands behind Belisha: nothing opens by pressing this, and whatever you open at the router is unfiltered. This page writes down that it was done, and who was told."
	k.Fields = append(k.Fields, web.Field{Name: "told", Label: "Who was told that children are unfiltered?", Max: 500})
	return k
}

func (r *Room) outPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if form.Get("back") == "yes" {
		if err := r.PutBack(c.Context()); err != nil {
			return err
		}
		c.Notice("Belisha is back in the path.")
		return c.Redirect(pathOut)
	}
	err = r.TakeOut(c.Context(), form.Get("reason"), form.Get("told"))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.outViewOf(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, pointers(v.Take.Fields)...)
		return outTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("Belisha is taken out of the path.")
	return c.Redirect(pathOut)
}

func (r *Room) cardPage(c *web.Ctx) error {
	f, err := r.card(c.Context())
	if err != nil {
		return err
	}
	return cardTemplate.Render(c, cardView{
		Base: web.Base{Title: "Way-out card", Crumbs: crumbs, Marking: "Keep beside the machine and in the office"}, cardFacts: f, Made: c.Words.ShortDate(c.Now()),
	})
}

// Banners stand on every page while they are true.
func (r *Room) Banners(ctx context.Context) []web.Banner {
	var out []web.Banner
	if w, err := r.Out(ctx); err == nil && w != nil {
		words := "It closes nothing and records nothing."
		if b, err := r.Beside(ctx); err == nil && !b.Filtered() {
			words = "Children may be unfiltered."
		}
		out = append(out, web.Banner{Title: "Belisha is out of the path", Words: words, Link: pathOut, Step: "Put it back"})
	}
	if trying, err := r.Trying(ctx); err == nil && len(trying) > 0 {
		out = append(out, web.Banner{Title: "Tried out", Words: "Belisha decides and counts, and closes nothing for some groups.", Link: pathTryOut, Step: "See what it would close"})
	}
	return out
}
