package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"sync"
)

// Crumb is one step of the way to a page.
type Crumb struct{ Title, Path string }

// Base is embedded in every page's struct. A room fills what stands above the
// line; the layout fills the rest from the request.
type Base struct {
	// Title is the page's heading and, with the school's name, the window's.
	Title string
	// Lead is a sentence below the heading, "" for none.
	Lead   string
	Crumbs []Crumb
	// Errors is the summary at the top of a form that came back.
	Errors Errors
	// Exports stand beside the heading.
	Exports []Download
	// Wide: the page holds a table that needs the whole width; else the
	// measure is 66 characters.
	Wide bool
	// SeenBy says who may see this record, at its top.
	SeenBy string
	// Marking is printed with records: "Safeguarding: keep locked away".
	Marking string

	// OwnTurns: the page lists where to turn itself, so that its foot does not.
	OwnTurns bool

	Frame Frame
}

func (b *Base) base() *Base { return b }

// pageSource parses one page: once for showing it, and afresh for a check,
// since a template that was shown has been rewritten by its escaper.
type pageSource struct {
	name  string
	parse func() (*template.Template, error)
	fresh func() (*template.Template, error)
}

// Page binds a template file to the struct that it shows.
type Page[T any] struct {
	source *pageSource
	status int
	base   func(*T) *Base
}

// NewPage binds the file in pages to T, which embeds Base. The file defines
// "main"; its dot is a T. Further files may hold blocks that it uses. Nothing
// is read until the page is first needed: webtest.Check finds what is wrong
// with it in the room's tests.
func NewPage[T any, P interface {
	*T
	base() *Base
}](pages fs.FS, file string, more ...string) Page[T] {
	fresh := func() (*template.Template, error) { return parsePage(pages, append([]string{file}, more...)) }
	src := &pageSource{name: file, fresh: fresh, parse: sync.OnceValues(fresh)}
	return Page[T]{source: src, base: func(v *T) *Base { return P(v).base() }}
}

// Status returns the page with another status than 200.
func (p Page[T]) Status(code int) Page[T] {
	p.status = code
	return p
}

// Name returns the file's name.
func (p Page[T]) Name() string { return p.source.name }

// Template returns the page, newly parsed, and a zero T, for checks that look
// at the type.
func (p Page[T]) Template() (*template.Template, any, error) {
	var zero T
	t, err := p.source.fresh()
	return t, zero, err
}

// Render shows v in the layout. Nothing is sent if the template fails.
func (p Page[T]) Render(c *Ctx, v T) error {
	t, err := p.source.parse()
	if err != nil {
		return err
	}
	b := p.base(&v)
	c.frame(b)
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout", v); err != nil {
		return fmt.Errorf("rendering %s: %w", p.source.name, err)
	}
	status := p.status
	if status == 0 {
		status = http.StatusOK
	}
	return c.write(status, out.Bytes())
}

// write sends a finished page.
func (c *Ctx) write(status int, page []byte) error {
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	c.W.WriteHeader(status)
	if c.R.Method == http.MethodHead {
		return nil
	}
	if _, err := c.W.Write(page); err != nil {
		return sentError{err}
	}
	return nil
}

// parsePage parses the layout, the partials and a page's own files.
func parsePage(pages fs.FS, files []string) (*template.Template, error) {
	base, err := layout()
	if err != nil {
		return nil, err
	}
	t, err := base.Clone()
	if err != nil {
		return nil, fmt.Errorf("copying the layout: %w", err)
	}
	t, err = t.ParseFS(pages, files...)
	if err != nil {
		return nil, fmt.Errorf("parsing the page: %w", err)
	}
	if t.Lookup("main") == nil {
		return nil, errors.New("parsing the page " + files[0] + `: it does not define "main"`)
	}
	return t, nil
}
