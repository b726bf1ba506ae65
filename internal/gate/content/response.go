package content

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// look is one answer that is looked at.
type look struct {
	*Pipeline
	ctx     context.Context
	a       *porter.Answer
	r       *http.Request
	res     *http.Response
	h       verdict.Handling
	phrases int // the limit, 0 where this site is not weighed
	typ     text.Type
	codings []string
	meta    files.Meta
	guess   files.Guess // by the first bytes, where they were looked at
}

// Response implements porter.Content.
func (p *Pipeline) Response(ctx context.Context, a *porter.Answer, r *http.Request, res *http.Response) *porter.Finding {
	h := a.Handling()
	if h.Files() {
		p.trails.saw(a, res)
	}
	if !looksAt(a, &h) || empty(r, res) {
		return nil
	}
	l := &look{
		Pipeline: p, ctx: ctx, a: a, r: r, res: res, h: h, phrases: weighed(a, &h),
		typ: text.ParseType(res.Header["Content-Type"]), codings: decode.Parse(res.Header["Content-Encoding"]),
	}
	if l.typ.Media == "" && strings.EqualFold(strings.TrimSpace(res.Header.Get("X-Content-Type-Options")), "nosniff") {
		l.typ.Media = "text/plain" // as browsers take it, whatever is in it
	}
	l.meta = files.Meta{Path: r.URL.Path, Disposition: res.Header["Content-Disposition"], Type: l.typ.Media, Saved: saves(r)}
	return p.count(carry(a, l.answer()))
}

// saves reports a link by which a browser saves what it leads to, whatever the
// site says of it.
func saves(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "empty"
}

// looksAt reports whether anything is looked at for somebody, at this site.
// What helps, what is ours, what nobody may see whose is and what devices fetch
// for themselves never is: an update that is kept from a device helps nobody.
func looksAt(a *porter.Answer, h *verdict.Handling) bool {
	return h.Looks() && !a.Verdict.Support && a.Verdict.Reason != verdict.ReasonOurs && a.Verdict.Reason != verdict.ReasonHelp &&
		!a.Snapshot().Essential(a.Host)
}

// weighed is the limit for the words of a site; 0 where the school itself has
// opened it, for good or for a lesson.
func weighed(a *porter.Answer, h *verdict.Handling) int {
	switch a.Verdict.Reason {
	case verdict.ReasonOwnAllow, verdict.ReasonUnblock, verdict.ReasonEssential:
		return 0
	}
	if a.Snapshot().Phrases() == nil {
		return 0
	}
	return h.Phrases
}

// empty reports an answer without a body.
func empty(r *http.Request, res *http.Response) bool {
	return r.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified ||
		res.StatusCode < 200 || res.ContentLength == 0 || res.Body == nil || res.Body == http.NoBody
}

// carry keeps what was found in the request where the answer has a finding of
// its own.
func carry(a *porter.Answer, f *porter.Finding) *porter.Finding {
	before := a.Finding()
	if f == nil || before == nil {
		return f
	}
	if f.Words == "" {
		f.Engine, f.Words = before.Engine, before.Words
	}
	if f.Alert == "" {
		f.Alert = before.Alert
	}
	if f.Detail == "" {
		f.Detail = before.Detail
	}
	return f
}

func (p *Pipeline) count(f *porter.Finding) *porter.Finding {
	if f == nil {
		return nil
	}
	if f.Action != verdict.Allow {
		p.counts.closed.Add(1)
	}
	if f.Reason == verdict.ReasonUnscanned {
		p.counts.unscanned.Add(1)
	}
	return f
}

// answer decides how the body is looked at.
func (l *look) answer() *porter.Finding {
	if l.res.StatusCode == http.StatusPartialContent {
		return l.part()
	}
	if !decode.Readable(l.codings) {
		return l.asCoded()
	}
	if l.isEvents() {
		return l.stream(text.Events, l.res.Body, nil)
	}
	switch kind := text.KindOf(l.typ, nil); kind {
	case text.HTML, text.XML, text.JSON, text.Script, text.Style:
		return l.page(kind)
	}
	return l.sniffed()
}

func (l *look) isEvents() bool { return text.KindOf(l.typ, nil) == text.Events }

// asCoded is what becomes of a body in a coding that nobody here reads: no
// browser was told that it may come.
func (l *look) asCoded() *porter.Finding {
	if text.IsMedia(l.typ.Media) && !l.h.Files() && l.h.Viruses == verdict.ScanNone {
		return nil
	}
	what := "coding not known: "
	if len(l.codings) > decode.Layers {
		what = "encoded too often: "
	}
	return closed(verdict.ReasonUnscanned, what+strings.Join(l.codings[:min(len(l.codings), 4)], ", "))
}

// sniffed reads the first bytes of what is not surely a page, and goes by
// them.
func (l *look) sniffed() *porter.Finding {
	first, err := l.first()
	if err != nil && len(first) == 0 {
		return nil // nothing came, and the door says so
	}
	head := l.head(first)
	guess := files.Look(&l.meta, head)
	kind := text.KindOf(l.typ, head)
	l.guess = guess
	media := text.IsMedia(l.typ.Media) || guess.Format.Media() && text.KindOf(l.typ, nil) != text.Plain // what is called text is shown as text
	switch {
	case guess.Kinds != 0, kind == text.None && (guess.Saved || guess.Whole), media && len(l.codings) > 0:
		return l.file(guess)
	case media && (guess.Format.Media() || !printable(head) && flows(l.typ.Media)):
		return l.media(guess)
	case kind == text.None:
		return l.file(guess) // nothing is known of it
	}
	return l.page(kind)
}

// flows reports films and sounds, which come in more forms than can be told
// by their first bytes. What only says that it is a picture or a font is
// looked at as the file that it is.
func flows(media string) bool {
	return strings.HasPrefix(media, "video/") || strings.HasPrefix(media, "audio/")
}

// printable reports bytes that are all text.
func printable(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			return false
		}
	}
	return true
}

// first takes the first bytes off the body, and puts them back in front of it.
func (l *look) first() ([]byte, error) {
	buf := make([]byte, 0, 4<<10)
	var err error
	for len(buf) < 512 && err == nil { // a few tiny packets are waited for
		var n int
		n, err = l.res.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if l.res.ContentLength < 0 && n > 0 {
			break // nobody knows whether more will come soon
		}
	}
	rest := error(io.EOF)
	if err != nil && !errors.Is(err, io.EOF) {
		rest = err
	}
	body := &again{first: buf, body: l.res.Body}
	if err != nil {
		body.err = rest
	}
	l.res.Body = body
	return buf, err
}

// head is the decoded beginning of a body.
func (l *look) head(first []byte) []byte {
	if len(l.codings) == 0 {
		return first
	}
	dec, err := decode.Open(strings.NewReader(string(first)), l.codings, false, decode.Limits{Bytes: 4 << 10})
	if err != nil {
		return nil
	}
	defer dec.Close()
	out, _ := io.ReadAll(dec) // it is cut off, which is an error
	return out
}

// again is a body whose first bytes were read already.
type again struct {
	first []byte
	body  io.ReadCloser
	err   error         // what the body ended with, if it has
	total *atomic.Int64 // that taken counts against; nil: nothing is
	taken int64
}

// reserve makes what is held n bytes of the total, or reports that there is no
// room.
func (b *again) reserve(total *atomic.Int64, n int64) bool {
	if n <= b.taken {
		return true
	}
	if !take(total, n-b.taken, memoryTotal) {
		return false
	}
	b.total, b.taken = total, n
	return true
}

func (b *again) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.body.Read(p)
}

// Close closes the body and gives back what was taken.
func (b *again) Close() error {
	if b.total != nil {
		b.total.Add(-b.taken)
		b.total, b.taken = nil, 0
	}
	return b.body.Close()
}
