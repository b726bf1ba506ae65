package icap

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// TestAClientThatWaitsForTheBeginningGetsIt plays Squid where it has stopped
// reading: 65,535 bytes come, and no more until something comes back.
func TestAClientThatWaitsForTheBeginningGetsIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		closed bool
	}{{"clean", false}, {"something is found", true}} {
		t.Run(c.name, func(t *testing.T) {
			_, s := open(t, func(cfg *Config) {
				cfg.Content = inside{response: func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
					all, _ := io.ReadAll(res.Body)
					res.Body = io.NopCloser(strings.NewReader(string(all)))
					if c.closed {
						return &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonVirus, Category: verdict.NoCategory}
					}
					return nil
				}}
			})
			body := strings.Repeat("0123456789abcdef", 8192)
			w := dial(t, s)
			w.send(respmod(get("http://ok.test/"), pageHead, "Preview: 0\r\n") + last)
			if r := w.reply(); r.code != 100 {
				t.Fatal(r.code)
			}
			w.send(chunk(body[:65_535]))
			var early strings.Builder
			for !strings.HasSuffix(early.String(), "1\r\n0\r\n") { // a chunk of one byte, which is "0"
				b, err := w.r.ReadByte()
				if err != nil {
					t.Fatal(err)
				}
				early.WriteByte(b)
			}
			w.send(chunk(body[65_535:]) + last)
			var rest strings.Builder
			err := w.chunks(&reply{}, &rest)
			if c.closed {
				if err == nil || rest.Len() > 16 || s.Counts().Blocked != 1 {
					t.Errorf("%d bytes more came, %v, %+v", rest.Len(), err, s.Counts())
				}
				return
			}
			if got := "0" + rest.String(); err != nil || got != body || !strings.Contains(early.String(), pageHead) {
				t.Errorf("%d bytes came, %v", len(got), err)
			}
		})
	}
}

func TestAnOriginThatIsSlowLosesNoPage(t *testing.T) {
	reading := make(chan struct{})
	_, s := open(t, func(cfg *Config) {
		cfg.Content = inside{response: func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
			close(reading)
			_, _ = io.ReadAll(res.Body)
			return &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonPhrases, Category: verdict.NoCategory}
		}}
	})
	w := dial(t, s)
	w.send(respmod(get("http://ok.test/"), pageHead, "") + chunk("a slow page"))
	<-reading
	if b, err := waitByte(w, 2*stallFor); err == nil {
		t.Fatalf("%q was given out early", b)
	}
	w.send(chunk(" and its end") + last)
	if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
		t.Errorf("%d %s", r.code, r.res)
	}
}
