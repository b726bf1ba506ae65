package help

import (
	"bytes"
	"embed"
	"fmt"
	"net/netip"
	"net/url"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

type whyView struct {
	web.Base
	Found    bool
	Host     string
	When     web.When
	Sentence string
	First    web.Link // what to do before all else, "" for nothing
	Sites    []web.Link
	Unknown  bool // the filter did not answer
	Staff    web.Summary
	ForStaff bool
	Adult    string
	Ask      web.Link // have it opened
	Report   web.Link // say that something else is wrong
	Tell     web.Link // tell somebody, "" where there is no page for it
	Why      string   // why nothing was found, for whoever has a password of the proxy
	Notice   string   // that use is monitored
}

// startView is the first page at the people's address.
type startView struct {
	web.Base
	Ways []way
}

// way is one thing to do there.
type way struct {
	Link  web.Link
	Words string
}

type askView struct {
	web.Base
	Host     string
	ForStaff bool
	Changers []string
	Ask      web.Link
}

type certificateView struct {
	web.Base
	Fingerprint string
	Use         string // what it is used for besides closed sites
	Download    web.Download
}

type helpView struct {
	web.Base
	Adult  string
	Places []Place
}

var (
	whyPage         = web.NewPage[whyView](pages, "pages/why.html")
	startPage       = web.NewPage[startView](pages, "pages/start.html")
	askPage         = web.NewPage[askView](pages, "pages/ask.html")
	certificatePage = web.NewPage[certificateView](pages, "pages/certificate.html")
	helpPage        = web.NewPage[helpView](pages, "pages/help.html")
)

// Section is the room's pages, all of them the people's.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "help", Title: "Help",
		Routes: []web.Route{
			{Pattern: "GET /start", Needs: web.Open, Do: r.start, People: true},
			{Pattern: "GET /why", Needs: web.Open, Do: r.why, People: true},
			{Pattern: "GET /ask", Needs: web.Open, Do: r.ask, People: true},
			{Pattern: "GET /certificate", Needs: web.Open, Do: r.certificate, People: true},
			{Pattern: "GET /certificate.crt", Needs: web.Open, Do: r.certificateFile, People: true},
			{Pattern: "GET /help", Needs: web.Open, Do: r.help, People: true},
		},
	}
}

// start is what the people's address shows by itself: what somebody may have
// come for.
func (r *Room) start(c *web.Ctx) error {
	v := startView{Base: web.Base{Title: "What would you like to do?"}}
	add := func(title, path, words string) {
		v.Ways = append(v.Ways, way{web.Link{Title: title, Path: path}, words})
	}
	if !c.Actor.SignedIn() {
		add("Sign in", "/sign-in", "So that the web opens as it should for you.")
	}
	add("Why is a page closed?", "/why", "The last page that was closed on this device, and what you can do.")
	if r.d.Tell != "" {
		add("Tell someone", r.d.Tell, "If something worries you, about yourself or somebody else.")
	}
	if r.d.Hide != "" {
		add("Hide and tell", r.d.Hide, "A button for your browser: it takes a page off the screen at once, and you can tell someone.")
	}
	if c.Actor.SignedIn() {
		add("Rules to sign", "/agreement", "What you have signed, and what waits.")
		add("Your account", "/account", "Your password and where you are signed in.")
	}
	add("Where to turn", "/help", "People outside school who listen, day and night.")
	return startPage.Render(c, v)
}

// ask says how a page is opened: by whom, and what they need to know.
func (r *Room) ask(c *web.Ctx) error {
	v := askView{Base: web.Base{Title: "Ask to open a page"}, ForStaff: c.Actor.Audience == actor.Staff}
	if closed, ok, err := r.latest(c); err == nil && ok && (!closed.Distress || v.ForStaff) {
		v.Host = closed.Host
	}
	v.Ask = asking(v.ForStaff, v.Host)
	if v.ForStaff {
		v.Changers = r.d.Changers(c.Context())
	}
	return askPage.Render(c, v)
}

// certificate says what the school's certificate is for, and gives it.
func (r *Room) certificate(c *web.Ctx) error {
	_, fingerprint, err := r.d.Certificate(c.Context())
	if err != nil {
		return err
	}
	use := "It is used for closed sites only. Sites that are open are never looked into: their own certificate is what the browser sees."
	if r.d.LooksInto != nil {
		if whose := r.d.LooksInto(); len(whose) > 0 {
			use = "It is also used to look inside encrypted sites for " + words.And(whose) + ", as the school's policy says. Places to turn to for help and what the policy leaves alone, as a rule banks and health, are not looked into: there the site's own certificate is what the browser sees."
		}
	}
	return certificatePage.Render(c, certificateView{
		Base: web.Base{Title: "The school's certificate"}, Fingerprint: fingerprint, Use: use,
		Download: web.Download{Title: "Download the certificate", Path: "/certificate.crt", Kind: "CRT"},
	})
}

func (r *Room) certificateFile(c *web.Ctx) error {
	pem, _, err := r.d.Certificate(c.Context())
	if err != nil {
		return err
	}
	return c.Send("belisha-school.crt", "application/x-x509-ca-cert", bytes.NewReader(pem))
}

// why shows the latest block of the device that asks, and what can be done.
func (r *Room) why(c *web.Ctx) error {
	v := whyView{Base: web.Base{Title: "Why is this closed?"}, Adult: r.d.Adult(c.Context()), ForStaff: c.Actor.Audience == actor.Staff}
	closed, ok, err := r.latest(c)
	v.Unknown = err != nil
	if ok {
		r.found(c, &v, closed)
	}
	if r.d.Notice != nil {
		v.Notice = r.d.Notice(v.ForStaff)
	}
	v.Ask = asking(v.ForStaff, v.Host)
	v.Report = web.Link{Title: "Tell us that something is wrong with the filter", Path: ticket("wrong", v.Host)}
	if r.d.Tell != "" {
		v.Tell = web.Link{Title: "Tell someone", Path: r.d.Tell}
	}
	if !ok && !v.Unknown {
		v.Why = "If your browser asked you for a password of its own before it let you onto the web, this page cannot tell which site was closed for you. Write the name of the site on the page below."
	}
	return whyPage.Render(c, v)
}

// latest is the latest block of the device that asks.
func (r *Room) latest(c *web.Ctx) (Closed, bool, error) {
	at, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		return Closed{}, false, fmt.Errorf("reading where the question comes from: %w", err)
	}
	return r.d.Latest(c.Context(), at.Addr().Unmap())
}

// found fills in what was closed. The name of a distressing site may say too
// much to whoever sees a pupil's screen.
func (r *Room) found(c *web.Ctx, v *whyView, closed Closed) {
	v.Found, v.Host, v.When, v.Sentence = true, closed.Host, c.Ago(closed.At), closed.Pupil
	v.First, v.Sites = closed.First, closed.Sites
	if closed.Distress && !v.ForStaff {
		v.Host = ""
	}
	v.Staff.Rows = []web.SummaryRow{
		{Key: "Reason", Text: closed.Staff},
		{Key: "Kind of site", Text: closed.Category},
		{Key: "Rule", Text: closed.Rule},
		{Key: "Rules of", Text: closed.Group},
	}
}

// asking is how somebody has a site opened: a teacher asks for it for a
// lesson, everybody else says that it should be open.
func asking(staff bool, host string) web.Link {
	if !staff {
		return web.Link{Title: "Ask to have it opened", Path: ticket("over", host)}
	}
	to := "/unblock/ask"
	if host != "" {
		to += "?" + url.Values{"host": {host}}.Encode()
	}
	return web.Link{Title: "Ask for it for a lesson", Path: to}
}

// ticket is the page on which somebody reports something about the filter.
func ticket(kind, host string) string {
	q := url.Values{"kind": {kind}}
	if host != "" {
		q.Set("host", host)
	}
	return "/tickets/new?" + q.Encode()
}

func (r *Room) help(c *web.Ctx) error {
	return helpPage.Render(c, helpView{
		Base:  web.Base{Title: "Where to turn", OwnTurns: true},
		Adult: r.d.Adult(c.Context()), Places: r.d.Places,
	})
}
