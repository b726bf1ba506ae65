package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sort"

	"belisha/internal/kit/store"
)

//go:embed templates/*.html
var templateFiles embed.FS

var errForbidden = store.ErrForbidden

// problemView is the page of an error.
type problemView struct {
	Base
	Words string
	List  []string
	ID    string
	Back  string // where to go on
}

var problemPage = NewPage[problemView](templateFiles, "templates/problem.html")

// fail turns an error into a page, and logs a fault once.
func (s *site) fail(c *Ctx, err error) {
	var sent sentError
	if errors.As(err, &sent) {
		// The reader went away or the line broke: nothing can be shown.
		s.Deps.Log.LogAttrs(c.Context(), slog.LevelDebug, "an answer was cut off", slog.String("route", c.route.Pattern))
		return
	}
	if errors.Is(err, context.Canceled) && c.Context().Err() != nil {
		return // the reader went away while the page was being made
	}
	var to SeeOther
	switch {
	case errors.As(err, &to):
		_ = c.Redirect(to.To)
		return
	case errors.Is(err, ErrSignIn) && !c.Actor.SignedIn():
		to := c.keepTyped()
		if to == "" {
			to = c.wanted()
		}
		_ = c.Redirect(s.SignIn + "?to=" + url.QueryEscape(to))
		return
	}
	p := Explain(err)
	if p.Log {
		s.log(c, p, err)
	}
	c.showProblem(p)
}

// keepTyped keeps what was typed into a page whose session had ended, where the
// sessions can, and returns the page on which its owner finds it again.
func (c *Ctx) keepTyped() string {
	k, ok := c.site.Sessions.(Keeper)
	if !ok || c.R.Method != http.MethodPost || isMultipart(c.R) || c.R.ContentLength > maxTyped {
		return ""
	}
	form, err := c.Form()
	if err != nil || len(form) == 0 {
		return ""
	}
	return SafePath(k.Keep(c.R, form))
}

// maxTyped bounds the form that is kept.
const maxTyped = 64 << 10

// maxWanted bounds the address that is carried through the sign-in.
const maxWanted = 1000

// wanted is the page somebody asked for before they had to sign in; for a
// form that was sent, the page it stood on.
func (c *Ctx) wanted() string {
	p := SafePath(c.R.URL.RequestURI())
	if c.R.Method != http.MethodGet && c.R.Method != http.MethodHead {
		p = ""
		if u, err := url.Parse(c.R.Referer()); err == nil && u.Host == c.R.Host {
			p = SafePath(u.RequestURI())
		}
	}
	if p == "" || len(p) > maxWanted {
		return "/"
	}
	return p
}

func (c *Ctx) showProblem(p Problem) {
	v := problemView{Base: Base{Title: p.Title}, Words: p.Words, List: p.List, ID: p.ID, Back: "/"}
	if err := problemPage.Status(p.Status).Render(c, v); err != nil {
		http.Error(c.W, p.Title+". "+p.Words, p.Status)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
