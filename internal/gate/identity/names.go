// Package identity finds out who is behind a request from what comes with it:
// a Kerberos ticket (RFC 4559), or the word of a proxy that the school has
// listed. What a client says of itself without proof is nobody's word. Who a
// name means the parent process says; what is remembered of it here is bounded,
// and forgotten when people leave.
package identity

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

// How somebody became known, as the parent is told.
const (
	ByKerberos   = "kerberos"
	ByPeer       = "peer"
	ByAccounting = "accounting"
)

// Asker knows who a name of the school's network means. Its rows end when a
// sign-in would.
type Asker interface {
	ByName(ctx context.Context, in control.NameRequest) (subject.Row, bool, error)
}

const (
	believeFor = 10 * time.Minute // a name that means somebody
	doubtFor   = time.Minute      // one that does not
	maxNames   = 10_000
	askFor     = 5 * time.Second
	askAgain   = 3 // while people leave at the same time
)

// Names remembers who names mean. It is safe for several goroutines.
type Names struct {
	ask Asker
	now func() time.Time

	mu    sync.Mutex
	known map[control.NameRequest]named
	told  uint64 // how often it was told what has become of people
}

type named struct {
	row   *subject.Row // nil: nobody is known by that name
	until time.Time    // after which it is asked anew
}

// NewNames returns a memory of names.
func NewNames(ask Asker, now func() time.Time) *Names {
	return &Names{ask: ask, now: now, known: make(map[control.NameRequest]named)}
}

// Find says who a name means, nil for nobody. While the parent is away, who was
// known stays known until their row ends; of anybody else there is an error.
func (n *Names) Find(ctx context.Context, in control.NameRequest) (*subject.Row, error) {
	in.Name, in.Realm = strings.ToLower(in.Name), strings.ToLower(in.Realm)
	now := n.now()
	n.mu.Lock()
	have, known := n.known[in]
	n.mu.Unlock()
	if have.row != nil && !now.Before(have.row.Ends) {
		known = false
	}
	if known && now.Before(have.until) {
		return have.row, nil
	}
	row, err := n.fresh(ctx, in)
	if err != nil && known && have.row != nil {
		return n.kept(in)
	}
	return row, err
}

// kept is what is remembered just now: somebody may have left since it was
// looked at.
func (n *Names) kept(in control.NameRequest) (*subject.Row, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[in].row, nil
}

// fresh asks the parent, and again if somebody has left while it answered: the
// answer may have been about them.
func (n *Names) fresh(ctx context.Context, in control.NameRequest) (*subject.Row, error) {
	ctx, stop := context.WithTimeout(ctx, askFor)
	defer stop()
	for try := 1; ; try++ {
		n.mu.Lock()
		told := n.told
		n.mu.Unlock()
		row, ok, err := n.ask.ByName(ctx, in)
		if err != nil {
			return nil, err
		}
		found := n.keep(in, row, ok, told, try == askAgain)
		if found != nil {
			return found.row, nil
		}
	}
}

// keep remembers an answer, or reports with nil that it may be about somebody
// who has left meanwhile. The last of them is nobody.
func (n *Names) keep(in control.NameRequest, row subject.Row, ok bool, told uint64, last bool) *named {
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told != told {
		if !last {
			return nil
		}
		ok = false
	}
	out := named{until: now.Add(doubtFor)}
	if ok && now.Before(row.Ends) {
		if in.How != ByKerberos {
			row.Certainty = min(row.Certainty, spool.Likely)
		}
		out = named{row: &row, until: now.Add(believeFor)}
	}
	if _, had := n.known[in]; !had && len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[in] = out
	return &out
}

// Told takes what has become of people: who is gone is meant by no remembered
// name any more, and who is known has the row of now. All is everybody but the
// known.
func (n *Names) Told(gone []string, all bool, known []subject.Row) {
	if !all && len(gone)+len(known) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told++
	for in, have := range n.known {
		if have.row == nil {
			continue
		}
		i := slices.IndexFunc(known, func(r subject.Row) bool { return r.ID == have.row.ID })
		switch {
		case i >= 0:
			row := known[i]
			row.Certainty = min(row.Certainty, have.row.Certainty)
			n.known[in] = named{row: &row, until: have.until}
		case all || slices.Contains(gone, have.row.ID):
			delete(n.known, in)
		}
	}
}

// Known calls do with everybody who is remembered.
func (n *Names) Known(do func(*subject.Row)) {
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, have := range n.known {
		if have.row != nil && now.Before(have.row.Ends) {
			do(have.row)
		}
	}
}

// ByName finds who a name means that a listed proxy says somebody signed in
// under: likely, since it is the proxy's word. A name that nobody has, and any
// name while nobody can be asked, means nobody.
func (n *Names) ByName(ctx context.Context, name string, _ netip.Addr) (*subject.Row, bool) {
	row, err := n.Find(ctx, control.NameRequest{Name: name, How: ByPeer})
	return row, err == nil && row != nil
}

// Nobody is the row of somebody who gave a name, or a proof of one, that means
// nobody here: whoever else is behind the address, it is not them.
func Nobody(now time.Time) *subject.Row {
	return &subject.Row{ID: "nobody", Certainty: spool.Unknown, Ends: now.Add(believeFor)}
}
