//go:build linux

package stories_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/pquerna/otp/totp"
)

var (
	seedWords     = regexp.MustCompile(`type these letters into the app: ([A-Z2-7 ]+?) The code`)
	recoveryWords = regexp.MustCompile(`\b[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}\b`)
)

// second does what the pages ask of somebody besides the password: it takes up
// an app where their post needs one, afterwards shows a recovery code, and says
// once that they were told that use is monitored.
func (s *story) second(b *browser, who string, p page) (page, error) {
	p, err := s.factor(b, who, p)
	if err != nil || p.path != "/told" {
		return p, err
	}
	f, err := p.formWith(nil)
	if err != nil {
		return p, err
	}
	return b.do(http.MethodPost, f.action, f.fields) // they have read that use is monitored
}

func (s *story) factor(b *browser, who string, p page) (page, error) {
	switch p.path {
	case "/account/second-factor":
		return s.enrol(b, who)
	case "/sign-in/second":
		left := s.codes[who]
		if len(left) == 0 {
			return p, errors.New(who + " has no recovery code left")
		}
		s.codes[who] = left[1:]
		return b.do(http.MethodPost, p.path, url.Values{"code": {left[0]}})
	}
	return p, nil
}

// enrol takes up an app, as the first sign-in of a head asks.
func (s *story) enrol(b *browser, who string) (page, error) {
	const at = "/account/second-factor/app"
	p, err := b.do(http.MethodGet, at, nil)
	if err != nil {
		return p, err
	}
	m := seedWords.FindStringSubmatch(p.text)
	if m == nil {
		return p, fmt.Errorf("%s finds no seed:\n%s", who, p.text)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(m[1], " ", ""), s.now())
	if err != nil {
		return p, err
	}
	if p, err = b.do(http.MethodPost, at, url.Values{"code": {code}, "name": {"phone"}}); err != nil {
		return p, err
	}
	codes := recoveryWords.FindAllString(p.text, -1)
	if len(codes) != 10 {
		return p, fmt.Errorf("%s was given %d recovery codes:\n%s", who, len(codes), p.text)
	}
	if s.codes == nil {
		s.codes = map[string][]string{}
	}
	s.codes[who] = codes
	return b.do(http.MethodGet, "/", nil)
}
