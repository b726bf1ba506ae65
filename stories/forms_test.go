//go:build linux

package stories_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

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

// readOff keeps words of the last page: read NAME REGEXP sets $NAME to its
// first group.
func readOff(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: read NAME REGEXP")
	}
	re, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	m := re.FindStringSubmatch(s.page.text)
	if len(m) < 2 {
		return fmt.Errorf("%q does not stand on the page:\n%s", args[1], s.page.text)
	}
	s.ts.Setenv(args[0], m[1])
	return nil
}
