package icap

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// outcomes are what a look inside can come to.
var outcomes = map[string]func(*porter.Answer, *http.Request, *http.Response) *porter.Finding{
	"nothing to look at": func(*porter.Answer, *http.Request, *http.Response) *porter.Finding { return nil },
	"read whole and clean": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		all, _ := io.ReadAll(res.Body)
		res.Body = io.NopCloser(strings.NewReader(string(all)))
		return nil
	},
	"looked at as it comes": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		from := res.Body
		res.Body = io.NopCloser(io.MultiReader(from))
		return nil
	},
	"first bytes looked at, and that is enough": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		var b [1]byte
		n, _ := io.ReadFull(res.Body, b[:])
		res.Body = enough{io.MultiReader(strings.NewReader(string(b[:n])), res.Body)}
		return nil
	},
	"closed by its first bytes": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		return &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonFile, Category: verdict.NoCategory}
	},
	"closed after all of it": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		_, _ = io.ReadAll(res.Body)
		return &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonPhrases, Category: verdict.NoCategory}
	},
	"head changed": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		res.Header.Set("X-Changed", "yes")
		return nil
	},
	"head changed, read whole": func(_ *porter.Answer, _ *http.Request, res *http.Response) *porter.Finding {
		all, _ := io.ReadAll(res.Body)
		res.Body = io.NopCloser(strings.NewReader(string(all)))
		res.Header.Set("X-Changed", "yes")
		return nil
	},
}

// enough is a body of which no more is looked at.
type enough struct{ io.Reader }

func (enough) Close() error  { return nil }
func (enough) Decided() bool { return true }

// TestEveryPreviewBodyAllowAndOutcomeComesOutAsItMust plays a client that
// keeps to the protocol, and checks that the server does too.
func TestEveryPreviewBodyAllowAndOutcomeComesOutAsItMust(t *testing.T) {
	const none = -1
	var now func(*porter.Answer, *http.Request, *http.Response) *porter.Finding
	_, s := open(t, func(c *Config) {
		c.Content = inside{response: func(a *porter.Answer, r *http.Request, res *http.Response) *porter.Finding { return now(a, r, res) }}
	})
	for name, outcome := range outcomes {
		now = outcome
		w := dial(t, s)
		for _, preview := range []int{none, 0, 1, 1024, 65536} {
			for _, size := range []int{none, 0, 1, 1024, 1500, 65536, 70000} {
				for _, allow := range []string{"", "204", "206", "204, 206", "204, trailers"} {
					for _, ieof := range []bool{false, true} {
						x := try{w: w, preview: preview, size: size, allow: allow, ieof: ieof && preview >= 0 && size <= preview}
						if ieof && !x.ieof {
							continue
						}
						if err := x.run(strings.HasPrefix(name, "closed"), strings.HasPrefix(name, "head")); err != nil {
							t.Errorf("%s, preview %d, body %d, allow %q, ieof %v: %v", name, preview, size, allow, x.ieof, err)
							w = dial(t, s)
						}
					}
				}
			}
		}
	}
}

// try is one exchange of the matrix.
type try struct {
	w             *wire
	preview, size int
	allow         string
	ieof          bool
}

func (x *try) run(closed, changed bool) error {
	head := get("http://ok.test/page")
	more := ""
	if x.allow != "" {
		more += "Allow: " + x.allow + "\r\n"
	}
	if x.preview >= 0 {
		more += fmt.Sprintf("Preview: %d\r\n", x.preview)
	}
	text := respmod(head, pageHead, more)
	if x.size < 0 {
		text = strings.Replace(text, "res-body=", "null-body=", 1)
	}
	body := strings.Repeat("x", max(x.size, 0))
	first, rest := body, ""
	if x.preview >= 0 {
		first, rest = body[:min(x.preview, len(body))], body[min(x.preview, len(body)):]
	}
	switch {
	case x.size < 0:
	case x.ieof:
		text += chunk(first) + "0; ieof\r\n\r\n"
	default:
		text += chunk(first) + last
	}
	x.w.send(text)
	r, err := x.w.tryReply()
	continued := false
	if err == nil && r.code == 100 {
		if x.ieof || x.preview < 0 || x.size < 0 {
			return fmt.Errorf("100 Continue where nothing can follow")
		}
		continued = true
		x.w.send(chunk(rest) + last)
		r, err = x.w.tryReply()
	}
	if err != nil {
		return err
	}
	return x.check(r, body, continued, closed, changed)
}

func (x *try) check(r reply, body string, continued, closed, changed bool) error {
	within := x.preview >= 0 && !continued
	both := strings.HasPrefix(x.allow, "204, 206")
	if tag := r.header.Get("ISTag"); len(tag) > 34 || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
		return fmt.Errorf("ISTag %q", tag)
	}
	if r.header.Get("Connection") == "close" {
		return fmt.Errorf("the connection ends")
	}
	got, head := r.body, r.res
	switch r.code {
	case 204:
		if !within && !strings.HasPrefix(x.allow, "204") {
			return fmt.Errorf("204 where it is not allowed")
		}
		got, head = body, pageHead
	case 206:
		if !both && (!within || x.allow != "206") {
			return fmt.Errorf("206 where it is not allowed")
		}
		if r.original != 0 || r.body != "" {
			return fmt.Errorf("206 with %d from %d", len(r.body), r.original)
		}
		got = body
	case 200:
		if r.original >= 0 || r.hasBody && x.size < 0 && !closed {
			return fmt.Errorf("a body that cannot be")
		}
	default:
		return fmt.Errorf("%d %v", r.code, r.header)
	}
	switch {
	case closed && (!strings.HasPrefix(head, "HTTP/1.1 403") || !strings.Contains(got, "Hill School")):
		return fmt.Errorf("it is not closed: %d %q", r.code, head)
	case closed:
		return nil
	case got != body:
		return fmt.Errorf("%d bytes came out of %d", len(got), len(body))
	case changed != strings.Contains(head, "X-Changed: yes\r\n"):
		return fmt.Errorf("the head is %q", head)
	case !changed && head != pageHead:
		return fmt.Errorf("the head is %q", head)
	}
	return nil
}
