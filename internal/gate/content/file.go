package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	openedAtOnce = 4                // files; each may take 70 MB for a moment
	openWait     = 20 * time.Second // for a place among them
)

// file holds a file back until it was looked into and scanned.
func (l *look) file(guess files.Guess) *porter.Finding {
	if !l.h.Files() && l.h.Viruses == verdict.ScanNone {
		return nil
	}
	hash := ""
	if _, again := l.permitted(""); !again {
		if f := l.kinds(guess.Kinds, named(guess), nil); f != nil {
			return f
		}
	}
	most := l.most()
	if l.res.ContentLength > most {
		return l.tooLarge(l.res.ContentLength, guess)
	}
	d := l.desk()
	h := l.store.hold(d.raw)
	more, err := h.fill(l.res.Body, most, l.res.ContentLength)
	switch {
	case more:
		f := l.tooLarge(h.size(), guess)
		if f != nil && f.Action != verdict.Allow {
			l.done(d, h)
			return f
		}
		l.res.Body = &onwards{replay: replay{l: l, d: d, h: h, src: l.res.Body}, rest: l.res.Body}
		return f
	case errors.Is(err, errFull):
		l.done(d, h)
		return l.unscanned(err.Error())
	}
	l.counts.files.Add(1)
	if _, again := l.permitted(""); again {
		hash = sum(h.reader())
	}
	f := l.inside(d, h, guess, hash)
	if f != nil && f.Action != verdict.Allow {
		l.done(d, h)
		return f
	}
	l.res.Body = &replay{l: l, d: d, h: h, src: l.res.Body, err: err}
	return f
}

// named says what a look at a file's name and first bytes found.
func named(guess files.Guess) func(verdict.FileKind) string {
	says := "by its name or type"
	if guess.Format != files.Unknown {
		says = guess.Format.String()
	}
	return func(k verdict.FileKind) string { return k.String() + ": " + says }
}

// most is the size up to which a file is held back.
func (l *look) most() int64 { return l.h.MaxScan }

// inside looks into a file that is held back, as its reader will have it.
func (l *look) inside(d *desk, h *held, guess files.Guess, hash string) *porter.Finding {
	plain := h
	if len(l.codings) > 0 {
		var err error
		if plain, err = l.decoded(h); err != nil {
			return l.unscanned("its coding: " + err.Error())
		}
		defer l.drop(plain)
	}
	if l.h.Files() {
		if f := l.kinds(guess.Kinds, named(guess), &hash); f != nil {
			return f
		}
		if f := l.openPermitted(plain, plain.size(), hash); f != nil {
			return f
		}
	}
	if l.h.Viruses == verdict.ScanNone {
		return nil
	}
	return l.virus(plain, plain.size())
}

// decoded is the file without its codings.
func (l *look) decoded(h *held) (*held, error) {
	dec, err := decode.Open(h.reader(), l.codings, false, decode.Usual)
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	out := l.store.hold(nil)
	more, err := out.fill(dec, 4*l.most(), -1)
	if err == nil && more {
		err = decode.ErrBomb
	}
	if err != nil {
		l.drop(out)
		return nil, err
	}
	return out, nil
}

func (l *look) drop(h *held) {
	if _, err := h.free(); err != nil {
		l.deps.Log.Error("a file that was looked at could not be removed", "error", err.Error())
	}
}

// permitted reports whether a permit opens this file, by its own address or by
// one that led to it.
func (l *look) permitted(hash string) (ok, again bool) {
	ask := l.deps.Porter.Ask(l.a)
	ok, again = l.a.Snapshot().Permitted(&ask, hash)
	if ok {
		return true, false
	}
	for _, x := range l.trails.before(l.a) {
		ask.Host, ask.Path = x.host, x.path
		yes, more := l.a.Snapshot().Permitted(&ask, hash)
		if yes {
			return true, false
		}
		again = again || more
	}
	return false, again
}

// kinds is the finding of the strictest rule for some kinds of file. A permit
// opens them, hash being what the file was found to be, where that is known.
func (l *look) kinds(kinds files.Kinds, says func(verdict.FileKind) string, hash *string) *porter.Finding {
	var f *porter.Finding
	kinds.Each(func(k verdict.FileKind) {
		act := l.h.File(k)
		if act == verdict.Allow || f != nil && (f.Action == verdict.Block || act == verdict.Warn) {
			return
		}
		f = closed(verdict.ReasonFile, "file "+says(k))
		f.Action = act
	})
	if f == nil {
		return nil
	}
	known := ""
	if hash != nil {
		known = *hash
	}
	if ok, _ := l.permitted(known); ok {
		return nil
	}
	if steps := l.trails.before(l.a); len(steps) > 0 {
		f.Asked = steps[len(steps)-1].address()
	}
	return f
}

func (l *look) open(r io.ReaderAt, size int64) *porter.Finding { return l.openPermitted(r, size, "") }

// openPermitted opens a file and all that is packed in it.
func (l *look) openPermitted(r io.ReaderAt, size int64, hash string) *porter.Finding {
	wait := time.NewTimer(openWait)
	defer wait.Stop()
	select {
	case l.opened <- struct{}{}:
		defer func() { <-l.opened }()
	case <-l.ctx.Done():
		return l.unscanned("given up")
	case <-wait.C:
		return l.unscanned("too many files at once")
	}
	rep := files.Open(l.ctx, r, size, &l.meta, files.Bounds{Dir: l.store.dir})
	return l.kinds(rep.Kinds, func(k verdict.FileKind) string {
		if found, ok := rep.First(k); ok {
			return found.String()
		}
		return k.String()
	}, &hash)
}

// virus has a file scanned.
func (l *look) virus(r io.ReaderAt, size int64) *porter.Finding {
	if size > l.h.MaxScan {
		return l.tooLarge(size, files.Guess{})
	}
	return l.scanned(ask(l.ctx, &l.deps, r, size))
}

// ask asks the scanner, if there is one.
func ask(ctx context.Context, d *Deps, r io.ReaderAt, size int64) clamd.Result {
	if d.Scanner == nil {
		return clamd.Result{Why: "there is no scanner"}
	}
	return d.Scanner.Scan(ctx, io.NewSectionReader(r, 0, size))
}

// scanned is the finding of what the scanner says.
func (l *look) scanned(res clamd.Result) *porter.Finding {
	switch res.Status {
	case clamd.Clean:
		l.counts.scanned.Add(1)
		return nil
	case clamd.Found:
		l.counts.scanned.Add(1)
		return closed(verdict.ReasonVirus, "virus "+res.Name)
	}
	f := closed(verdict.ReasonUnscanned, "not scanned: "+res.Why)
	if l.h.Viruses == verdict.ScanOpen {
		f.Action = verdict.Allow
	}
	return f
}

// unscanned is what becomes of a file that could not be held back or opened.
func (l *look) unscanned(why string) *porter.Finding {
	why = "not scanned: " + why
	if l.h.Viruses == verdict.ScanClosed {
		return closed(verdict.ReasonUnscanned, why)
	}
	f := l.kinds(files.KindsOf(verdict.FileUnreadable), func(verdict.FileKind) string { return "unreadable, " + why }, nil)
	if f != nil {
		return f
	}
	return noted(verdict.ReasonUnscanned, why)
}

// tooLarge is what becomes of a file that is larger than is looked at.
func (l *look) tooLarge(size int64, guess files.Guess) *porter.Finding {
	says := fmt.Sprintf("%d MB, larger than is looked at", (size+1<<20-1)>>20)
	if f := l.kinds(guess.Kinds, named(guess), nil); f != nil {
		return f
	}
	if guess.Whole && guess.Format != files.Unknown && !guess.Format.Media() {
		if f := l.kinds(files.KindsOf(verdict.FileUnreadable), func(verdict.FileKind) string { return "unreadable: " + says }, nil); f != nil {
			return f
		}
	}
	if l.h.Viruses == verdict.ScanNone {
		return nil
	}
	f := closed(verdict.ReasonUnscanned, "not scanned: "+says)
	f.Action = l.h.TooLarge
	return f
}

func sum(r io.Reader) string {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sized(b []byte) *bytes.Reader { return bytes.NewReader(b) }

// onwards is a body of which the beginning was held back and the rest goes by.
type onwards struct {
	replay
	rest io.Reader
}

func (o *onwards) Read(b []byte) (int, error) {
	n, err := o.replay.Read(b)
	if n > 0 || err == nil || !errors.Is(err, io.EOF) {
		return n, err
	}
	return o.rest.Read(b)
}

// WriteTo is not the replay's, which would leave out the rest.
func (o *onwards) WriteTo(w io.Writer) (int64, error) {
	n, err := o.replay.WriteTo(w)
	if err != nil {
		return n, err
	}
	m, err := io.Copy(w, o.rest)
	return n + m, err
}
