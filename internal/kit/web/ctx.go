package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/words"
)

// maxForm is the largest form a route takes unless it says otherwise.
const maxForm = 1 << 20

// Ctx is one request.
type Ctx struct {
	W     http.ResponseWriter
	R     *http.Request
	Actor actor.Actor
	// Words says times as this school reads them.
	Words words.Words

	site   *site
	route  Route
	about  About
	people bool
	form   url.Values
	limit  int64
}

// Context returns the request's context, which carries the actor.
func (c *Ctx) Context() context.Context { return c.R.Context() }

// Now returns the moment of the request.
func (c *Ctx) Now() time.Time { return c.Words.Now() }

// May reports whether whoever asks has the capability.
func (c *Ctx) May(capability actor.Capability) bool { return allowed(c.Actor, capability) }

// Param returns a {name} of the pattern.
func (c *Ctx) Param(name string) string { return c.R.PathValue(name) }

// Query returns a value of the address's query, trimmed.
func (c *Ctx) Query(name string) string {
	return strings.TrimSpace(c.R.URL.Query().Get(name))
}

// Form returns what was posted. It is bounded by the route's Body.
func (c *Ctx) Form() (url.Values, error) {
	if c.form != nil {
		return c.form, nil
	}
	var err error
	if isMultipart(c.R) {
		// All of it in memory, which the bound on the body allows: nothing of a
		// roll is left in the machine's temporary folder.
		err = c.R.ParseMultipartForm(c.limit)
	} else {
		err = c.R.ParseForm()
	}
	if err != nil {
		return nil, bodyError(err)
	}
	c.form = c.R.PostForm
	return c.form, nil
}

// Value returns one posted value, trimmed, or "" when there is none or the
// form could not be read; use Form first where that matters.
func (c *Ctx) Value(name string) string {
	f, err := c.Form()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(f.Get(name))
}

// Upload returns a posted file and its name as the browser gave it, base name
// only. The caller closes it. No file is ErrNoFile.
func (c *Ctx) Upload(field string) (io.ReadCloser, string, error) {
	if _, err := c.Form(); err != nil {
		return nil, "", err
	}
	f, h, err := c.R.FormFile(field)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, "", ErrNoFile
	}
	if err != nil {
		return nil, "", bodyError(err)
	}
	name := h.Filename
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return f, name, nil
}

// Redirect sends the reader to another page of ours with GET. A foreign
// address is refused.
func (c *Ctx) Redirect(to string) error {
	if SafePath(to) == "" {
		to = "/"
	}
	http.Redirect(c.W, c.R, to, http.StatusSeeOther)
	return nil
}

// Back returns the safe local path in the form's or the address's "to", else
// otherwise.
func (c *Ctx) Back(otherwise string) string {
	if to := SafePath(c.R.FormValue("to")); to != "" {
		return to
	}
	return otherwise
}

// Send answers with a file to keep. The name is what the reader's machine
// calls it.
func (c *Ctx) Send(name, contentType string, body io.Reader) error {
	h := c.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if _, err := io.Copy(c.W, body); err != nil {
		return sentError{err}
	}
	return nil
}

// Secure reports whether the reader's connection is TLS, so that a cookie may
// be.
func (c *Ctx) Secure() bool { return c.site.secure(c.R) }

// isMultipart reports whether the form carries files.
func isMultipart(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "multipart/form-data"
}

// SafePath returns p if it is a path of ours ("/monitoring?day=1"), else "".
// "//evil.example", "/\evil" and anything with a scheme or host are refused.
func SafePath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t\x00") {
		return ""
	}
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") {
		return ""
	}
	return p
}
