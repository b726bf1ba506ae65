package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"

	"belisha/internal/gate/control"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

const (
	maxKeytab   = 1 << 20
	rereadEvery = time.Minute
	sayEvery    = time.Hour // of what is refused, by its kind
	sharedFor   = 12 * time.Hour
	maxShared   = 10_000
)

// Kerberos proves people by the tickets that their browsers send, each request
// on its own: a connection stands for nobody. It is safe for several
// goroutines.
type Kerberos struct {
	path  string
	names *Names
	clock clock.Clock
	log   *slog.Logger
	seen  replays

	mu      sync.Mutex
	keys    *keytab.Keytab // nil while there are none
	fault   string
	looked  time.Time
	made    time.Time // of the file
	proved  uint64
	last    time.Time
	refused map[string]uint64
	said    map[string]time.Time
	hosts   map[netip.Addr]host
}

// host is an address at which somebody proved who they are.
type host struct {
	first  principal
	shared bool // and so did somebody else
	until  time.Time
}

// NewKerberos reads keys from a keytab file, now and whenever it changes. One
// that cannot be read proves nobody, which Status says.
func NewKerberos(path string, names *Names, c clock.Clock, log *slog.Logger) *Kerberos {
	k := &Kerberos{
		path: path, names: names, clock: c, log: log,
		refused: map[string]uint64{}, said: map[string]time.Time{}, hosts: map[netip.Addr]host{},
	}
	k.current()
	return k
}

// Ready reports whether anybody can be proved.
func (k *Kerberos) Ready() bool { return k != nil && k.current() != nil }

// current are the keys of now, nil while there are none. A newer file that
// cannot be used leaves those before.
func (k *Kerberos) current() *keytab.Keytab {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	if !k.looked.IsZero() && now.Sub(k.looked).Abs() < rereadEvery {
		return k.keys
	}
	k.looked = now
	info, err := os.Stat(k.path)
	if err == nil && k.keys != nil && info.ModTime().Equal(k.made) {
		return k.keys
	}
	var keys *keytab.Keytab
	if err == nil {
		keys, err = readKeytab(k.path)
	}
	if err != nil {
		if k.fault == "" {
			k.log.Error("the keytab cannot be used; nobody is known by Kerberos through a newer key", "error", err.Error())
		}
		k.fault = err.Error()
		return k.keys
	}
	k.keys, k.made, k.fault = keys, info.ModTime(), ""
	return k.keys
}

// readKeytab reads a keytab with at least one key of HTTP/… .
func readKeytab(path string) (keys *keytab.Keytab, err error) {
	defer func() {
		if recover() != nil {
			keys, err = nil, errors.New("the keytab is damaged")
		}
	}()
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.New("the keytab cannot be read: look at [gate] keytab, and at who may read the file")
	}
	if info.Size() > maxKeytab {
		return nil, errors.New("the keytab is larger than any keytab")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("the keytab cannot be read: look at [gate] keytab, and at who may read the file")
	}
	keys = keytab.New()
	if err := keys.Unmarshal(raw); err != nil {
		return nil, errors.New("the keytab is damaged, or no keytab")
	}
	for i := range keys.Entries {
		if forWeb(keys.Entries[i].Principal.Components) {
			return keys, nil
		}
	}
	return nil, errors.New("the keytab has no key of HTTP/ and the name of this proxy")
}

// Proof is what a header proves.
type Proof struct {
	// Row is whom it proves, nil where it proves nothing. Nobody's row is one
	// whom nobody here knows.
	Row *subject.Row
	// Reply goes back with the answer, "" for none.
	Reply string
}

// Prove checks a Proxy-Authorization header of a scheme that IsNegotiate knows. Whatever is wrong with it proves
// nothing, and is counted.
func (k *Kerberos) Prove(ctx context.Context, header string, client netip.Addr) Proof {
	if k == nil {
		return Proof{}
	}
	keys := k.current()
	if keys == nil {
		return Proof{}
	}
	now := k.clock.Now()
	t, err := readHeader(header)
	if err != nil {
		k.refuse(err, now)
		return Proof{}
	}
	p, err := verify(keys, t.request, client, now, &k.seen)
	if err != nil {
		k.refuse(err, now)
		return Proof{}
	}
	reply, err := t.reply(p.answer)
	if err != nil {
		k.refuse(errTicket, now)
		return Proof{}
	}
	k.note(p.who, client, now)
	return Proof{Row: k.row(ctx, p, now), Reply: reply}
}

// row is whose ticket it was. Somebody whom nobody here knows, and anybody
// while nobody can be asked, is nobody: not whoever else is at the address.
func (k *Kerberos) row(ctx context.Context, p proved, now time.Time) *subject.Row {
	if !IsName(p.who.name) {
		return Nobody(now) // a machine's own ticket, or a service's
	}
	row, err := k.names.Find(ctx, control.NameRequest{Name: p.who.name, Realm: p.who.realm, How: ByKerberos})
	if err != nil || row == nil {
		return Nobody(now)
	}
	return row
}

// note counts a proof, and remembers at which addresses several people prove
// who they are.
func (k *Kerberos) note(who principal, client netip.Addr, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.proved++
	k.last = now
	h, known := k.hosts[client]
	if !known || !now.Before(h.until) {
		if len(k.hosts) >= maxShared {
			clear(k.hosts)
		}
		h = host{first: who}
	}
	h.shared = h.shared || h.first != who
	h.until = now.Add(sharedFor)
	k.hosts[client] = h
}

// Shared reports an address at which several people prove who they are: a
// terminal server, or a router. There nobody is known who has not proved it by
// the very request.
func (k *Kerberos) Shared(client netip.Addr) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h, ok := k.hosts[client]
	return ok && h.shared && k.clock.Now().Before(h.until)
}

// Knows reports an address at which somebody proved who they are: browsers
// there can.
func (k *Kerberos) Knows(client netip.Addr) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h, ok := k.hosts[client]
	return ok && k.clock.Now().Before(h.until)
}

// refuse counts what is wrong with a token, and says so in the log once an
// hour.
func (k *Kerberos) refuse(why error, now time.Time) {
	kind := why.Error()
	k.mu.Lock()
	k.refused[kind]++
	n := k.refused[kind]
	say := now.Sub(k.said[kind]) >= sayEvery
	if say {
		k.said[kind] = now
	}
	k.mu.Unlock()
	if !say {
		return
	}
	if errors.Is(why, errNTLM) {
		k.log.Warn("a browser offered NTLM, which is not taken: it found no HTTP/ principal for the name by which it reaches this proxy", "count", n)
		return
	}
	k.log.Warn("a Kerberos token was refused", "why", kind, "count", n)
}

// Status is how it goes.
func (k *Kerberos) Status() control.Kerberos {
	if k == nil {
		return control.Kerberos{}
	}
	ready := k.Ready()
	k.mu.Lock()
	defer k.mu.Unlock()
	s := control.Kerberos{Set: true, OK: ready, Why: k.fault, Proved: k.proved, Last: k.last, Refused: map[string]uint64{}}
	for kind, n := range k.refused {
		s.Refused[kind] = n
	}
	return s
}
