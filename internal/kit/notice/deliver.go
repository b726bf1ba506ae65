package notice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

const (
	// gatherEvery is the least time between two gathered mails to one person,
	// urgentEvery that between two urgent ones: whoever sends one urgent thing
	// after the other must not bury the first.
	gatherEvery = time.Hour
	urgentEvery = time.Minute
	// tryFor is how long a mail to one person is tried.
	tryFor = 72 * time.Hour
	// The pauses between tries, of one mail and of the whole server.
	firstPause  = time.Minute
	longestMail = time.Hour
	longestDial = 10 * time.Minute
	// together is how many mails go out before it is kept that they did.
	together = 20
)

// parcel is one mail with the notices it tells of.
type parcel struct {
	person string
	reader Reader
	list   []kept
	urgent bool
	before map[string]mail // by notice key: earlier tries
}

// round is one look at everything that waits.
type round struct {
	o       *Outbox
	now     time.Time
	hours   Hours
	posts   map[string][]string
	readers map[string]*Reader // nil: not at the school
	agreed  []Agreed

	pressing map[string]*parcel // urgent, by person; nil: one went out just now
	hurry    []string
	gathered map[string]*parcel
	order    []string
	over     []mail   // settled without a mail
	closed   []string // notices of which everybody was told
}

// Deliver sends what is due. That the mail server cannot be reached is not an
// error of the task: it is on the health page, and tried again soon.
func (o *Outbox) Deliver(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("notices"))
	if o.Mailer == nil || o.paused() {
		return nil
	}
	r, err := o.sort(ctx)
	if err != nil {
		return err
	}
	if err := r.keepOver(ctx); err != nil {
		return err
	}
	var parcels []parcel
	for _, who := range r.hurry {
		parcels = append(parcels, *r.pressing[who])
	}
	for _, who := range r.order {
		parcels = append(parcels, *r.gathered[who])
	}
	for chunk := range slices.Chunk(parcels, together) {
		if away, err := o.post(ctx, chunk); err != nil || away {
			return err
		}
	}
	return nil
}

// sort works out who is to be told what by now.
func (o *Outbox) sort(ctx context.Context) (*round, error) {
	r := &round{
		o: o, now: o.Clock.Now(), hours: o.Hours(ctx), posts: map[string][]string{}, readers: map[string]*Reader{},
		pressing: map[string]*parcel{}, gathered: map[string]*parcel{},
	}
	all, err := o.open(ctx, r.now)
	if err != nil || len(all) == 0 {
		return r, err
	}
	if r.agreed, err = o.agreed(ctx, ""); err != nil {
		return nil, err
	}
	for _, k := range all {
		if err := r.take(ctx, k); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// take works out who is still to be told of one notice.
func (r *round) take(ctx context.Context, k kept) error {
	who, required, err := r.recipients(ctx, k)
	if err != nil {
		return err
	}
	before, err := r.o.mails(ctx, k.Key)
	if err != nil {
		return err
	}
	all := true
	for _, p := range who {
		done, err := r.one(ctx, k, p, required[p], before[p])
		if err != nil {
			return err
		}
		all = all && done
	}
	if all {
		r.closed = append(r.closed, k.id)
	}
	return nil
}

// recipients are the people a notice is for now: those it names, and whoever
// holds the posts, without those it must not reach.
func (r *round) recipients(ctx context.Context, k kept) (who []string, required map[string]bool, err error) {
	required = map[string]bool{}
	add := func(p string, must bool) {
		if slices.Contains(k.Not, p) {
			return
		}
		required[p] = required[p] || must
		if !slices.Contains(who, p) {
			who = append(who, p)
		}
	}
	for _, p := range k.To {
		add(p, false)
	}
	for _, post := range k.Posts {
		held, known := r.posts[post]
		if !known {
			if held, err = r.o.People.Holders(ctx, post, r.now); err != nil {
				return nil, nil, err
			}
			r.posts[post] = held
		}
		for _, p := range held {
			add(p, slices.Contains(r.o.Required, post))
		}
	}
	return who, required, nil
}

// one decides about one person and one notice; done means that nothing more
// is to be sent to them.
func (r *round) one(ctx context.Context, k kept, person string, must bool, m mail) (done bool, err error) {
	if m.settled() {
		return true, nil
	}
	reader, err := r.reader(ctx, person)
	if err != nil || reader == nil {
		return reader == nil, err
	}
	if k.Risk < 3 && !must && !slices.ContainsFunc(reader.Posts, func(p string) bool { return slices.Contains(r.o.Required, p) }) {
		wants, err := r.o.wants(ctx, person)
		if err != nil {
			return false, err
		}
		if !wants {
			r.over = append(r.over, mail{about: k.Key, person: person, state: mailUnwanted, first: r.now, at: r.now})
			return true, nil
		}
	}
	if m.next.After(r.now) {
		return false, nil
	}
	if k.Risk >= 3 {
		return false, r.press(ctx, k, person, *reader, m)
	}
	return false, r.gather(ctx, k, person, *reader, m)
}

// press puts an urgent notice to the others of its reader, where somebody
// looks at this hour.
func (r *round) press(ctx context.Context, k kept, person string, reader Reader, m mail) error {
	if !r.hours.SchoolHours(r.now) && !looks(r.agreed, person, r.now, r.hours.Zone()) {
		return nil
	}
	p, known := r.pressing[person]
	if !known {
		last, err := r.o.lastMailed(ctx, person, false)
		if err != nil {
			return err
		}
		if r.now.Sub(last) >= urgentEvery || last.After(r.now) {
			p = &parcel{person: person, reader: reader, urgent: true, before: map[string]mail{}}
			r.hurry = append(r.hurry, person)
		}
		r.pressing[person] = p
	}
	if p != nil {
		p.list, p.before[k.Key] = append(p.list, k), m
	}
	return nil
}

// gather puts a notice to the others of its reader, if it is time for a mail.
func (r *round) gather(ctx context.Context, k kept, person string, reader Reader, m mail) error {
	if !r.hours.SchoolHours(r.now) {
		return nil
	}
	p := r.gathered[person]
	if p == nil {
		last, err := r.o.lastMailed(ctx, person, true)
		if err != nil {
			return err
		}
		p = &parcel{person: person, reader: reader, before: map[string]mail{}}
		r.gathered[person] = p
		if r.now.Sub(last) >= gatherEvery || last.After(r.now) {
			r.order = append(r.order, person)
		}
	}
	p.list, p.before[k.Key] = append(p.list, k), m
	return nil
}

func (r *round) reader(ctx context.Context, person string) (*Reader, error) {
	if known, ok := r.readers[person]; ok {
		return known, nil
	}
	got, err := r.o.People.Reader(ctx, person)
	switch {
	case errors.Is(err, store.ErrNotFound):
		r.readers[person] = nil
	case err != nil:
		return nil, err
	default:
		r.readers[person] = &got
	}
	return r.readers[person], nil
}

// keepOver keeps what was settled without a mail.
func (r *round) keepOver(ctx context.Context) error {
	if len(r.over)+len(r.closed) == 0 {
		return nil
	}
	return r.o.DB.Write(ctx, func(tx *store.Tx) error {
		for _, m := range r.over {
			if err := saveMail(ctx, tx, m, r.now); err != nil {
				return err
			}
		}
		for _, id := range r.closed {
			if err := closeNotice(ctx, tx, id, r.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// post hands mails to the server and keeps what became of each. away says
// that the server is not there.
func (o *Outbox) post(ctx context.Context, parcels []parcel) (away bool, err error) {
	letter, zone := o.Letter(ctx), o.Hours(ctx).Zone()
	now := o.Clock.Now()
	results := make([]error, len(parcels))
	var msgs []Message
	var index []int
	for i, p := range parcels {
		if p.reader.Email == "" {
			results[i] = errNoAddress
			continue
		}
		msgs, index = append(msgs, write(p, letter, zone, now)), append(index, i)
	}
	if len(msgs) > 0 {
		each, err := o.Mailer.Mail(ctx, msgs)
		o.note(err, now)
		if err != nil {
			// What was not tried has no result; what has no address is tried
			// again with the others.
			return true, nil
		}
		for j, i := range index {
			results[i] = each[j]
		}
	}
	return false, o.keep(ctx, parcels, results, now)
}

var errNoAddress = errors.New("no mail address is on the roll")

// keep writes down what became of mails.
func (o *Outbox) keep(ctx context.Context, parcels []parcel, results []error, now time.Time) error {
	sent, failed := 0, 0
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		for i, p := range parcels {
			if results[i] == nil {
				sent++
			} else {
				failed++
			}
			for _, k := range p.list {
				if err := saveMail(ctx, tx, after(p.before[k.Key], k.Key, p, results[i], now), now); err != nil {
					return err
				}
			}
		}
		return o.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbMailed, Kind: "notices", ID: "mails", After: map[string]int{"sent": sent, "not_sent": failed},
		})
	})
}

// after is a mail after one more try.
func after(m mail, key string, p parcel, err error, now time.Time) mail {
	if m.first.IsZero() {
		m.first = now
	}
	m.about, m.person, m.gathered, m.at = key, p.person, !p.urgent, now
	m.tries++
	switch {
	case err == nil:
		m.state, m.why = mailSent, ""
	case errors.Is(err, ErrRefused):
		m.state, m.why = mailRefused, cut(err.Error())
	case now.Sub(m.first) > tryFor:
		m.state, m.why = mailGivenUp, cut(err.Error())
	default:
		m.state, m.why = mailTrying, cut(err.Error())
		m.next = now.Add(min(longestMail, firstPause<<min(m.tries-1, 10)))
	}
	return m
}

func cut(s string) string {
	if len(s) > 300 {
		return s[:300]
	}
	return s
}

// messageID is the same for the same notices to the same person.
func messageID(p parcel) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%t\n", p.person, p.urgent)
	for _, k := range p.list {
		fmt.Fprintf(h, "%s\n", k.Key)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// paused reports whether the server is left alone for now.
func (o *Outbox) paused() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.Clock.Now()
	// A clock that was moved back leaves no pause longer than the longest.
	return o.trouble != "" && now.Before(o.again) && o.again.Sub(now) <= longestDial
}

// note remembers whether the server answers.
func (o *Outbox) note(err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.trouble, o.pause = "", 0
		return
	}
	if o.trouble == "" {
		o.since = now
	}
	o.pause = min(longestDial, max(firstPause, 2*o.pause))
	o.trouble, o.again = cut(err.Error()), now.Add(o.pause)
}
