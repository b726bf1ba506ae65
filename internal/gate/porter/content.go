package porter

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"belisha/internal/verdict"
)

// maxDetail bounds what is written down of a finding.
const maxDetail = 300

// ErrCut is what a body's Read returns when something was found after its
// first bytes had gone out. The door ends the connection, so that nobody takes
// what came for the whole; whoever returns it has written the block down.
var ErrCut = errors.New("what follows is closed")

// Finding is what a look inside found. A nil one found nothing to say.
type Finding struct {
	// Action is Block or Warn to close what was found in, Allow to let it
	// through and only write it down.
	Action   verdict.Action
	Reason   verdict.Reason
	Category int16  // number of the snapshot's category, or verdict.NoCategory
	Alert    string // theme that the safeguarding lead must hear of, "" for none
	// Detail says in a few stable words what was found, such as "phrases 140
	// of 60: adult" or "file program setup.exe". It never quotes the page.
	Detail string
	// Asked is the address of a file that somebody followed, where that led to
	// another one.
	Asked string
	// Engine and Words are a search, or what was written to an AI service,
	// where the URL did not show it.
	Engine, Words string
}

// Content looks at what is sent and what comes back, where a door sees inside:
// plain HTTP, inspected TLS, ICAP. It is asked after the names were judged and
// let through. Both methods are called once for a message, from several
// goroutines for different ones, and return only once they have decided as
// far as they can before the first byte goes on.
type Content interface {
	// Request looks at a request. It reads r.Body as far as it must, within
	// its bounds, and puts back what it read. It may change headers so that
	// the answer can be looked at: it takes codings that nobody here can read
	// out of Accept-Encoding, and Range where halves could pass unseen.
	Request(ctx context.Context, a *Answer, r *http.Request) *Finding
	// Response looks at an answer. It may put another body in place of
	// res.Body, which then reads the same bytes, or fails with ErrCut. The
	// caller closes res.Body, whatever is returned.
	Response(ctx context.Context, a *Answer, r *http.Request, res *http.Response) *Finding
}

// Found is the answer with what was found as its verdict. Where nothing was
// found, or it is only to be written down, what was decided by name stays.
func (p *Porter) Found(a *Answer, f *Finding) Answer {
	out := *a
	out.finding = f
	if f == nil || f.Action == verdict.Allow {
		return out
	}
	out.Verdict.Action, out.Verdict.Reason, out.Verdict.Rule, out.Verdict.Until = f.Action, f.Reason, 0, 0
	out.Verdict.Category = f.Category
	if f.Category >= 0 && f.Category < verdict.MaxCategories {
		out.Verdict.Categories.Add(uint8(f.Category))
	}
	return out
}

// Finding is what a look inside found, nil for nothing.
func (a *Answer) Finding() *Finding { return a.finding }

// Handling is how what this person sends and gets is looked at.
func (a *Answer) Handling() verdict.Handling {
	return a.snapshot.Handling(groupBits(a.snapshot.Names(), &a.Who), a.At)
}

// Snapshot is the one that decided.
func (a *Answer) Snapshot() *verdict.Snapshot { return a.snapshot }

// Ask is the question as the judge saw it.
func (p *Porter) Ask(a *Answer) verdict.Ask { return p.ask(a.snapshot, &a.Who, &a.Question, a.At) }

func bounded(s string) string {
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "")
	}
	return s
}
