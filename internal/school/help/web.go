package help

import (
	"bytes"
	"embed"
	"net/netip"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

type whyView struct {
	web.Base
	Found    bool
	Host     string
	When     web.When
	Sentence string
	Unknown  bool // the filter did not answer
	Staff    web.Summary
	ForStaff bool
	Adult    string
}

type askView struct {
	web.Base
	Host     string
	ForStaff bool
	Changers []string
}

type certificateView struct {
	web.Base
	Fingerprint string
	Download    web.Download
}

type helpView struct {
	web.Base
	Adult  string
	Places []Place
}

var (
	whyPage         = web.NewPage[whyView](pages, "pages/why.html")
	askPage         = web.NewPage[askView](pages, "pages/ask.html")
	certificatePage = web.NewPage[certificateView](pages, "pages/certificate.html")
	helpPage        = web.NewPage[helpView](pages, "pages/help.html")
)

// Section is the room's pages, all of them the people's.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "help", Title: "Help",
		Routes: []web.Route{
			{Pattern: "GET /why", Needs: web.Open, Do: r.why, People: true},
			{Pattern: "GET /ask", Needs: web.Open, Do: r.ask, People: true},
			{Pattern: "GET /certificate", Needs: web.Open, Do: r.certificate, People: true},
			{Pattern: "GET /certificate.crt", Needs: web.Open, Do: r.certificateFile, People: true},
			{Pattern: "GET /help", Needs: web.Open, Do: r.help, People: true},
		},
	}
}

// ask says how a page is opened: by whom, and what they need to know.
func (r *Room) ask(c *web.Ctx) error {
	v := askView{Base: web.Base{Title: "Ask to open a page"}, ForStaff: c.Actor.Audience == actor.Staff}
	if at, err := netip.ParseAddrPort(c.R.RemoteAddr); err == nil {
		closed, ok, err := r.d.Latest(c.Context(), at.Addr().Unmap())
		if err == nil && ok && (!closed.Distress || v.ForStaff) {
			v.Host = closed.Host
		}
	}
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
	return certificatePage.Render(c, certificateView{
		Base: web.Base{Title: "The school's certificate"}, Fingerprint: fingerprint,
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

// why shows the latest block of the device that asks.
func (r *Room) why(c *web.Ctx) error {
	v := whyView{Base: web.Base{Title: "Why is this closed?"}, Adult: r.d.Adult(c.Context())}
	at, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		v.Unknown = true
		return whyPage.Render(c, v)
	}
	closed, ok, err := r.d.Latest(c.Context(), at.Addr().Unmap())
	if err != nil {
		v.Unknown = true
		return whyPage.Render(c, v)
	}
	if ok {
		v.Found, v.Host, v.When, v.Sentence = true, closed.Host, c.Ago(closed.At), closed.Pupil
		if closed.Distress {
			v.Host = "" // the name itself may say too much to whoever sees the screen
		}
		v.ForStaff = c.Actor.Audience == actor.Staff
		v.Staff.Rows = []web.SummaryRow{
			{Key: "Reason", Text: closed.Staff},
			{Key: "Kind of site", Text: closed.Category},
			{Key: "Rule", Text: closed.Rule},
			{Key: "Rules of", Text: closed.Group},
		}
		if v.ForStaff {
			v.Host = closed.Host
		}
	}
	return whyPage.Render(c, v)
}

func (r *Room) help(c *web.Ctx) error {
	return helpPage.Render(c, helpView{
		Base:  web.Base{Title: "Where to turn"},
		Adult: r.d.Adult(c.Context()), Places: r.d.Places,
	})
}
