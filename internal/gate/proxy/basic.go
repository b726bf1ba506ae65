package proxy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/gate/subject"
)

// Verifier checks a name and password with whoever keeps them.
type Verifier interface {
	Verify(ctx context.Context, user, password string) (row subject.Row, ok bool, err error)
}

const (
	believeFor  = 10 * time.Minute
	maxBelieved = 10_000
	maxWrong    = 10 // wrong passwords of one client in a minute
	maxName     = 200
	verifyFor   = 5 * time.Second
)

// passwords remembers who proved who they are, as keyed hashes under a key
// that dies with the process.
type passwords struct {
	verifier Verifier
	key      [32]byte

	mu     sync.Mutex
	good   map[[32]byte]believed
	minute int64
	wrong  map[netip.Addr]int
}

type believed struct {
	row  subject.Row
	ends time.Time
}

func newPasswords(v Verifier) *passwords {
	p := &passwords{verifier: v, good: make(map[[32]byte]believed), wrong: make(map[netip.Addr]int)}
	rand.Read(p.key[:])
	return p
}

// check returns who a Proxy-Authorization header proves, or nil.
func (p *passwords) check(ctx context.Context, header string, client netip.Addr, now time.Time) *subject.Row {
	user, password, ok := parseBasic(header)
	if !ok || p.verifier == nil {
		return nil
	}
	h := p.hash(user, password)
	p.mu.Lock()
	have, known := p.good[h]
	if m := now.Unix() / 60; m != p.minute {
		p.minute = m
		clear(p.wrong)
	}
	tired := p.wrong[client] >= maxWrong
	p.mu.Unlock()
	if known && now.Before(have.ends) && now.Before(have.row.Ends) {
		return &have.row
	}
	if tired {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, verifyFor)
	defer cancel()
	row, ok, err := p.verifier.Verify(ctx, user, password)
	if err != nil {
		return nil // nobody there to ask: what presence knows must do
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok {
		if len(p.wrong) < maxBelieved {
			p.wrong[client]++
		}
		return nil
	}
	if len(p.good) >= maxBelieved {
		clear(p.good)
	}
	p.good[h] = believed{row, now.Add(believeFor)}
	return &row
}

// told takes what has become of the people: who is gone is proved by no
// remembered password any more, since a closed account must not last as long
// as our memory, and who is known has the row of now. All is everybody but the
// known.
func (p *passwords) told(gone []string, all bool, known []subject.Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h, b := range p.good {
		i := slices.IndexFunc(known, func(r subject.Row) bool { return r.ID == b.row.ID })
		switch {
		case slices.Contains(gone, b.row.ID), all && i < 0:
			delete(p.good, h)
		case i >= 0:
			b.row = known[i]
			p.good[h] = b
		}
	}
}

// known calls do with everybody whose password is remembered.
func (p *passwords) known(now time.Time, do func(*subject.Row)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.good {
		if now.Before(b.ends) && now.Before(b.row.Ends) {
			do(&b.row)
		}
	}
}

func (p *passwords) hash(user, password string) (out [32]byte) {
	m := hmac.New(sha256.New, p.key[:])
	m.Write([]byte(user))
	m.Write([]byte{0})
	m.Write([]byte(password))
	copy(out[:], m.Sum(nil))
	return out
}

// parseBasic takes a name and a password without control characters.
func parseBasic(header string) (user, password string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "basic") || len(rest) > 2048 {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(raw), ":")
	if !ok || user == "" || len(user) > maxName {
		return "", "", false
	}
	for _, c := range string(raw) {
		if c < ' ' || c == 0x7f {
			return "", "", false
		}
	}
	return user, password, true
}
