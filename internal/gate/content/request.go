package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// Bounds of what is read of a request.
const (
	maxForm   = 64 << 10 // of a form that searches
	maxPrompt = 1 << 20  // of what is written to an AI service
	maxQuery  = 16 << 10 // of what is weighed of it
)

// asked is one request that is looked at.
type asked struct {
	*Pipeline
	ctx     context.Context
	a       *porter.Answer
	r       *http.Request
	h       verdict.Handling
	limit   int
	typ     text.Type
	codings []string
}

// Request implements porter.Content.
func (p *Pipeline) Request(ctx context.Context, a *porter.Answer, r *http.Request) *porter.Finding {
	h := a.Handling()
	if !looksAt(a, &h) {
		return nil
	}
	narrow(r)
	p.parts(a, r, &h)
	q := &asked{Pipeline: p, ctx: ctx, a: a, r: r, h: h, limit: weighed(a, &h)}
	path, query, _ := strings.Cut(a.Path, "?")
	if f := q.searched(path, query); f != nil {
		return p.count(f)
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	q.typ = text.ParseType(r.Header["Content-Type"])
	q.codings = decode.Parse(r.Header["Content-Encoding"])
	return p.count(q.body(path))
}

// searched weighs the words of a search that stands in the address.
func (q *asked) searched(path, query string) *porter.Finding {
	if q.limit == 0 || q.deps.Search == nil {
		return nil
	}
	_, words, kind, ok := q.deps.Search.Words(q.a.Host, path, query)
	if !ok || kind == "suggest" {
		return nil
	}
	return q.weighed("search words", verdict.ReasonPhrases, q.limit, words)
}

// weighed weighs something that somebody typed.
func (q *asked) weighed(what string, reason verdict.Reason, limit int, words string) *porter.Finding {
	phrases := q.a.Snapshot().Phrases()
	if phrases == nil || limit <= 0 {
		return nil
	}
	d := q.desk()
	defer q.back(d)
	v := d.words.Typed([]byte(words[:min(len(words), maxQuery)]))
	d.text.Smart, d.text.Bare, d.text.Raw = v.Smart, v.Bare, nil
	res := phrases.Weigh(&d.text, limit, q.deps.Porter.Ask(q.a).Minute, &d.scratch)
	if !res.Closed() {
		return nil
	}
	return over(q.a, reason, what, &res, limit)
}

// theme is the theme of words as they were typed and as they are meant.
func (q *asked) theme(words string) string {
	if t := q.deps.Porter.Theme(words); t != "" {
		return t
	}
	d := q.desk()
	defer q.back(d)
	return q.deps.Porter.Theme(string(d.words.Typed([]byte(words[:min(len(words), maxQuery)])).Bare))
}

// body looks at what is sent.
func (q *asked) body(path string) *porter.Finding {
	if name, fields, ok := q.service(path); ok {
		if f := q.prompt(name, fields); f != nil && f.Action != verdict.Allow {
			return f
		} else if f != nil {
			return q.both(f)
		}
		return q.upload()
	}
	if f := q.form(path); f != nil {
		return f
	}
	return q.upload()
}

// both looks at an upload that came with something that is only written down.
func (q *asked) both(f *porter.Finding) *porter.Finding {
	if u := q.upload(); u != nil && u.Action != verdict.Allow {
		u.Engine, u.Words, u.Alert = f.Engine, f.Words, f.Alert
		return u
	}
	return f
}

// form finds the words of a search that was sent as a form.
func (q *asked) form(path string) *porter.Finding {
	isJSON := q.typ.Media == "application/json"
	if q.deps.Search == nil || !isJSON && q.typ.Media != "application/x-www-form-urlencoded" {
		return nil
	}
	if engine, _, _, _ := q.deps.Search.Words(q.a.Host, path, ""); engine == "" {
		return nil
	}
	body, _, err := q.read(maxForm)
	if err != nil {
		return nil // the site gets as little as we did
	}
	query := string(body)
	if isJSON {
		query = asQuery(body)
	}
	engine, words, kind, ok := q.deps.Search.Words(q.a.Host, path, query)
	if !ok || kind == "suggest" {
		return nil
	}
	f := q.weighed("search words", verdict.ReasonPhrases, q.limit, words)
	if f == nil {
		f = noted(verdict.ReasonNone, "")
	}
	f.Engine, f.Words, f.Alert = engine, words, q.theme(words)
	return f
}

// asQuery writes the members of JSON that are texts as a form would.
func asQuery(body []byte) string {
	var b strings.Builder
	text.Strings(body, func(name, value []byte, clean bool) {
		if !clean {
			value = text.Unescape(value)
		}
		if b.Len() < maxQuery && len(value) < 1<<10 {
			b.WriteString(url.QueryEscape(string(name)) + "=" + url.QueryEscape(string(value)) + "&")
		}
	})
	return b.String()
}

// read reads the beginning of the body, decoded, and puts back what it read.
// more says that there is more than was read.
func (q *asked) read(most int) (body []byte, more bool, err error) {
	raw := make([]byte, 0, min(max(q.r.ContentLength, 512)+512, int64(most)+512))
	for len(raw) <= most {
		if len(raw) == cap(raw) {
			raw = append(raw, 0)[:len(raw)]
		}
		n, rerr := q.r.Body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if rerr != nil {
			err = rerr
			break
		}
	}
	back := &again{first: raw, body: q.r.Body}
	if err != nil {
		back.err = err
	}
	q.r.Body = back
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	more = err == nil
	if len(q.codings) == 0 {
		return raw, more, nil
	}
	dec, err := decode.Open(bytes.NewReader(raw), q.codings, false, decode.Limits{Bytes: int64(most)})
	if err != nil {
		return nil, more, err
	}
	defer dec.Close()
	out, err := io.ReadAll(dec)
	if len(out) > 0 {
		err = nil
	}
	return out, more, err
}
