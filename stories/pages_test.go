//go:build linux

package stories_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/html"
)

// page is what came last, as a reader sees it.
type page struct {
	status int
	path   string
	text   string // words alone, one space between
	forms  []form
	links  []link
}

type link struct{ to, words string }

type form struct {
	action string
	method string
	fields url.Values // as the page fills them
	names  []string   // every field it has
}

// browser is one person's on one device.
type browser struct {
	http *http.Client
	base string
}

func (s *story) browser(who string) *browser {
	key := who + " " + s.at
	if b := s.people[key]; b != nil {
		return b
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.ts.Fatalf("%v", err)
	}
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.at)}}
	t := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the story's own certificate
	b := &browser{base: s.srv.Scheme + "://" + s.ts.Getenv("PAGES"), http: &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: t}}
	if strings.HasPrefix(who, behind) {
		b.base = "http://belisha.ashdown"
		t.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: s.ts.Getenv("PROXY")})
	}
	s.people[key] = b
	return b
}

func (b *browser) do(method, path string, f url.Values) (page, error) {
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(f.Encode()))
	if err != nil {
		return page{}, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return newPage(resp.StatusCode, resp.Request.URL.Path, string(body)), err
}

// as signs somebody in on the device at hand, who then uses the pages:
// as USER, or as nobody.
func as(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: as USER")
	}
	s.who = args[0]
	_, known := s.people[s.who+" "+s.at]
	b := s.browser(s.who)
	if known || s.who == "nobody" {
		return nil
	}
	p, err := b.do(http.MethodPost, "/sign-in", url.Values{"username": {s.who}, "password": {password}})
	if err != nil {
		return err
	}
	if p, err = s.second(b, s.who, p); err != nil {
		return err
	}
	s.page = p
	if p.path == "/sign-in" {
		delete(s.people, s.who+" "+s.at)
		return fmt.Errorf("%s could not sign in:\n%s", s.who, p.text)
	}
	return nil
}

// behind marks whoever uses the people's pages from behind the filter.
const behind = "behind the filter: "

// signin signs somebody in on the device at hand from behind the filter, on
// the people's pages; the device is then theirs on the web: signin USER.
func signin(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: signin USER")
	}
	s.who = behind + args[0]
	p, err := s.browser(s.who).do(http.MethodPost, "/sign-in", url.Values{"username": {args[0]}, "password": {password}})
	if err == nil {
		p, err = s.second(s.browser(s.who), args[0], p)
	}
	if err != nil {
		return err
	}
	if s.page = p; p.path != "/signed-in" {
		return fmt.Errorf("%s could not sign in: %d %s\n%s", args[0], p.status, p.path, p.text)
	}
	return nil
}

var slip = regexp.MustCompile(`Temporary password (.+?) Good until`)

// account has the network manager, or somebody else, make an account for
// somebody on the roll, who then signs in with the slip and chooses a
// password: account USER [BY].
func account(s *story, args []string) error {
	by := "n.wren"
	if len(args) == 2 {
		by = args[1]
	} else if len(args) != 1 {
		return errors.New("usage: account USER [BY]")
	}
	at, who := s.at, s.who
	s.at = "127.0.0.1"
	defer func() { s.at, s.who = at, who }()
	if err := as(s, []string{by}); err != nil {
		return err
	}
	if err := fill(s, []string{"/accounts/new", "who=" + args[0], "username=" + args[0]}); err != nil {
		return err
	}
	m := slip.FindStringSubmatch(s.page.text)
	if m == nil {
		return fmt.Errorf("no slip came:\n%s", s.page.text)
	}
	s.at = "127.0.8.1"
	b := s.browser(args[0])
	defer delete(s.people, args[0]+" "+s.at)
	p, err := b.do(http.MethodPost, "/sign-in", url.Values{"username": {args[0]}, "password": {m[1]}})
	if err == nil && p.path == "/account/password" {
		p, err = b.do(http.MethodPost, "/account/password", url.Values{"current": {m[1]}, "password": {password}, "again": {password}})
	}
	if err == nil && p.path != "/account" {
		if p, err = s.second(b, args[0], p); err == nil {
			p, err = b.do(http.MethodGet, "/account", nil)
		}
	}
	if err == nil && (p.status != 200 || p.path != "/account") {
		return fmt.Errorf("%s could not choose a password: %d %s\n%s", args[0], p.status, p.path, p.text)
	}
	if err == nil {
		_, err = b.do(http.MethodPost, "/sign-out", nil)
	}
	return err
}

// visit opens a page of Belisha's own: visit PATH [TEXT], where the text must
// stand on it, or visit PATH not:TEXT.
func visit(s *story, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: visit PATH [TEXT]")
	}
	p, err := s.browser(s.who).do(http.MethodGet, args[0], nil)
	if err != nil {
		return err
	}
	s.page = p
	if len(args) == 1 {
		return nil
	}
	if not, ok := strings.CutPrefix(args[1], "not:"); ok {
		if strings.Contains(p.text, not) {
			return fmt.Errorf("%s says %q:\n%s", args[0], not, p.text)
		}
		return nil
	}
	if !strings.Contains(p.text, args[1]) {
		return fmt.Errorf("%s does not say %q:\n%s", args[0], args[1], p.text)
	}
	return nil
}

// fill opens a page, fills the first form on it that has these fields, and
// sends it: fill PATH name=value…
func fill(s *story, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: fill PATH name=value…")
	}
	if err := visit(s, args[:1]); err != nil {
		return err
	}
	given, err := values(args[1:])
	if err != nil {
		return err
	}
	f, err := s.page.formWith(given)
	if err != nil {
		return fmt.Errorf("%s (%d): %w\n%s", args[0], s.page.status, err, s.page.text)
	}
	for k, v := range given {
		f.fields[k] = v
	}
	s.page, err = s.browser(s.who).do(http.MethodPost, f.action, f.fields)
	return err
}

// follow goes where a link of the last page leads: follow WORDS.
func follow(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: follow WORDS")
	}
	for _, l := range s.page.links {
		if strings.Contains(l.words, args[0]) {
			if err := visit(s, []string{strings.TrimPrefix(l.to, s.browser(s.who).base)}); err != nil {
				return err
			}
			return status(s, []string{"200"})
		}
	}
	return fmt.Errorf("no link says %q:\n%s", args[0], s.page.text)
}

// press sends a form of the last page, the first that has these fields:
// press name=value…; with a word before them, the one whose address has it.
func press(s *story, args []string) error {
	word := ""
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		word, args = args[0], args[1:]
	}
	given, err := values(args)
	if err != nil {
		return err
	}
	p := s.page
	p.forms = slices.DeleteFunc(slices.Clone(p.forms), func(f form) bool { return !strings.Contains(f.action, word) })
	f, err := p.formWith(given)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.text)
	}
	for k, v := range given {
		f.fields[k] = v
	}
	s.page, err = s.browser(s.who).do(http.MethodPost, f.action, f.fields)
	return err
}

// kept is a form that somebody has open in another window.
type kept struct {
	b *browser
	f form
}

// keep leaves a form of the last page open, filled in: keep NAME [WORD] name=value….
// WORD is a part of its address.
func keep(s *story, args []string) error {
	name, args := args[0], args[1:]
	word := ""
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		word, args = args[0], args[1:]
	}
	given, err := values(args)
	if err != nil {
		return err
	}
	p := s.page
	p.forms = slices.DeleteFunc(slices.Clone(p.forms), func(f form) bool { return !strings.Contains(f.action, word) })
	f, err := p.formWith(given)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.text)
	}
	for k, v := range given {
		f.fields[k] = v
	}
	s.windows[name] = kept{s.browser(s.who), f}
	return nil
}

// sendKept sends a form that was left open, or several at the same moment:
// send NAME…. The last answer stands for sees; all must be answered.
func sendKept(s *story, args []string) error {
	type answer struct {
		p   page
		err error
	}
	all := make(chan answer, len(args))
	for _, name := range args {
		k, ok := s.windows[name]
		if !ok {
			return errors.New("no form is kept as " + name)
		}
		go func() {
			p, err := k.b.do(http.MethodPost, k.f.action, k.f.fields)
			all <- answer{p, err}
		}()
	}
	for range args {
		a := <-all
		if a.err != nil {
			return a.err
		}
		if a.p.status >= 500 {
			s.page = a.p
			return fmt.Errorf("one of them was answered with %d: %s", a.p.status, a.p.text)
		}
		s.page = a.p
	}
	return nil
}

// forge sends a kept form as a page of somebody else's site would: forge NAME.
func forge(s *story, args []string) error {
	k, ok := s.windows[args[0]]
	if !ok {
		return errors.New("no form is kept as " + args[0])
	}
	req, err := http.NewRequest(http.MethodPost, k.b.base+k.f.action, strings.NewReader(k.f.fields.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Origin", "https://elsewhere.example")
	resp, err := k.b.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	s.page = newPage(resp.StatusCode, k.f.action, readSome(resp.Body))
	return nil
}

// address keeps the path of the last page: address NAME sets $NAME.
func address(s *story, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: address NAME")
	}
	s.ts.Setenv(args[0], s.page.path)
	return nil
}

// post sends a form that no page offered, as somebody would who tries:
// post PATH name=value…
func post(s *story, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: post PATH name=value…")
	}
	given, err := values(args[1:])
	if err != nil {
		return err
	}
	s.page, err = s.browser(s.who).do(http.MethodPost, args[0], given)
	return err
}

// status says which status the last page had.
func status(s *story, args []string) error {
	if len(args) != 1 || strconv.Itoa(s.page.status) != args[0] {
		return fmt.Errorf("the page's status is %d:\n%s", s.page.status, s.page.text)
	}
	return nil
}

// sees says that every text given stands on the last page; "! sees" that none
// does.
func sees(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts)
	for _, a := range args {
		if has := strings.Contains(s.page.text, a); has == neg {
			ts.Fatalf("%q is on the page: %t. The page (%d):\n%s", a, has, s.page.status, s.page.text)
		}
	}
}

func values(args []string) (url.Values, error) {
	v := url.Values{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not name=value", a)
		}
		v.Add(name, strings.ReplaceAll(value, `\n`, "\n"))
	}
	return v, nil
}

func (p page) formWith(given url.Values) (form, error) {
	for _, f := range p.forms {
		fits := f.method == "post" && f.action != "/sign-out" && f.action != "/account/lock" // the frame's own
		for k, v := range given {
			fits = fits && slices.Contains(f.names, k)
			// Two forms may differ in the value of a hidden field alone.
			if have := f.fields[k]; fits && len(have) == 1 && slices.Contains(f.names, "hidden "+k) {
				fits = slices.Contains(v, have[0])
			}
		}
		if fits {
			return f, nil
		}
	}
	return form{}, fmt.Errorf("the page has no form for %v", given)
}

// newPage reads a page as a person would.
func newPage(status int, path, body string) page {
	p := page{status: status, path: path}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		p.text = body
		return p
	}
	var b strings.Builder
	p.walk(root, &b, nil)
	p.text = strings.Join(strings.Fields(b.String()), " ")
	return p
}

func (p *page) walk(n *html.Node, b *strings.Builder, f *form) {
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
		return
	}
	switch n.Data {
	case "script", "style", "head":
		return
	case "a":
		at := len(p.links)
		p.links = append(p.links, link{to: attr(n, "href")})
		from := b.Len()
		defer func() { p.links[at].words = strings.Join(strings.Fields(b.String()[from:]), " ") }()
	case "form":
		p.forms = append(p.forms, form{action: attr(n, "action"), method: strings.ToLower(attr(n, "method")), fields: url.Values{}})
		f = &p.forms[len(p.forms)-1]
		if f.action == "" {
			f.action = p.path
		}
	case "input", "textarea", "select", "button":
		f.add(n)
	}
	if n.Type == html.ElementNode && !inline[n.Data] {
		b.WriteByte(' ')
		defer b.WriteByte(' ')
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.walk(c, b, f)
	}
}

var inline = map[string]bool{"a": true, "b": true, "strong": true, "em": true, "span": true, "mark": true, "abbr": true, "time": true, "ins": true, "del": true}

func (f *form) add(n *html.Node) {
	name := attr(n, "name")
	if f == nil || name == "" {
		return
	}
	f.names = append(f.names, name)
	switch kind := attr(n, "type"); {
	case kind == "hidden":
		f.names = append(f.names, "hidden "+name)
		f.fields.Add(name, attr(n, "value"))
	case n.Data == "textarea":
		if n.FirstChild != nil {
			f.fields.Add(name, n.FirstChild.Data)
		}
	case n.Data == "select":
		f.fields.Add(name, chosen(n))
	case kind == "checkbox" || kind == "radio":
		if hasAttr(n, "checked") {
			f.fields.Add(name, attr(n, "value"))
		}
	case n.Data == "input":
		f.fields.Add(name, attr(n, "value"))
	}
}

// chosen is the value of the selected option, else of the first.
func chosen(n *html.Node) string {
	first, seen := "", false
	for c := range n.Descendants() {
		if c.Data != "option" {
			continue
		}
		if hasAttr(c, "selected") {
			return attr(c, "value")
		}
		if !seen {
			first, seen = attr(c, "value"), true
		}
	}
	return first
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
