package content

import (
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"belisha/internal/gate/content/text"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// films remembers addresses that were seen to begin as a film, a sound or a
// picture does, so that a browser may ask for the rest in parts. It forgets
// what is pushed out, and the whole is fetched then.
type films struct {
	seed maphash.Seed
	seen [8192]atomic.Uint64
}

func newFilms() *films { return &films{seed: maphash.MakeSeed()} }

func (f *films) key(a *porter.Answer) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	h.WriteString(a.Host)
	h.WriteByte(0)
	h.WriteString(a.Path)
	return h.Sum64() | 1
}

func (f *films) add(a *porter.Answer) {
	k := f.key(a)
	f.seen[k%uint64(len(f.seen))].Store(k)
}

func (f *films) has(a *porter.Answer) bool {
	k := f.key(a)
	return f.seen[k%uint64(len(f.seen))].Load() == k
}

var filmEndings = []string{
	".mp4", ".m4v", ".m4s", ".m4a", ".mp3", ".aac", ".ogg", ".oga", ".ogv", ".opus", ".webm", ".mkv", ".mov", ".wav", ".flac", ".ts", ".weba",
}

// parts takes a request for a part back to one for the whole, unless it is
// for a film that was seen to be one, or for its beginning. Halves could pass
// without anybody having seen the whole.
func (p *Pipeline) parts(a *porter.Answer, r *http.Request, h *verdict.Handling) {
	ranges := r.Header["Range"]
	if len(ranges) == 0 {
		delete(r.Header, "If-Range")
		return
	}
	if !h.Files() && h.Viruses == verdict.ScanNone && h.Phrases == 0 {
		return
	}
	if from, ok := single(ranges); ok {
		if p.films.has(a) || from == 0 && player(r) {
			return
		}
	}
	delete(r.Header, "Range")
	delete(r.Header, "If-Range")
}

// player reports a request that seems to be a film player's. Whether it is a
// film that comes is seen then: some players give up where no part comes.
func player(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "video", "audio", "track":
		return true
	}
	return r.Header.Get("X-Playback-Session-Id") != "" || slices.Contains(filmEndings, strings.ToLower(path.Ext(r.URL.Path)))
}

// single is where one range begins; false for several and for the last bytes.
func single(ranges []string) (from int64, ok bool) {
	if len(ranges) != 1 {
		return 0, false
	}
	spec, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(ranges[0])), "bytes=")
	begin, _, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return 0, false
	}
	from, err := strconv.ParseInt(strings.TrimSpace(begin), 10, 64)
	return from, err == nil && from >= 0
}

// part is what becomes of a part of something.
func (l *look) part() *porter.Finding {
	if !l.h.Files() && l.h.Viruses == verdict.ScanNone && l.phrases == 0 {
		return nil
	}
	no := closed(verdict.ReasonUnscanned, "part of a file that was not seen whole")
	if !text.IsMedia(l.typ.Media) || len(l.codings) > 0 {
		return no
	}
	said, _, _ := strings.Cut(strings.TrimPrefix(l.res.Header.Get("Content-Range"), "bytes "), "-")
	from, err := strconv.ParseInt(strings.TrimSpace(said), 10, 64)
	if err != nil || from < 0 {
		return no
	}
	if from > 0 {
		if l.films.has(l.a) {
			return nil
		}
		return no
	}
	first, err := l.first()
	if err != nil && len(first) == 0 {
		return nil
	}
	guess := files.Look(&l.meta, first)
	if guess.Kinds != 0 || guess.Saved || !guess.Format.Media() && printable(first) {
		return no
	}
	if guess.Format.Media() || len(first) >= 512 { // two bytes prove nothing
		l.films.add(l.a)
	}
	return nil
}

// media passes a picture, a film or a font, but for what may be hung on behind.
func (l *look) media(guess files.Guess) *porter.Finding {
	if l.res.StatusCode == http.StatusOK && (guess.Format.Media() || text.IsMedia(l.typ.Media)) {
		l.films.add(l.a)
	}
	if !l.h.Files() || len(l.codings) > 0 {
		return nil
	}
	if n := l.res.ContentLength; n >= 0 && n <= files.TailSize {
		return l.small(guess)
	}
	l.res.Body = &tail{l: l, body: l.res.Body, free: l.res.ContentLength - files.TailSize}
	return nil
}

// small looks at the end of a picture before it goes on.
func (l *look) small(guess files.Guess) *porter.Finding {
	d := l.desk()
	h := l.store.hold(d.raw)
	_, err := h.fill(l.res.Body, files.TailSize, l.res.ContentLength)
	body := l.res.Body
	if errors.Is(err, errFull) {
		l.done(d, h)
		return l.unscanned(err.Error())
	}
	if b, _ := h.whole(); files.Tail(b) || new(files.Hunt).Feed(b) {
		guess.Whole = true
		f := l.inside(d, h, guess, "")
		if f == nil {
			f = l.kinds(files.KindsOf(verdict.FileArchive), hungOn, nil)
		}
		if f != nil && f.Action != verdict.Allow {
			l.done(d, h)
			return f
		}
	}
	l.res.Body = &replay{l: l, d: d, h: h, src: body, err: err}
	return nil
}

func hungOn(k verdict.FileKind) string { return k.String() + ": hung on behind a picture or film" }

// tail keeps the last bytes of a body back until it is known that they are
// not the end of an archive.
type tail struct {
	l    *look
	body io.ReadCloser
	free int64 // bytes that go by without being kept; negative where the length is not known
	hunt files.Hunt
	lent *[]byte
	kept []byte // in what was lent
	at   int    // of kept, what went on
	err  error
}

var tails = sync.Pool{New: func() any { b := make([]byte, files.TailSize+64<<10); return &b }}

func (t *tail) Read(b []byte) (int, error) {
	if t.free > 0 {
		n, err := t.body.Read(b[:min(int64(len(b)), t.free)])
		t.free -= int64(n)
		if t.hunt.Feed(b[:n]) {
			return 0, t.ends()
		}
		return n, err
	}
	for {
		if t.err != nil {
			n := copy(b, t.kept[t.at:])
			t.at += n
			if n > 0 {
				return n, nil
			}
			return 0, t.err
		}
		if extra := len(t.kept) - t.at - files.TailSize; extra >= 16<<10 {
			n := copy(b, t.kept[t.at:t.at+extra])
			t.at += n
			return n, nil
		}
		t.more()
	}
}

// more reads on, and judges the end when it is there.
func (t *tail) more() {
	if t.lent == nil {
		t.lent = tails.Get().(*[]byte)
		t.kept = (*t.lent)[:0]
	}
	if len(t.kept) == cap(t.kept) {
		n := copy(t.kept, t.kept[t.at:])
		t.kept, t.at = t.kept[:n], 0
	}
	n, err := t.body.Read(t.kept[len(t.kept):cap(t.kept)])
	t.kept = t.kept[:len(t.kept)+n]
	if t.hunt.Feed(t.kept[len(t.kept)-n:]) {
		t.err = t.ends()
		return
	}
	if err == nil {
		return
	}
	t.err = err
	if errors.Is(err, io.EOF) && files.Tail(t.kept[t.at:]) {
		t.err = t.ends()
	}
}

// ends cuts the body off: an archive begins or ends here.
func (t *tail) ends() error {
	t.kept, t.at, t.free = nil, 0, 0
	t.err = t.l.cut(closed(verdict.ReasonFile, "file "+hungOn(verdict.FileArchive)))
	return t.err
}

// Close closes the body and gives back what was lent.
func (t *tail) Close() error {
	err := t.body.Close()
	if t.lent != nil {
		tails.Put(t.lent)
		t.lent, t.kept, t.at, t.err = nil, nil, 0, io.ErrClosedPipe
	}
	return err
}

// cut writes down what was found after the first bytes had gone on, and gives
// the error that ends the body.
func (l *look) cut(f *porter.Finding) error {
	found := l.deps.Porter.Found(l.a, l.count(carry(l.a, f)))
	l.deps.Porter.Record(l.ctx, &found)
	return porter.ErrCut
}
