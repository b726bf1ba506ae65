package content

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// Bounds of a stream, which is looked at as it goes by.
const (
	window    = 64 << 10 // words that are weighed together
	atLeast   = 512      // new words before it is weighed again
	atLeastAI = 8        // the same of an answer that is read as it is written
	shareAI   = 64
	carryMost = 32 << 10 // of what may go on in the next read
)

// long looks at a page that is too long, or too slow, to be looked at whole.
// What may be a file is held back as one, unless it is only slow.
func (l *look) long(kind text.Kind, d *desk, h *held, rest io.ReadCloser, large bool) *porter.Finding {
	body := &onwards{replay: replay{l: l, d: d, h: h, src: rest}, rest: rest}
	guess := files.Look(&l.meta, l.head(h.mem))
	if guess.Kinds != 0 || guess.Saved || large && (kind == text.Plain || packed(guess.Format)) {
		l.res.Body = body
		if f := l.file(guess); f != nil && f.Action != verdict.Allow {
			return f
		}
		return l.stream(kind, l.res.Body, nil)
	}
	return l.stream(kind, body, body.first())
}

// packed reports bytes that are no page, whatever they are called.
func packed(f files.Format) bool {
	return f != files.Unknown && f != files.HTML && f != files.XML && f != files.SVG
}

// first is what is in memory of a body that was begun.
func (o *onwards) first() []byte { return o.h.mem[:min(len(o.h.mem), text.SniffLen)] }

// stream puts a reader in place of the body that weighs what goes by.
func (l *look) stream(kind text.Kind, body io.ReadCloser, first []byte) *porter.Finding {
	l.res.Body = body
	limit, answer := l.limit(kind)
	if limit == 0 {
		return nil
	}
	l.counts.pages.Add(1)
	typ := l.typ
	if answer && typ.Charset == "" {
		typ.Charset = "utf-8" // as all of them write
	}
	s := &stream{l: l, kind: kind, body: body, d: l.desk(), limit: limit, answer: answer, letters: text.NewDecoder(typ, kind)}
	dec, err := decode.Open(io.TeeReader(body, (*passed)(s)), l.codings, len(first) > 0, decode.Limits{Ratio: decode.Usual.Ratio, Slack: decode.Usual.Slack})
	if err != nil {
		l.back(s.d)
		return closed(verdict.ReasonUnscanned, err.Error())
	}
	s.dec = dec
	s.d.words.Begin()
	l.res.Body = s
	return nil
}

// stream reads a body through: what was decoded is weighed before the bytes
// that it came in go on, but for the last few words.
type stream struct {
	l       *look
	kind    text.Kind
	body    io.ReadCloser
	dec     *decode.Reader
	d       *desk
	limit   int
	answer  bool // of an AI service: its pieces are one text
	letters *text.Decoder
	queue   []byte
	at      int
	carry   []byte // what is in UTF-8 and may go on
	wait    int    // the length of carry before it is worth looking where to cut
	buf     []byte
	seen    int // length of the words when they were weighed
	err     error
	over    bool // the decoder has ended
}

// passed keeps the bytes as they came while they are decoded.
type passed stream

func (s *passed) Write(b []byte) (int, error) {
	if s.at == len(s.queue) {
		s.queue, s.at = s.queue[:0], 0
	}
	s.queue = append(s.queue, b...)
	return len(b), nil
}

func (s *stream) Read(b []byte) (int, error) {
	for s.at == len(s.queue) {
		if s.err != nil {
			return 0, s.err
		}
		if s.over {
			return s.body.Read(b) // what stands behind the end of the coding
		}
		s.next()
	}
	n := copy(b, s.queue[s.at:])
	s.at += n
	return n, nil
}

// next decodes and weighs a little more.
func (s *stream) next() {
	if s.buf == nil {
		s.buf = make([]byte, 16<<10)
	}
	n, err := s.dec.Read(s.buf)
	s.take(s.buf[:n], err != nil)
	if s.err == nil && s.due(err != nil) {
		s.weigh()
	}
	if err == nil || s.err != nil {
		return
	}
	switch {
	case errors.Is(err, io.EOF):
		s.over = true
	case errors.Is(err, decode.ErrBomb), errors.Is(err, decode.ErrDamaged):
		s.stop(closed(verdict.ReasonUnscanned, err.Error()))
	default:
		s.err = err // the site's; what came before goes on
	}
}

// stop ends the stream: nothing more goes on.
func (s *stream) stop(f *porter.Finding) {
	s.queue, s.at = nil, 0
	s.err = s.l.cut(f)
}

// take reads the words of what was decoded, up to where a word or a tag may
// go on.
func (s *stream) take(b []byte, last bool) {
	if len(b) == 0 && !last {
		return
	}
	s.carry = s.letters.Append(s.carry, b, last)
	cut, within := len(s.carry), ""
	if !last {
		cut, within = s.cutAt()
	}
	if body := s.carry[:cut]; s.answer {
		s.d.words.AddAnswer(s.kind, body)
	} else {
		s.d.words.Add(s.kind, body)
	}
	rest := s.carry[cut:]
	if within != "" {
		rest = append([]byte(within), rest...)
	}
	s.carry = append(s.carry[:0], rest...)
}

// cutAt is where what was decoded can be cut without taking anything apart, and
// what is put in front of the rest.
func (s *stream) cutAt() (at int, within string) {
	b := s.carry
	switch s.kind {
	case text.Events:
		at = bytes.LastIndexAny(b, "\r\n") + 1
	case text.JSON, text.Script, text.Style:
		at = bytes.LastIndexAny(b, "\n,;}") + 1
	case text.HTML, text.XML:
		if len(b) < s.wait {
			return 0, ""
		}
		if at, within = text.Cut(b); at == 0 {
			s.wait = len(b) + len(b)/8 // in a long script, not again for each byte
		}
	default:
		if at = bytes.LastIndexAny(b, " \n\t") + 1; s.answer {
			at = bytes.LastIndexByte(b, '\n') + 1
		}
	}
	if at > 0 {
		s.wait = 0
	}
	if len(b)-at < carryMost {
		return at, ""
	}
	s.wait = 0
	for at = len(b) - 1; at > len(b)-utf8.UTFMax && !utf8.RuneStart(b[at]); {
		at--
	}
	return at, within
}

// due reports that there are so many new words that they are weighed.
func (s *stream) due(last bool) bool {
	fresh := s.d.words.Len() - s.seen
	if s.answer { // it comes slowly, and each piece is on the screen at once
		return fresh > 0 && (last || fresh >= max(atLeastAI, s.seen/shareAI))
	}
	return fresh > 0 && (last || fresh >= max(atLeast, s.seen/8))
}

func (s *stream) weigh() {
	reason, what := verdict.ReasonPhrases, "phrases"
	if s.answer {
		reason, what = verdict.ReasonChat, "answer of an AI service"
	}
	res, tooMuch := s.d.weigh(s.l.a, s.limit, s.l.minute())
	if tooMuch {
		s.stop(over(s.l.a, reason, what, &res, s.limit))
		return
	}
	s.d.words.Keep(window)
	s.seen = s.d.words.Len()
}

// Close closes the body and gives back what was lent.
func (s *stream) Close() error {
	err := s.body.Close()
	if s.d != nil {
		s.dec.Close()
		s.l.back(s.d)
		s.d, s.queue, s.at = nil, nil, 0
		s.err, s.over = io.ErrClosedPipe, false
	}
	return err
}
