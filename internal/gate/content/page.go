package content

import (
	"bytes"
	"errors"
	"io"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// page looks at a page whole before its first byte goes on. What is larger, or
// does not end in time, is looked at as it goes by.
func (l *look) page(kind text.Kind) *porter.Finding {
	if l.phrases == 0 && !l.h.Files() && l.h.Viruses == verdict.ScanNone && !l.answersChat() {
		return nil
	}
	src := io.ReadCloser(l.res.Body)
	var p *pump
	if l.res.ContentLength < 0 {
		wait := patience
		if _, answer := l.limit(kind); answer {
			wait = soon
		}
		p = newPump(src, wait)
		src = p
		l.res.Body = p
	}
	d := l.desk()
	h := l.store.hold(d.raw)
	more, err := h.fill(src, maxPage, l.res.ContentLength)
	if p != nil {
		p.wait()
	}
	if more || errors.Is(err, errLate) {
		return l.long(kind, d, h, src, more)
	}
	if errors.Is(err, errFull) {
		l.done(d, h)
		return closed(verdict.ReasonUnscanned, err.Error())
	}
	l.counts.pages.Add(1)
	f, more := l.whole(kind, d, h)
	if more {
		return l.long(kind, d, h, &ended{src, err}, true)
	}
	if f != nil && f.Action == verdict.Block {
		l.done(d, h)
		return f
	}
	l.res.Body = &replay{l: l, d: d, h: h, src: src, err: err}
	return f
}

// done gives the desk and what was held back.
func (l *look) done(d *desk, h *held) {
	raw, err := h.free()
	if err != nil {
		l.deps.Log.Error("a file that was looked at could not be removed", "error", err.Error())
	}
	d.raw = raw
	l.back(d)
}

// whole looks at a page that is held back; more says that it is longer than
// is read at once.
func (l *look) whole(kind text.Kind, d *desk, h *held) (f *porter.Finding, more bool) {
	body, inMemory := h.whole()
	if len(l.codings) > 0 || !inMemory || gzipped(body) {
		more, err := d.decode(l.store, h.reader(), l.codings, maxPage)
		switch {
		case more:
			return nil, true
		case errors.Is(err, decode.ErrBomb), errors.Is(err, errFull):
			return closed(verdict.ReasonUnscanned, err.Error()), false
		case errors.Is(err, decode.ErrDamaged):
			return closed(verdict.ReasonUnscanned, "its coding is damaged"), false
		}
		body = d.decoded
	}
	if f := l.pageAsFile(kind, body); f != nil {
		return f, false
	}
	if f := l.words(kind, d, body); f != nil {
		return f, false
	}
	return l.builds(kind, d, body), false
}

// builds looks for a page that puts a file together by itself, after its words
// were read.
func (l *look) builds(kind text.Kind, d *desk, body []byte) *porter.Finding {
	if l.h.File(verdict.FileActive) == verdict.Allow || !kind.Markup() && kind != text.Script {
		return nil
	}
	if limit, _ := l.limit(kind); limit > 0 && !d.words.Active() || !files.Smuggles(d.words.UTF8(l.typ, kind, body)) {
		return nil
	}
	return l.kinds(files.KindsOf(verdict.FileActive), func(k verdict.FileKind) string { return k.String() + ": a page that puts a file together" }, nil)
}

func gzipped(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b }

// words weighs the words of a page.
func (l *look) words(kind text.Kind, d *desk, body []byte) *porter.Finding {
	limit, answer := l.limit(kind)
	if limit == 0 {
		return nil
	}
	if kind == text.Plain && text.KindOf(l.typ, body) == text.HTML {
		kind = text.HTML // now that all of it is there
	}
	d.words.Begin()
	if answer {
		d.words.AddAnswer(kind, body)
	} else {
		d.words.Add(kind, d.words.UTF8(l.typ, kind, body))
	}
	res, tooMuch := d.weigh(l.a, limit, l.minute())
	if !tooMuch {
		return nil
	}
	if answer {
		return over(l.a, verdict.ReasonChat, "answer of an AI service", &res, limit)
	}
	return over(l.a, verdict.ReasonPhrases, "phrases", &res, limit)
}

// limit is what the words of this answer may weigh, 0 where they are not
// weighed, and whether it is the answer of an AI service.
func (l *look) limit(kind text.Kind) (limit int, answer bool) {
	if l.a.Snapshot().Phrases() == nil {
		return 0, false
	}
	if l.answersChat() && (kind == text.Events || kind == text.JSON || kind == text.Plain) {
		return l.h.Phrases, true
	}
	return l.phrases, false
}

// minute is the site's minute of the week.
func (l *look) minute() uint16 { return l.deps.Porter.Ask(l.a).Minute }

// pageAsFile looks at a page as at a file: something else may stand behind
// the name of one, or in it.
func (l *look) pageAsFile(kind text.Kind, body []byte) *porter.Finding {
	if !l.h.Files() && l.h.Viruses == verdict.ScanNone {
		return nil
	}
	guess := files.Look(&l.meta, body)
	if f := l.kinds(guess.Kinds, named(guess), nil); f != nil {
		return f
	}
	if l.h.Files() && (guess.Whole || files.Tail(body)) { // an archive may stand behind a text
		if f := l.open(sized(body), int64(len(body))); f != nil {
			return f
		}
	}
	if l.h.Viruses != verdict.ScanNone && (guess.Saved || guess.Whole || kind == text.Plain || bytes.IndexByte(body, '<') < 0 && kind.Markup()) {
		return l.virus(sized(body), int64(len(body)))
	}
	return nil
}

// ended is a body that was read to its end already.
type ended struct {
	io.ReadCloser
	err error
}

func (e *ended) Read([]byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return 0, io.EOF
}

// replay is a body that was held back and may go on.
type replay struct {
	l   *look
	d   *desk
	h   *held
	at  int64
	src io.Closer
	err error // what it ended with, if not well
}

func (r *replay) Read(b []byte) (int, error) {
	if r.h == nil {
		return 0, io.ErrClosedPipe
	}
	n, err := r.h.ReadAt(b, r.at)
	r.at += int64(n)
	if n > 0 {
		return n, nil
	}
	if errors.Is(err, io.EOF) && r.err != nil {
		return 0, r.err
	}
	return 0, err
}

// WriteTo writes what is left at once.
func (r *replay) WriteTo(w io.Writer) (int64, error) {
	if r.h == nil {
		return 0, io.ErrClosedPipe
	}
	var wrote int64
	if b := r.h.mem; r.at < int64(len(b)) {
		n, err := w.Write(b[r.at:])
		r.at += int64(n)
		wrote += int64(n)
		if err != nil {
			return wrote, err
		}
	}
	if r.h.file != nil {
		n, err := io.Copy(w, io.NewSectionReader(r.h, r.at, r.h.size()-r.at))
		r.at += n
		wrote += n
		if err != nil {
			return wrote, err
		}
	}
	return wrote, r.err
}

// Close closes the body and gives back what was lent.
func (r *replay) Close() error {
	err := r.src.Close()
	if r.h != nil {
		r.l.done(r.d, r.h)
		r.d, r.h = nil, nil
	}
	return err
}
