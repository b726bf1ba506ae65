// Package porter is what every door of the gate does with a visitor: find out
// who it is, ask the judge, and write down what was decided. The proxy, the
// tunnel and DNS differ only in what they see.
package porter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
	"belisha/internal/verdict"
)

// Searcher finds search words in a URL. Kind "suggest" is not a search yet.
type Searcher interface {
	Words(host, path, rawQuery string) (engine, words, kind string, ok bool)
}

// Deps are what a porter needs. Search may be nil.
type Deps struct {
	Clock    clock.Clock
	Table    *subject.Table
	Spool    *spool.Writer
	Search   Searcher
	Log      *slog.Logger
	Settings *Settings
	Snapshot *verdict.Snapshot
}

// Porter is safe for several goroutines; the doors share one.
type Porter struct {
	clock    clock.Clock
	table    *subject.Table
	spool    *spool.Writer
	search   Searcher
	log      *slog.Logger
	changing sync.Mutex // one change of these two at a time
	snapshot atomic.Pointer[verdict.Snapshot]
	settings atomic.Pointer[live]
	latest   *latest
	seen     *seen
	reminded *reminded
	bypasses bypasses
	high     atomic.Int64 // the latest time that was ever seen, unix ns
	count    counters
}

// live are the settings with what is computed from them.
type live struct {
	Settings          // with what the rules say besides
	base     Settings // as they were given
	zone     *time.Location
	themes   []theme
}

type counters struct {
	allowed, blocked, support, tried, unrecorded atomic.Uint64
}

// Counts is what the porter decided since the start.
type Counts struct {
	Allowed    uint64 `json:"allowed"`
	Blocked    uint64 `json:"blocked"`
	Support    uint64 `json:"support"`
	Tried      uint64 `json:"tried"`      // let through, since a group is only being tried out
	Unrecorded uint64 `json:"unrecorded"` // the spool had no room or was late
}

// New returns a porter.
func New(d Deps) (*Porter, error) {
	p := &Porter{clock: d.Clock, table: d.Table, spool: d.Spool, search: d.Search, log: d.Log, latest: newLatest(), seen: newSeen(), reminded: newReminded()}
	p.snapshot.Store(d.Snapshot)
	if err := p.Configure(d.Settings); err != nil {
		return nil, err
	}
	return p, nil
}

// Configure takes new settings, or keeps the old ones and says why.
func (p *Porter) Configure(s *Settings) error {
	zone, err := s.Location()
	if err != nil {
		return err
	}
	if len(s.PAC) > maxPAC {
		return fmt.Errorf("the file by which browsers find the proxy has %d characters and at most %d fit", len(s.PAC), maxPAC)
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	p.settings.Store(&live{Settings: s.under(p.snapshot.Load()), base: *s, zone: zone, themes: compileThemes(s.Themes)})
	return nil
}

// Settings are the ones in force.
func (p *Porter) Settings() *Settings { return &p.settings.Load().Settings }

// Use swaps the snapshot. Questions that are being answered end on the old one.
func (p *Porter) Use(s *verdict.Snapshot) {
	p.changing.Lock()
	defer p.changing.Unlock()
	now := *p.settings.Load()
	now.Settings = now.base.under(s)
	p.snapshot.Store(s)
	p.settings.Store(&now)
}

// Snapshot is the one in force.
func (p *Porter) Snapshot() *verdict.Snapshot { return p.snapshot.Load() }

// Now is the time.
func (p *Porter) Now() time.Time { return p.clock.Now() }

// Counts returns the counters.
func (p *Porter) Counts() Counts {
	return Counts{
		Allowed: p.count.allowed.Load(), Blocked: p.count.blocked.Load(),
		Support: p.count.support.Load(), Tried: p.count.tried.Load(), Unrecorded: p.count.unrecorded.Load(),
	}
}

// Who finds who is behind an address. Basic, where not nil, is who has proved
// it by this very request; one without a subject is somebody whom nobody here
// knows, whoever else is behind the address.
func (p *Porter) Who(address netip.Addr, basic *subject.Row) subject.Found {
	now, high := p.times()
	found := p.table.Find(address, high)
	if basic == nil {
		found.Paused = found.Paused || high.After(now) && now.Before(found.PausedUntil)
		return found
	}
	device, place, site, ca := found.Device, found.Place, found.Site, found.CA
	shared := found.Shared
	found = subject.Found{
		Row: *basic, CA: ca, Shared: shared, Proved: true, Signed: basic.Subject != "", Held: basic.Held(), Paused: now.Before(basic.PausedUntil),
	}
	found.Address = address.Unmap().WithZone("")
	if found.Device == "" {
		found.Device = device
	}
	if found.Place == "" {
		found.Place = place
	}
	if found.Site == "" {
		found.Site = site
	}
	return found
}

// ErrInside says that a public name leads nowhere but to addresses of the
// school's own network, which it may not.
var ErrInside = errors.New("the name leads to addresses that may not be reached through the filter")

// Question is what a door saw.
type Question struct {
	Door        verdict.Door
	Host        string // canonical
	Path        string // path and query, where seen
	Port        uint16
	PrivateOpen bool
}

// Answer is what was decided, and everything needed to explain and record it.
type Answer struct {
	Question
	Who      subject.Found
	At       time.Time
	Verdict  verdict.Verdict
	snapshot *verdict.Snapshot
	minute   uint16 // of the site's week
	finding  *Finding
	event    spool.Event
}

const (
	weekMinutes = 7 * 24 * 60
	weekLong    = weekMinutes * time.Minute
)

// Holds is how long an answer holds by the clock of the week: until the next
// minute at which a rule may begin or end.
func (a *Answer) Holds() time.Duration {
	edges := a.snapshot.Edges()
	if len(edges) < 2 {
		return weekLong // Monday 00:00 alone, which begins nothing
	}
	next, _ := slices.BinarySearch(edges, a.minute+1)
	left := time.Duration(weekMinutes-int(a.minute)+int(edges[0])) * time.Minute
	if next < len(edges) {
		left = time.Duration(edges[next]-a.minute) * time.Minute
	}
	return left - time.Duration(a.At.Second())*time.Second
}

// Allowed reports whether the request may go on. A warning is for pages that
// can be shown; every other door must treat it as a block.
func (a *Answer) Allowed() bool { return a.Verdict.Action == verdict.Allow }

// Names are the words of the rules that decided.
func (a *Answer) Names() *verdict.Names { return a.snapshot.Names() }

// Judge answers a question for somebody.
func (p *Porter) Judge(who *subject.Found, q Question) Answer {
	s := p.snapshot.Load()
	now, high := p.times()
	p.seen.saw(who, q.Door, now)
	ask := p.ask(s, who, &q, now)
	minute := ask.Minute
	v := s.Decide(&ask)
	if high.After(now) && v.Action != verdict.Block {
		// A clock that was put back opens nothing: what ended stays ended.
		ask = p.ask(s, who, &q, high)
		if later := s.Decide(&ask); later.Action != verdict.Allow {
			v = later
		}
	}
	return Answer{Question: q, Who: *who, At: now, Verdict: v, snapshot: s, minute: minute}
}

// Stale reports that an answer may not hold any more: the rules are others, or
// the unblock it rests on has ended.
func (p *Porter) Stale(a *Answer) bool {
	return p.snapshot.Load() != a.snapshot || a.Verdict.Until != 0 && p.High().UnixMilli() >= a.Verdict.Until
}

func (p *Porter) ask(s *verdict.Snapshot, who *subject.Found, q *Question, now time.Time) verdict.Ask {
	names := s.Names()
	local := now.In(p.settings.Load().zone)
	day := (int(local.Weekday()) + 6) % 7
	return verdict.Ask{
		Door: q.Door, Host: q.Host, Path: q.Path, Port: q.Port, PrivateOpen: q.PrivateOpen,
		Groups: groupBits(names, who), KeyStage: names.KeyStage(who.KeyStage), Place: names.Place(who.Place),
		At: now, Minute: uint16(day*24*60 + local.Hour()*60 + local.Minute()),
		Classes:  names.ClassNumbers(who.Classes),
		Together: names.ClassNumbers(who.Together), Among: names.ClassNumbers(who.Among), Attended: who.Attended,
		Unsigned: !who.Signed, Paused: who.Paused, Held: who.Held,
	}
}

// groupBits are the groups whose rules hold together. Several people at one
// address are as strict as everybody is, and as each of them.
func groupBits(names *verdict.Names, who *subject.Found) uint64 {
	bits := names.GroupBits(who.Groups)
	switch {
	case !who.Several || len(who.Groups) == 0:
		return bits
	case bits == 0: // one of their groups is not known to these rules
		return names.Whole()
	}
	return bits | names.Everyone()
}

// Refuse makes a block that needs no judge: what was asked is malformed, or
// not what the door is for.
func (p *Porter) Refuse(who *subject.Found, q Question, reason verdict.Reason) Answer {
	return Answer{
		Question: q, Who: *who, At: p.clock.Now(), snapshot: p.snapshot.Load(),
		Verdict: verdict.Verdict{Action: verdict.Block, Reason: reason, Category: verdict.NoCategory},
	}
}

// SafeTarget is the name that host must be answered and dialled as for this
// person, where its search is to be made safe.
func (a *Answer) SafeTarget() (string, bool) { return a.SafeTargetOf(a.Host) }

// SafeTargetOf is SafeTarget for another name of the same connection.
func (a *Answer) SafeTargetOf(host string) (string, bool) {
	return a.snapshot.SafeTarget(groupBits(a.snapshot.Names(), &a.Who), host, a.At)
}

// Record writes the decision down. A block is in the file when it returns,
// unless the disk is too slow, which is counted.
func (p *Porter) Record(ctx context.Context, a *Answer) {
	p.record(a, func(e spool.Event) error { return p.spool.Put(context.WithoutCancel(ctx), e) })
}

// Note is Record for a door that shows no page: a block is in the file a
// moment after it returns.
func (p *Porter) Note(a *Answer) { p.record(a, p.spool.Queue) }

func (p *Porter) record(a *Answer, put func(spool.Event) error) {
	a.event = p.event(a)
	if a.Door != verdict.DoorDNS { // devices ask for names while nobody is there
		a.Who.Used(a.At)
	}
	if a.event.Action == spool.ActionBlock || a.event.Alert != "" {
		if a.event.Action == spool.ActionBlock {
			p.count.blocked.Add(1)
			p.latest.add(a)
		} else {
			p.count.allowed.Add(1)
		}
		if err := put(a.event); err != nil {
			p.count.unrecorded.Add(1)
		}
		return
	}
	switch {
	case a.event.Action == spool.ActionSupport:
		p.count.support.Add(1)
	case a.Verdict.TryOut:
		p.count.tried.Add(1)
	default:
		p.count.allowed.Add(1)
	}
	if !p.spool.Add(a.event) {
		p.count.unrecorded.Add(1)
	}
}

// Written takes up an answer that another one to the same question was written
// down for, so that its bytes are counted there.
func (p *Porter) Written(a *Answer) { a.event = p.event(a) }

// Passed counts the bytes of what was recorded when it began.
func (p *Porter) Passed(a *Answer, n uint64) {
	if a.event.Action != spool.ActionSupport {
		p.spool.AddBytes(&a.event, n)
	}
}
