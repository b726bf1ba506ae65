package agreements

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// lens is how signatures are looked at on one day: the editions, the
// decisions and the settings of that day.
type lens struct {
	k          *known
	v          *setting.Values
	rule       string
	audiences  []string
	parents    bool // a pupil waits for the parents' agreement too
	graceDays  int
	readWithin int
	today      people.Day
}

func newLens(k *known, v *setting.Values, today people.Day) lens {
	return lens{
		k: k, v: v, today: today, rule: v.Choice(KeySigner), audiences: v.Items(KeyAudiences), parents: v.Bool(KeyParents),
		graceDays: int(v.Duration(KeyGrace) / day), readWithin: int(v.Duration(KeyReadIn) / day),
	}
}

func (r *Room) lens(ctx context.Context) (lens, error) {
	k, err := r.load(ctx)
	if err != nil {
		return lens{}, err
	}
	today, err := r.today(ctx)
	if err != nil {
		return lens{}, err
	}
	return newLens(k, r.values(), today), nil
}

func (l lens) needs(p people.Person) []need { return needsOf(p, l.rule, l.audiences) }

// met reports whether a need is met. What nobody has been asked to sign yet
// is.
func (l lens) met(n need, have []mark) bool {
	return l.reached(n, have, l.k.bound(n.Sheet, l.today))
}

func (l lens) reached(n need, have []mark, least int64) bool {
	return least == 0 || slices.ContainsFunc(have, func(m mark) bool {
		return m.need == n && m.number >= least && (m.until == "" || m.until >= l.today)
	})
}

// newest is the number of the newest edition that asks for a signature of its
// own, whether or not it binds yet: what is offered for signing.
func (l lens) newest(s Sheet) int64 {
	var n int64
	for _, e := range l.k.editions[s] {
		if !e.Small {
			n = e.Number
		}
	}
	return n
}

// lacks are the needs that are not met.
func (l lens) lacks(p people.Person, have []mark) []need {
	var out []need
	for _, n := range l.needs(p) {
		if !l.met(n, have) {
			out = append(out, n)
		}
	}
	return out
}

// stops reports whether a need that is not met keeps its person from the web,
// where people are held at all.
func (l lens) stops(n need) bool {
	return n.Sheet != HomeSheet && (n.Sheet != ParentSheet || l.parents)
}

// inGrace reports whether somebody has only just come.
func (l lens) inGrace(p people.Person) bool {
	came := p.From
	if came == "" {
		came = madeOn(p.ID)
	}
	return came != "" && l.today < came.Add(l.graceDays)
}

var idCoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// madeOn is the day on which a record was made, which its id tells; "" where
// it does not.
func madeOn(id people.ID) people.Day {
	b, err := idCoding.DecodeString(string(id))
	if err != nil || len(b) < 6 {
		return ""
	}
	var ms [8]byte
	copy(ms[2:], b[:6])
	return people.DayOf(time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC())
}

// audienceOf is whose mode a person is under, "" for nobody's: a parent has
// nothing to sign for access of their own.
func audienceOf(k people.Kind) string {
	switch k {
	case people.Pupil:
		return "pupils"
	case people.Staff, people.Governor, people.Contractor:
		return "staff"
	case people.Visitor:
		return "visitors"
	}
	return ""
}

// unread says how far somebody is behind with the policy in force.
type unread int

const (
	isRead unread = iota
	unreadYet
	unreadLate
)

// outcome is what becomes of somebody on the web under a mode.
func (l lens) outcome(mode string, p people.Person, have []mark, policy unread) string {
	if mode == Off {
		return ""
	}
	unsigned := slices.ContainsFunc(l.lacks(p, have), l.stops)
	switch {
	case !unsigned && policy != unreadLate: // who has days left to read it is told by the tray alone
		return ""
	case mode == Remind, l.inGrace(p):
		return Remind
	}
	return Hold
}

// mode is what happens to an audience on the lens's day.
func (l lens) mode(audience string) string {
	return effective(l.v.Get(keyOf(audience)), l.k.decided(audience, l.today))
}

// Standing says what becomes of a person on the web: "" they go on, "remind"
// they are asked to sign and go on, "hold" they sign first.
func (r *Room) Standing(ctx context.Context, person people.ID) (string, error) {
	p, err := r.People.Get(ctx, person)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil // a row of nobody on the roll ends by itself
	}
	if err != nil {
		return "", err
	}
	l, err := r.lens(ctx)
	if err != nil {
		return "", err
	}
	audience := audienceOf(p.Kind)
	if audience == "" {
		return "", nil
	}
	mode := l.mode(audience)
	if mode == Off {
		return "", nil
	}
	have, err := r.marksFor(ctx, person)
	if err != nil {
		return "", err
	}
	policy, err := r.unread(ctx, l, p)
	if err != nil {
		return "", err
	}
	return l.outcome(mode, p, have, policy), nil
}

// unread says whether a member of staff has read the policy in force.
func (r *Room) unread(ctx context.Context, l lens, p people.Person) (unread, error) {
	if p.Kind != people.Staff {
		return isRead, nil
	}
	pol, ok, err := r.policy(ctx)
	if err != nil || !ok {
		return isRead, err
	}
	done, err := hasRead(ctx, r.DB, p.ID, pol.Title, pol.edition())
	if err != nil || done {
		return isRead, err
	}
	return l.late(pol), nil
}

func (l lens) late(p Policy) unread {
	if l.today > people.DayOf(p.Since).Add(l.readWithin) {
		return unreadLate
	}
	return unreadYet
}

// policy is the policy in force.
func (r *Room) policy(ctx context.Context) (Policy, bool, error) {
	if r.Policy == nil {
		return Policy{}, false, nil
	}
	return r.Policy(ctx)
}

func marksOf(list []Signature) []mark {
	out := make([]mark, 0, len(list))
	for _, s := range list {
		out = append(out, mark{s.Person, need{s.Sheet, s.Role}, s.Number, s.Signer, s.Until, s.Day, s.Method})
	}
	return out
}
