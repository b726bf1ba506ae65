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
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

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
