package icap

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// apart reads a body in a goroutine of its own, as a look inside does that
// waits for a while and then goes on without the rest. Closing it waits for
// that goroutine.
type apart struct {
	from  io.ReadCloser
	got   chan []byte
	quit  chan struct{}
	ended chan struct{}
	err   error
	rest  []byte
}

func readApart(from io.ReadCloser) *apart {
	p := &apart{from: from, got: make(chan []byte), quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		defer close(p.got)
		for {
			b := make([]byte, 8<<10)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case p.got <- b[:n]:
				case <-p.quit:
					return
				}
			}
			if err != nil {
				p.err = err
				return
			}
		}
	}()
	return p
}

func (p *apart) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		got, ok := <-p.got
		if !ok {
			return 0, p.err
		}
		p.rest = got
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	if strings.Contains(string(b[:n]), "BAD") {
		return 0, porter.ErrCut
	}
	return n, nil
}

func (p *apart) Close() error {
	close(p.quit)
	err := p.from.Close()
	<-p.ended
	return err
}

func TestABodyThatIsReadApartGoesOnWithoutItsReader(t *testing.T) {
	verdictOf := map[string]*porter.Finding{
		"/page":   nil,
		"/closed": {Action: verdict.Block, Reason: verdict.ReasonUnscanned, Category: verdict.NoCategory},
	}
	_, s := open(t, func(c *Config) {
		c.Content = inside{response: func(_ *porter.Answer, r *http.Request, res *http.Response) *porter.Finding {
			p := readApart(res.Body)
			res.Body = p
			got := <-p.got // all that comes for now
			p.rest = got
			return verdictOf[r.URL.Path]
		}}
	})
	for _, more := range []string{"", "Preview: 5\r\n", "Allow: 204, 206\r\n", "Allow: 204, 206\r\nPreview: 5\r\n"} {
		begin := func(t *testing.T, path string) *wire {
			t.Helper()
			w := dial(t, s)
			w.send(respmod(get("http://ok.test"+path), pageHead, more) + chunk("first"))
			if strings.Contains(more, "Preview") {
				w.send(last)
				if path != "/closed" { // which may be known before more is asked for
					if r := w.reply(); r.code != 100 {
						t.Fatalf("%q: %d", more, r.code)
					}
				}
			}
			return w
		}
		t.Run("what came is there before the rest "+more, func(t *testing.T) {
			w := begin(t, "/page")
			head := make([]byte, 4096)
			var got strings.Builder
			for !strings.Contains(got.String(), "first") {
				n, err := w.r.Read(head)
				if err != nil {
					t.Fatalf("after %q: %v", got.String(), err)
				}
				got.Write(head[:n])
			}
			w.send(chunk("second") + last + reqmod(get("http://ok.test/"), "Allow: 204\r\n"))
			for !strings.Contains(got.String(), "second\r\n0\r\n\r\n") {
				n, err := w.r.Read(head)
				if err != nil {
					t.Fatalf("after %q: %v", got.String(), err)
				}
				got.Write(head[:n])
			}
			if _, after, _ := strings.Cut(got.String(), "second\r\n0\r\n\r\n"); after == "" {
				if r := w.reply(); r.code != 204 {
					t.Errorf("the next one gets %d", r.code)
				}
			}
		})
		t.Run("what is found later ends it at once "+more, func(t *testing.T) {
			w := begin(t, "/page")
			w.send(chunk("BAD"))
			if rest, err := io.ReadAll(w.r); err != nil || strings.HasSuffix(string(rest), "\r\n0\r\n\r\n") || strings.Contains(string(rest), "BAD") {
				t.Errorf("%v %q", err, rest)
			}
		})
		t.Run("a page is shown without waiting for more "+more, func(t *testing.T) {
			w := begin(t, "/closed")
			r := w.reply()
			waits := r.code == 100 || !strings.Contains(more, "Preview")
			if r.code == 100 {
				r = w.reply()
			}
			if r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") || !strings.Contains(r.body, "Hill School") || waits != (r.header.Get("Connection") == "close") {
				t.Errorf("%d %v %q", r.code, r.header, r.res)
			}
			if !waits {
				return
			}
			if _, err := w.r.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("the connection goes on: %v", err)
			}
		})
	}
	until(t, func() bool { return s.Counts().Conns == 0 })
}
