package identity

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What is wrong with a ticket, as the log and the health page say it.
var (
	errTicket  = errors.New("a ticket that cannot be read")
	errService = errors.New("a ticket for another service")
	errKey     = errors.New("a ticket under a key that the keytab does not have")
	errExpired = errors.New("an expired ticket")
	errEarly   = errors.New("a ticket that is not valid yet")
	errAddress = errors.New("a ticket of another device")
	errMatch   = errors.New("a ticket that is somebody else's")
	errSkew    = errors.New("clock skew")
	errReplay  = errors.New("replay")
	errBusy    = errors.New("too many at once")
	errRealm   = errors.New("another realm")
)

// skew is how far the clocks of a device and of this machine may be apart, as
// everywhere in Kerberos.
const skew = 5 * time.Minute

// principal is who a ticket proves.
type principal struct{ name, realm string }

// proved is what a good request tells.
type proved struct {
	who    principal
	answer []byte    // KRB_AP_REP, where it was asked for
	ends   time.Time // of the ticket
}

// Bits of flags.
const (
	optionUseSessionKey = 1
	optionMutual        = 2
	flagInvalid         = 7
	usageAnswer         = 12 // AP_REP encrypted part
	maxComponents       = 3
	maxKeys             = 32 // of one keytab that are tried
)

// verify checks a KRB_AP_REQ (RFC 4120, 3.2.3) against the keys of this
// service. Time is ours, and what was seen is remembered in seen.
func verify(keys *keytab.Keytab, raw []byte, client netip.Addr, now time.Time, seen *replays) (out proved, err error) {
	defer func() {
		if recover() != nil { // a library's fault with bytes of a client is no more than a bad ticket
			out, err = proved{}, errTicket
		}
	}()
	var req messages.APReq
	if err := req.Unmarshal(raw); err != nil {
		return proved{}, errTicket
	}
	service := req.Ticket.SName.NameString
	if len(service) == 0 || len(service) > maxComponents || !strings.EqualFold(service[0], "HTTP") || bit(req.APOptions.Bytes, optionUseSessionKey) {
		return proved{}, errService
	}
	if !unlock(&req.Ticket, keys) {
		return proved{}, errKey
	}
	t := &req.Ticket.DecryptedEncPart
	if err := valid(t, client, now); err != nil {
		return proved{}, err
	}
	if err := req.DecryptAuthenticator(t.Key); err != nil {
		return proved{}, errMatch
	}
	a := &req.Authenticator
	if !a.CName.Equal(t.CName) || a.CRealm != t.CRealm {
		return proved{}, errMatch
	}
	made := a.CTime.Add(time.Duration(a.Cusec) * time.Microsecond)
	if now.Sub(made).Abs() > skew {
		return proved{}, errSkew
	}
	if !hasRealm(keys, t.CRealm) {
		return proved{}, errRealm
	}
	if err := seen.add(req.EncryptedAuthenticator.Cipher, made.Add(skew), now); err != nil {
		return proved{}, err
	}
	out = proved{who: principal{strings.Join(t.CName.NameString, "/"), t.CRealm}, ends: t.EndTime}
	if bit(req.APOptions.Bytes, optionMutual) {
		out.answer, err = answerTo(a, t.Key)
	}
	return out, err
}

// unlock opens a ticket with whichever key of HTTP/… it was made under. A domain
// has several names for one service, all under one key and of which a keytab
// has one, and numbers its keys in its own way: the key is the proof, and
// neither the name nor the number is.
func unlock(t *messages.Ticket, keys *keytab.Keytab) bool {
	tried := 0
	for _, first := range []bool{true, false} {
		for i := range keys.Entries {
			e := &keys.Entries[i]
			if !forWeb(e.Principal.Components) || e.Key.KeyType != t.EncPart.EType || (int(e.KVNO) == t.EncPart.KVNO) != first {
				continue
			}
			if tried++; tried > maxKeys {
				return false
			}
			if t.Decrypt(e.Key) == nil {
				return true
			}
		}
	}
	return false
}

// forWeb reports the name of a service of the web.
func forWeb(name []string) bool { return len(name) == 2 && strings.EqualFold(name[0], "HTTP") }

func valid(t *messages.EncTicketPart, client netip.Addr, now time.Time) error {
	begins := t.StartTime
	if begins.IsZero() {
		begins = t.AuthTime
	}
	switch {
	case bit(t.Flags.Bytes, flagInvalid), begins.Sub(now) > skew:
		return errEarly
	case now.Sub(t.EndTime) > skew:
		return errExpired
	case len(t.CAddr) > 0 && !ofClient(t.CAddr, client):
		return errAddress
	}
	return nil
}

// ofClient reports whether a ticket that is bound to addresses is bound to the
// client's.
func ofClient(list types.HostAddresses, client netip.Addr) bool {
	return slices.ContainsFunc(list, func(h types.HostAddress) bool {
		a, ok := netip.AddrFromSlice(h.Address)
		return ok && a.Unmap() == client
	})
}

// bit reads a flag of a bit string.
func bit(b []byte, n int) bool { return n/8 < len(b) && b[n/8]&(0x80>>(n%8)) != 0 }

// hasRealm reports a realm that the keytab has a key in. Somebody from another
// realm may have anybody's name.
func hasRealm(keys *keytab.Keytab, realm string) bool {
	for i := range keys.Entries {
		if keys.Entries[i].Principal.Realm == realm {
			return true
		}
	}
	return false
}

// answerTo makes the KRB_AP_REP by which the client knows that this is the
// service that it has a ticket for.
func answerTo(a *types.Authenticator, key types.EncryptionKey) ([]byte, error) {
	plain, err := encAPRepPart(a)
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(plain, key, usageAnswer, 0)
	if err != nil {
		return nil, err
	}
	return apRep(sealed)
}

func encAPRepPart(a *types.Authenticator) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(application(27), func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(tagContext0, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.CTime.UTC()) })
			b.AddASN1(tagContext1, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(a.Cusec)) })
			if a.SeqNumber != 0 {
				b.AddASN1(casn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1Int64(a.SeqNumber) })
			}
		})
	})
	return b.Bytes()
}

func apRep(sealed types.EncryptedData) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(application(15), func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(tagContext0, func(b *cryptobyte.Builder) { b.AddASN1Int64(5) })
			b.AddASN1(tagContext1, func(b *cryptobyte.Builder) { b.AddASN1Int64(15) })
			b.AddASN1(tagContext2, func(b *cryptobyte.Builder) {
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(tagContext0, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(sealed.EType)) })
					b.AddASN1(tagContext2, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sealed.Cipher) })
				})
			})
		})
	})
	return b.Bytes()
}

func application(n uint8) casn1.Tag { return casn1.Tag(n).Constructed() | 0x40 }

// maxReplays bounds what is remembered of tokens: more within ten minutes are
// refused, and asked for again.
const maxReplays = 400_000

// replays knows which tokens were used, for as long as they could be used
// again.
type replays struct {
	mu   sync.Mutex
	seen map[[16]byte]time.Time // until when
	next time.Time              // when it is looked for what has ended
}

func (r *replays) add(cipher []byte, until, now time.Time) error {
	sum := sha256.Sum256(cipher)
	key := [16]byte(sum[:16])
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[[16]byte]time.Time)
	}
	if _, had := r.seen[key]; had {
		return errReplay
	}
	if !now.Before(r.next) {
		r.next = now.Add(time.Minute)
		for k, end := range r.seen {
			if end.Before(now) {
				delete(r.seen, k)
			}
		}
	}
	if len(r.seen) >= maxReplays {
		return errBusy
	}
	r.seen[key] = until
	return nil
}
