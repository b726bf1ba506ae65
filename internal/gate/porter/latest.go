package porter

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const maxLatest = 10_000

// Block is the latest block at an address, for the page that explains it.
type Block struct {
	At       time.Time `json:"at"`
	Host     string    `json:"host"`
	Door     string    `json:"door"`
	Reason   string    `json:"reason"`
	Category string    `json:"category,omitempty"` // slug
	Title    string    `json:"title,omitempty"`    // of the category
	Pupil    string    `json:"pupil,omitempty"`    // its sentence for a pupil
	Teacher  string    `json:"teacher,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Clause   string    `json:"clause,omitempty"`
	Group    string    `json:"group,omitempty"`
	Alert    bool      `json:"alert,omitempty"` // never name the category on a pupil's page
	// Found is what was found inside, for staff alone: what weighed how much.
	Found string `json:"found,omitempty"`
	// Class: a teacher set it for the class, with these Sites, until then.
	Class bool      `json:"class,omitempty"`
	Sites []string  `json:"sites,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Several people are signed in at the address: the strictest rules hold.
	Several bool `json:"several,omitempty"`
	// Subject is who it was for, so that the page does not show it to the
	// next person at the same address.
	Subject string `json:"subject,omitempty"`
}

// latest remembers one block an address, for a bounded number of addresses.
type latest struct {
	mu    sync.Mutex
	order *list.List // of *entry, newest first
	by    map[latestKey]*list.Element
}

// latestKey is an address, and of those who prove with each request who they
// are, who: several of them may share an address.
type latestKey struct {
	address netip.Addr
	proved  string
}

func keyOf(a *Answer) latestKey {
	k := latestKey{address: a.Who.Address}
	if a.Who.Proved {
		k.proved = a.Who.Subject
	}
	return k
}

type entry struct {
	key   latestKey
	block Block
}

func newLatest() *latest {
	return &latest{order: list.New(), by: make(map[latestKey]*list.Element)}
}

func (l *latest) add(a *Answer) {
	b, key := a.block(), keyOf(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.by[key]; at != nil {
		at.Value.(*entry).block = b
		l.order.MoveToFront(at)
		return
	}
	l.by[key] = l.order.PushFront(&entry{key, b})
	if l.order.Len() > maxLatest {
		last := l.order.Back()
		l.order.Remove(last)
		delete(l.by, last.Value.(*entry).key)
	}
}

// latestFor is how long a block is told of: later somebody else may hold the
// device.
const latestFor = time.Hour

// Latest returns the latest block at an address, to whoever it was for: what
// one person was refused is not for the next one at the same device, nor what
// somebody was refused before the next one signed in.
func (p *Porter) Latest(address netip.Addr) (Block, bool) {
	now := p.clock.Now()
	who := p.table.Find(address, now).Subject
	b, ok := p.latest.at(latestKey{address: address.Unmap().WithZone("")})
	if ok && now.Sub(b.At) <= latestFor && b.Subject == who {
		return b, true
	}
	if who == "" {
		return Block{}, false
	}
	return p.LatestOf(address, who)
}

// LatestOf returns the latest block of somebody at an address who proves with
// each request who they are.
func (p *Porter) LatestOf(address netip.Addr, who string) (Block, bool) {
	if who == "" {
		return p.Latest(address)
	}
	b, ok := p.latest.at(latestKey{address.Unmap().WithZone(""), who})
	if !ok || p.clock.Now().Sub(b.At) > latestFor {
		return Block{}, false
	}
	return b, true
}

func (l *latest) at(key latestKey) (Block, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.by[key]
	if at == nil {
		return Block{}, false
	}
	return at.Value.(*entry).block, true
}

// Explain puts an answer in the words that pages need.
func (a *Answer) Explain() Block { return a.block() }

func (a *Answer) block() Block {
	names := a.Names()
	b := Block{
		At: a.At, Host: a.shownHost(), Door: doorName(a.Door), Reason: reasonName(a.Verdict.Reason),
		Group: names.GroupSlug(a.Verdict.Group), Subject: a.Who.Subject, Several: a.Who.Several,
		Alert: alert(a, names, nil, "") != "",
	}
	if c, ok := names.Category(a.Verdict.Category); ok {
		b.Category, b.Title, b.Pupil, b.Teacher = c.Slug, c.Title, c.Pupil, c.Teacher
	}
	if r, ok := names.Rule(a.Verdict.Rule); ok {
		b.Rule, b.Clause = r.ID, r.Clause
		if r.Kind == "focus" {
			b.Class, b.Sites, b.Until = true, r.Hosts, time.UnixMilli(r.Until)
		}
	}
	if a.finding != nil {
		b.Found = bounded(a.finding.Detail)
	}
	return b
}
