package verdict

import (
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"time"

	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/segment"
)

// Decide answers a. It takes no lock and, unless pages or expressions are
// listed for the host, no memory.
func (s *Snapshot) Decide(a *Ask) (v Verdict) {
	s.decide(a, &v, nil)
	runtime.KeepAlive(s) // the tables are outside the collector's sight
	return v
}

// Support reports whether host is on the help floor.
func (s *Snapshot) Support(host string) bool {
	return s.Decide(&Ask{Host: host}).Support
}

func answer(act Action, why Reason) Verdict {
	return Verdict{Action: act, Reason: why, Category: NoCategory}
}

func (s *Snapshot) decide(a *Ask, v *Verdict, tr *trace) {
	var f facts
	v.Category = NoCategory
	if !s.look(a, &f, tr) {
		v.Reason = ReasonMalformed
		return
	}
	v.Categories = f.cats
	if f.placed {
		s.decidePlaced(a, &f, v, tr)
	} else if !s.settled(a, &f, nil, v) {
		s.forGroups(a, &f, nil, v, tr)
	}
	if f.inside.Host != "" && v.Action != Block && !v.Support && !v.TryOut {
		s.decideInside(a, &f, v)
	}
}

// decideInside judges the page that is shown inside another as if it were
// asked for itself, by what the school has decided about it too. What is
// stricter holds.
func (s *Snapshot) decideInside(a *Ask, f *facts, v *Verdict) {
	page := *a
	page.Host, page.Path = f.inside.Host, f.inside.Path
	page.inside++
	var in Verdict
	s.decide(&page, &in, nil)
	if in.Reason == ReasonMalformed || strictness(in.Action) <= strictness(v.Action) {
		return
	}
	in.Categories = v.Categories.Union(in.Categories)
	*v = in
}

// settled is fixed, but for what a subject all of whose groups are being
// tried out is let through. The judging then goes on, so that the verdict
// names the group.
func (s *Snapshot) settled(a *Ask, f *facts, h *hits, v *Verdict) bool {
	if !s.fixed(a, f, h, v) {
		return false
	}
	if s.tryOuts == 0 || v.Licensed != 0 || !v.Reason.tried() || s.groupsOf(a)&^s.trying(a.At) != 0 {
		return true
	}
	v.try()
	v.Group = uint8(bits.TrailingZeros64(s.groupsOf(a)))
	return true
}

// trying are the groups that are being tried out at a moment.
func (s *Snapshot) trying(at time.Time) uint64 {
	now := uint64(0)
	for rest := s.tryOuts; rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(rest); at.UnixMilli() < s.groups[i].tryUntil {
			now |= 1 << i
		}
	}
	return now
}

// tried reports a reason that does not count while a group is being tried
// out: another filter is in front. What protects the network and the filter
// itself counts, and so do a pause and a focus, which somebody pressed.
func (r Reason) tried() bool {
	switch r {
	case ReasonPrivate, ReasonMalformed, ReasonPort, ReasonNoSnapshot, ReasonPaused, ReasonFocus:
		return false
	}
	return true
}

// try lets through and keeps what would have been.
func (v *Verdict) try() {
	if v.Action != Allow {
		v.TryOut, v.Tried, v.Action = true, v.Action, Allow
	}
}

// groupsOf are the groups whose rules hold for the subject.
func (s *Snapshot) groupsOf(a *Ask) uint64 {
	if a.Groups == 0 || a.Groups&^s.known != 0 {
		return s.strict
	}
	return a.Groups
}

func (s *Snapshot) decidePlaced(a *Ask, f *facts, v *Verdict, tr *trace) {
	var h hits
	s.hits(a, f, &h)
	if !s.settled(a, f, &h, v) {
		s.forGroups(a, f, &h, v, tr)
	}
}

// hit is one target that fits the ask's host and path. n is the length of
// the host or range it is filed under: the longer the closer.
type hit struct {
	*target
	n int
}

// hits lists the fitting targets, closest host first, and among those of one
// host the longest path first.
type hits struct {
	room  [12]hit
	n     int
	kinds uint32 // bit n: there is a target of kind n
	more  []hit  // all of them, if there are more than fit
}

func (h *hits) list() []hit {
	if h.more != nil {
		return h.more
	}
	return h.room[:h.n]
}

func (h *hits) put(x hit) {
	h.kinds |= 1 << x.kind
	if h.more == nil && h.n < len(h.room) {
		h.room[h.n] = x
		h.n++
		return
	}
	if h.more == nil {
		h.more = slices.Clone(h.room[:])
	}
	h.more = append(h.more, x)
}

func (h *hits) has(kind targetKind) bool { return h != nil && h.kinds>>kind&1 == 1 }

// hits fills h. It is only asked when the rules may name the host.
func (s *Snapshot) hits(a *Ask, f *facts, h *hits) {
	if f.address.IsValid() {
		for i := range s.places.ranges {
			r := &s.places.ranges[i]
			if r.prefix.Contains(f.address) {
				h.add(r.list, r.prefix.Bits(), true, f)
			}
		}
	} else {
		s.hostHits(a.Host, f, h)
	}
	if list := h.list(); len(list) > 1 {
		slices.SortStableFunc(list, func(x, y hit) int {
			if x.n != y.n {
				return y.n - x.n
			}
			return len(y.path) - len(x.path)
		})
	}
}

func (s *Snapshot) hostHits(host string, f *facts, h *hits) {
	var b segment.Batch
	for ok := b.Begin(host); ok; ok = b.More() && b.Next(host) {
		for i := range b.N {
			if n := int(b.Len[i]); s.places.maybe(b.Keys[i]) {
				h.add(s.places.list(b.Keys[i], host[len(host)-n:]), n, n == len(host), f)
			}
		}
	}
}

func (h *hits) add(list []target, n int, whole bool, f *facts) {
	for i := range list {
		t := &list[i]
		if t.exact && !whole {
			continue
		}
		if t.path == "" || under(f.path, t.path) || under(f.again, t.path) {
			h.put(hit{t, n})
		}
	}
}

// under reports whether path is the page or below it.
func under(path, page string) bool {
	return strings.HasPrefix(path, page) && (len(path) == len(page) || canon.Boundary(path[len(page)]))
}

// fixed sees to what does not depend on the subject's groups.
func (s *Snapshot) fixed(a *Ask, f *facts, h *hits, v *Verdict) bool {
	switch {
	case h.has(targetHelp):
		*v = answer(Allow, ReasonHelp)
		v.Support = true
	case h.has(targetOurs):
		v.Action, v.Reason = Allow, ReasonOurs
	case f.licence != 0:
		l := &s.licensed[f.licence-1]
		v.Reason, v.Category, v.Licensed = ReasonLocked, int16(l.category), f.licence
	case f.private || h.has(targetPrivate) && !a.PrivateOpen:
		v.Reason = ReasonPrivate
	case s.mode != modeRules:
		s.withoutRules(h, v)
	case h.has(targetLocked):
		v.Reason = ReasonLocked
	case !f.cats.And(s.locked).Empty():
		v.Reason = ReasonLocked
		v.Category = s.foremost(f.cats.And(s.locked))
	case a.Door == DoorTunnel && !a.PrivateOpen && len(s.ports) > 0 && !slices.Contains(s.ports, a.Port):
		v.Reason = ReasonPort
	case a.Paused:
		v.Reason = ReasonPaused
	case s.classPaused(a) >= 0:
		v.Reason, v.Rule = ReasonPaused, s.focusRule(s.classPaused(a))
	case a.Unsigned && s.unsigned && !h.has(targetEssential):
		v.Reason = ReasonUnsigned
	case a.Held && !h.has(targetEssential):
		v.Reason = ReasonAgreement
	case h.has(targetEssential):
		return false
	case s.alone(a):
		v.Reason, v.Rule = ReasonUnsupervised, s.supervision.rule
	case s.unfocused(a, h) >= 0:
		v.Reason, v.Rule = ReasonFocus, s.focusRule(s.unfocused(a, h))
	default:
		return false
	}
	return true
}

func (s *Snapshot) withoutRules(h *hits, v *Verdict) {
	v.Reason = ReasonNoSnapshot
	switch {
	case h.has(targetEssential):
		v.Action, v.Reason = Allow, ReasonEssential
	case s.mode == modeOpen:
		v.Action = Allow
	}
}

// foremost picks the category to name: one that alerts, else the first.
func (s *Snapshot) foremost(set CategorySet) int16 {
	if x := set.And(s.alerting); !x.Empty() {
		set = x
	}
	return set.first()
}

// forGroups asks every group of the subject and keeps the strictest answer.
func (s *Snapshot) forGroups(a *Ask, f *facts, h *hits, v *Verdict, tr *trace) {
	groups := s.groupsOf(a)
	if tr == nil && groups&(groups-1) == 0 { // the usual case, without copies
		v.Group = uint8(bits.TrailingZeros64(groups))
		s.forGroup(a, f, h, v)
		return
	}
	base := *v
	for n := 0; groups != 0; n, groups = n+1, groups&(groups-1) {
		x := base
		x.Group = uint8(bits.TrailingZeros64(groups))
		s.forGroup(a, f, h, &x)
		if tr != nil {
			tr.group(x)
		}
		if n == 0 || strictness(x.Action) > strictness(v.Action) || x.Action == v.Action && x.TryOut && !v.TryOut {
			*v = x
		}
	}
}

func (s *Snapshot) forGroup(a *Ask, f *facts, h *hits, v *Verdict) {
	s.judge(a, f, h, v)
	if until := s.groups[v.Group].tryUntil; until != 0 && a.At.UnixMilli() < until {
		v.try()
	}
}

func (s *Snapshot) judge(a *Ask, f *facts, h *hits, v *Verdict) {
	if h != nil && (s.byOwn(a, h, v) || s.byUnblock(a, h, v)) {
		return
	}
	if f.address.IsValid() && !a.PrivateOpen && !s.groups[v.Group].addressesOpen {
		v.Reason = ReasonAddress
		return
	}
	s.byCategory(a, f, v)
}

// byOwn finds the deciding own entry: hits are sorted, so the first that
// holds decides with those of the same host and path.
func (s *Snapshot) byOwn(a *Ask, h *hits, v *Verdict) bool {
	if !h.has(targetOwn) {
		return false
	}
	at := a.At.UnixMilli()
	var best *hit
	list := h.list()
	for i := range list {
		t := &list[i]
		if t.kind != targetOwn {
			continue
		}
		if best != nil && (t.n != best.n || len(t.path) != len(best.path)) {
			break
		}
		o := &s.own[t.index]
		if !o.span.covers(at) || !o.who.holds(v.Group, a, o.act != Allow) || !o.when.holds(a) {
			continue
		}
		if best == nil || strictness(o.act) > strictness(s.own[best.index].act) {
			best = t
		}
	}
	if best == nil {
		return false
	}
	v.Action, v.Reason = s.own[best.index].act, ReasonOwnBlock
	if v.Action == Allow {
		v.Reason = ReasonOwnAllow
	}
	v.Rule = uint32(len(s.lines)) + uint32(best.index) + 1
	return true
}

func (s *Snapshot) byUnblock(a *Ask, h *hits, v *Verdict) bool {
	if !h.has(targetUnblock) || !v.Categories.And(s.keeps).Empty() {
		return false
	}
	at, found := a.At.UnixMilli(), false
	list := h.list()
	for i := range list {
		t := &list[i]
		if t.kind != targetUnblock {
			continue
		}
		u := &s.unblocks[t.index]
		if !u.span.covers(at) || !u.who.holds(v.Group, a, false) || found && u.span.Until <= v.Until {
			continue
		}
		found = true
		v.Action, v.Reason, v.Until = Allow, ReasonUnblock, u.span.Until
		v.Rule = s.unblockRule(t.index)
	}
	return found
}

func (s *Snapshot) unblockRule(i int32) uint32 {
	return uint32(len(s.lines)+len(s.own)) + uint32(i) + 1
}
