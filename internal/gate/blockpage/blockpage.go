// Package blockpage makes the page that stands in place of a closed site:
// plain words for whoever reads it, who can help, and where to turn. It is one
// request, without script and without anything from elsewhere, and it can
// stand on any site's name, so nothing of that site may act in it.
package blockpage

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed pages/page.html pages/style.css
var files embed.FS

// Reader is whose words the page speaks.
type Reader uint8

// The readers. Whoever is not known is spoken to as a pupil.
const (
	Pupil Reader = iota
	Staff
	Guest
)

// Help is one line of "where to turn".
type Help struct{ Name, Phone, URL, Says string }

// Dial is the phone number as a link needs it.
func (h Help) Dial() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, h.Phone)
}

// Shown is the address without what nobody reads aloud.
func (h Help) Shown() string {
	s := strings.TrimPrefix(strings.TrimPrefix(h.URL, "https://"), "http://")
	return strings.TrimSuffix(strings.TrimPrefix(s, "www."), "/")
}

// View is what a page says.
type View struct {
	Reader   Reader
	Reason   string // the event's word for the reason
	Host     string
	Pupil    string // the category's sentence for a pupil
	Quiet    bool   // a category that a classmate at the screen must not guess
	Title    string // of the category, for staff
	Teacher  string // the category's sentence for staff
	Category string
	Rule     string
	Clause   string
	Group    string
	Detail   string // what was found, for staff
	Address  string // of what was asked for, "" where only its host is known
	School   string
	Adult    string // the school's sentence about who can help
	Pages    string // address of the people's pages, "" for none
	// Class: a teacher set it for the class. Sites are those of the lesson,
	// and Until its end, where there is one.
	Class  bool
	Sites  []string
	Until  time.Time
	GoOn   string // where "go on" leads, "" where there is none
	Notice string // that use is monitored, in the reader's words
	Help   []Help
	At     time.Time
}

type link struct {
	To, Says string
	First    bool
}

type fact struct{ Name, Says string }

type page struct {
	Title, Lead, HostSays, Host, Adult, School, When, Notice, Ends string

	Style template.CSS
	Sites []link
	Links []link
	Facts []fact
	Help  []Help
}

// Maker makes pages. It is safe for several goroutines.
type Maker struct {
	tmpl  *template.Template
	style template.CSS
	csp   string
	kept  *kept
}

// New reads the page's parts.
func New() (*Maker, error) {
	css, err := files.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("reading the block page: %w", err)
	}
	tmpl, err := template.ParseFS(files, "pages/page.html")
	if err != nil {
		return nil, fmt.Errorf("reading the block page: %w", err)
	}
	style := strings.TrimSpace(string(css))
	sum := sha256.Sum256([]byte(style))
	return &Maker{
		tmpl: tmpl, kept: newKept(), style: template.CSS(style), // our own embedded file
		csp: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}, nil
}

// fallback is shown if a page cannot be made: closed stays closed.
const fallback = "<!doctype html><html lang=\"en-GB\"><title>This page is closed</title><h1>This page is closed</h1><p>Ask an adult at school.</p></html>"

// Page returns the page's HTML.
func (m *Maker) Page(v View) []byte {
	p := page{
		Style: m.style, Host: v.Host, HostSays: "You asked for", Adult: v.Adult, School: v.School,
		When: v.At.Format("Monday 2 January, 15:04"), Notice: v.Notice,
	}
	p.Title, p.Lead = words(v)
	p.Links, p.Sites = links(v), sites(v)
	if v.Class && !v.Until.IsZero() {
		p.Ends = "Until " + v.Until.Format("15:04") + "."
	}
	switch {
	case v.Reader == Staff && v.Reason == "agreement": // there is nothing to explain by a rule
	case v.Reader == Staff:
		p.Facts = facts(v)
	case v.Reader == Guest:
		p.Help = v.Help
	default:
		p.Help = v.Help
		if p.Adult == "" {
			p.Adult = "If you think this should be open, or you are worried about something, tell an adult at school you trust."
		}
	}
	var b bytes.Buffer
	if err := m.tmpl.ExecuteTemplate(&b, "page.html", p); err != nil {
		return []byte(fallback)
	}
	return b.Bytes()
}

// Quiet is what every pupil reads about a site of a distressing kind, and
// about a site whose category has no sentence of its own: the same words.
const quiet = "This page is not for school. You have not done anything wrong."

func words(v View) (title, lead string) {
	switch v.Reason {
	case "no-rules":
		return "The web is not open yet", "The school's filter has no rules at the moment, so most pages stay closed. Help pages are open."
	case "away":
		return "This page is resting", "Signing in and asking do not work at the moment. Try again in a few minutes. Help pages are open."
	case "paused":
		if v.Class {
			return "The web is paused for your class", "Your teacher has paused it for a while. Look up from the screen. Help pages are open."
		}
		return "The web is paused for you", "An adult at school has paused it for a while. Help pages are open."
	case "unsigned":
		return "Please sign in first", "Sign in, and then open the page again."
	case "guest":
		return "Welcome", "You are on the school's network for guests. Read what holds here and go on as a guest; then open the page again. Help pages are open."
	case "agreement":
		return agreementWords(v)
	case "warn":
		return "Please think first", "Your school asks you to think before you open this page."
	case "malformed":
		return "This address does not work", "The address is not written the way web addresses are. Check it and try again."
	}
	if title, lead, ok := insideWords(v); ok {
		return title, lead
	}
	switch v.Reader {
	case Staff:
		return "This page is closed for you", staffLead(v)
	case Guest:
		return "This page is closed", guest
	}
	if v.Quiet || v.Pupil == "" {
		return "This page is closed", quiet
	}
	return "This page is closed", v.Pupil
}

// agreementWords ask for a signature: as a reminder that can be passed, or as
// what the web waits for.
func agreementWords(v View) (title, lead string) {
	switch {
	case v.GoOn != "" && v.Reader == Staff:
		return "Please sign the school's agreement", "Your signature under the agreement for using the web is still missing. You can sign now, or go on and do it later today."
	case v.GoOn != "":
		return "Please sign the school's agreement", "Your school asks you to read its agreement for using the web and to sign it. You can do it now, or go on and do it later today."
	case v.Reader == Staff:
		return "Please sign the school's agreement first", "Your signature under the agreement for using the web is missing. Once you have signed, everything is open to you at once. Help pages are open."
	}
	return "Please sign the school's agreement first", "Read your school's agreement for using the web and sign it. Then open the page again. You have not done anything wrong. Help pages are open."
}

func staffLead(v View) string {
	if v.Teacher != "" {
		return v.Teacher
	}
	switch v.Reason {
	case "own-block":
		return "The school has closed this site itself."
	case "unlisted":
		return "The site is in no list, and your rules open only listed sites."
	case "private", "address":
		return "Sites inside networks, and sites without a name, are not opened through the filter."
	case "port":
		return "This port is not open."
	}
	return "The current rules close it for your group."
}

// reportable are the reasons about a site that somebody may say is wrongly
// closed.
var reportable = []string{"category", "unlisted", "own-block", "warn", "phrases", "zone"}

func links(v View) []link {
	if v.Pages == "" {
		return nil
	}
	switch v.Reason {
	case "agreement":
		return agreementLinks(v)
	case "guest":
		return []link{{v.Pages + "/guest", "Go on as a guest", true}, {v.Pages + "/sign-in", "Sign in with a school account", false}, {v.Pages + "/help", "Help", false}}
	}
	out := []link{}
	switch {
	case v.GoOn != "":
		out = append(out, link{v.GoOn, "Go on to the page", true})
	case v.Reason == "unsigned":
		out = append(out, link{v.Pages + "/sign-in", "Sign in", true})
	}
	out = append(out, link{v.Pages + "/why", "Why is it closed?", len(out) == 0})
	if v.Reader == Staff && v.Host != "" && (v.Reason == "category" || v.Reason == "unlisted") {
		out = append(out, link{v.Pages + "/unblock/ask?" + url.Values{"host": {v.Host}}.Encode(), "Ask for it for a lesson", false})
	}
	switch {
	case v.Reason == "unsigned", settled(v.Reason):
	case v.Reason == "file":
		out = append(out, link{v.Pages + "/download/ask?" + url.Values{"u": {fileAddress(v)}}.Encode(), "Ask for this file", false})
	case v.Host != "" && slices.Contains(reportable, v.Reason):
		to := v.Pages + "/tickets/new?" + url.Values{"host": {v.Host}, "kind": {"over"}}.Encode()
		out = append(out, link{to, askWords(v.Reader), false})
	default:
		out = append(out, link{v.Pages + "/ask", "Ask to open it", false})
	}
	return append(out, link{v.Pages + "/help", "Help", false})
}

// sites are the lesson's, as links: what is opened is asked about anew.
func sites(v View) []link {
	var out []link
	for _, host := range v.Sites {
		out = append(out, link{To: "https://" + host + "/", Says: host})
	}
	return out
}

func askWords(r Reader) string {
	if r == Staff {
		return "Tell us it should be open"
	}
	return "Ask to open it"
}

const maxAddress = 2 << 10

// fileAddress is the address to ask for. One that is too long for a link is
// not cut into another.
func fileAddress(v View) string {
	if len(v.Address) > maxAddress {
		return ""
	}
	return v.Address
}

func agreementLinks(v View) []link {
	out := []link{{v.Pages + "/agreement", "Read and sign", true}}
	if v.GoOn != "" {
		out = append(out, link{v.GoOn, "Go on to the page", false})
	}
	return append(out, link{v.Pages + "/help", "Help", false})
}

func facts(v View) []fact {
	all := []fact{
		{"Category", v.Title},
		{"List", v.Category},
		{"Rule", v.Rule},
		{"Clause", v.Clause},
		{"Group", v.Group},
		{"Reason", v.Reason},
		{"Found", v.Detail},
	}
	out := all[:0]
	for _, f := range all {
		if f.Says != "" {
			out = append(out, f)
		}
	}
	return out
}

// Header sets the headers that make the page safe on any site's name: not
// kept, not framed, no script, no form, no cookie.
func (m *Maker) Header(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", m.csp)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
}

// Write answers with the page. A reader of the head alone gets the head alone.
func (m *Maker) Write(w http.ResponseWriter, status int, v View) {
	body := m.page(v)
	m.Header(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A reader who has gone away is no error of ours.
	_, _ = w.Write(body)
}
