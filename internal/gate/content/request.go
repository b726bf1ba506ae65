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
	maxForm   = 256 << 10 // of a form that searches
	maxPrompt = 8 << 20   // of what is written to an AI service, with the pictures in it
	maxQuery  = 16 << 10  // of a search
	maxThemed = 64 << 10  // of either end of a text that a theme is looked for in
	freeRead  = 64 << 10  // of a body that is read, not counted
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
	told := q.searched(path, query)
	if told != nil && told.Action != verdict.Allow || r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return p.count(told)
	}
	q.typ = text.ParseType(r.Header["Content-Type"])
	q.codings = decode.Parse(r.Header["Content-Encoding"])
	f := q.body(path)
	switch {
	case f == nil:
		f = told
	case told != nil && f.Alert == "":
		f.Alert = told.Alert
	}
	return p.count(f)
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
	f, theme := q.weighed("search words", verdict.ReasonPhrases, q.limit, words)
	if f == nil && theme != "" && q.deps.Porter.Theme(words) == "" {
		f = noted(verdict.ReasonNone, "")
		f.Alert = theme
	}
	return f
}

// weighed weighs something that somebody typed. theme is what somebody must
// hear of in it, whether it is closed or not.
func (q *asked) weighed(what string, reason verdict.Reason, limit int, words string) (f *porter.Finding, theme string) {
	phrases := q.a.Snapshot().Phrases()
	if phrases == nil || limit <= 0 {
		return nil, ""
	}
	d := q.desk()
	defer q.back(d)
	v := d.words.Typed([]byte(words[:min(len(words), maxPrompt)]))
	d.text.Smart, d.text.Bare, d.text.Raw = v.Smart, v.Bare, nil
	res := phrases.Weigh(&d.text, limit, q.deps.Porter.Ask(q.a).Minute, &d.scratch)
	for _, c := range res.Categories {
		if t := phraseTheme(c.Category); t != "" && c.Score >= tellFrom && res.Score >= tellFrom {
			theme = t
			break
		}
	}
	if !res.Closed() {
		return nil, theme
	}
	f = over(q.a, reason, what, &res, limit)
	if f.Alert == "" && f.Category < 0 {
		f.Alert = theme
	}
	return f, theme
}

// theme is the theme of words as they were typed and as they are meant.
func (q *asked) theme(words string) string {
	if len(words) > 2*maxThemed {
		words = words[:maxThemed] + " " + words[len(words)-maxThemed:]
	}
	if t := q.deps.Porter.Theme(words); t != "" {
		return t
	}
	d := q.desk()
	defer q.back(d)
	return q.deps.Porter.Theme(string(d.words.Typed([]byte(words)).Bare))
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
	if q.deps.Search == nil {
		return nil
	}
	switch q.typ.Media {
	case "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain":
	default:
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
	switch first := bytes.TrimLeft(body, " \t\r\n"); {
	case q.typ.Media == "multipart/form-data":
		query = partsAsQuery(q.r.Header.Get("Content-Type"), body)
	case len(first) > 0 && (first[0] == '{' || first[0] == '['):
		query = asQuery(body)
	}
	engine, words, kind, ok := q.deps.Search.Words(q.a.Host, path, query)
	if !ok || kind == "suggest" {
		return nil
	}
	f, theme := q.weighed("search words", verdict.ReasonPhrases, q.limit, words)
	if f == nil {
		f = noted(verdict.ReasonNone, "")
	}
	if t := q.theme(words); t != "" {
		theme = t
	}
	f.Engine, f.Words, f.Alert = engine, words, theme
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
	raw := make([]byte, 0, min(max(q.r.ContentLength, 512)+512, int64(most)+512, freeRead))
	back := &again{body: q.r.Body}
	q.r.Body = back
	for len(raw) <= most {
		if len(raw) == cap(raw) {
			if !back.reserve(&q.store.memory, int64(2*cap(raw))-freeRead) {
				back.first = raw
				return nil, true, errFull
			}
			raw = append(make([]byte, 0, 2*cap(raw)), raw...)
		}
		n, rerr := back.body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if rerr != nil {
			err = rerr
			break
		}
	}
	back.first, back.err = raw, err
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	more = err == nil
	if len(q.codings) == 0 {
		return raw, more, nil
	}
	dec, err := decode.Open(bytes.NewReader(raw), q.codings, false, decode.Limits{Bytes: int64(most) + 1})
	if err != nil {
		return nil, more, err
	}
	defer dec.Close()
	out, err := io.ReadAll(dec)
	if len(out) > 0 {
		err = nil
	}
	return out, more || len(out) > most, err
}
