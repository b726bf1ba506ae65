package access

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// secretName names the vault's secret that seals seeds, passkeys and what was
// typed into a page whose session had ended.
const secretName = "second factors"

func (r *Room) aead(ctx context.Context) (cipher.AEAD, error) {
	key, err := r.Secrets.Secret(ctx, secretName)
	if err != nil {
		return nil, fmt.Errorf("reading the key of the second factors: %w", err)
	}
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("reading the key of the second factors: %w", err)
	}
	return a, nil
}

// sealFor seals what is kept under a place; it opens nowhere else. It must not
// be called within a change: the first asking for the secret makes it.
func (r *Room) sealFor(ctx context.Context, place string, plain []byte) (string, error) {
	a, err := r.aead(ctx)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	_, _ = rand.Read(nonce) // crypto/rand.Read never fails (Go 1.24)
	return base64.RawStdEncoding.EncodeToString(a.Seal(nonce, nonce, plain, []byte(place))), nil
}

var errSealed = errors.New("a second factor is damaged, or was sealed with another school key")

// openFor opens what sealFor sealed for the same place.
func (r *Room) openFor(ctx context.Context, place, sealed string) ([]byte, error) {
	a, err := r.aead(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < a.NonceSize() {
		return nil, errSealed
	}
	plain, err := a.Open(nil, raw[:a.NonceSize()], raw[a.NonceSize():], []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// shelf keeps what must be remembered between two steps of a page, for a few
// minutes and within bounds: the seed of an app that is being taken up, the
// challenge of a passkey. It is lost at a restart, and the page begins afresh.
type shelf struct {
	mu    sync.Mutex
	lasts time.Duration
	most  int
	lie   map[string]shelved
}

type shelved struct {
	what []byte
	at   time.Time
}

// Bounds of the ceremonies under way.
const (
	ceremonyLasts = 10 * time.Minute
	maxCeremonies = 2000
)

func newShelf(lasts time.Duration, most int) *shelf {
	return &shelf{lasts: lasts, most: most, lie: map[string]shelved{}}
}

func (s *shelf) fresh(x shelved, now time.Time) bool {
	age := now.Sub(x.at)
	return age < s.lasts && age > -clockSlack
}

// put keeps what under key in place of what was there.
func (s *shelf) put(key string, now time.Time, what []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(key, now, what)
}

func (s *shelf) keep(key string, now time.Time, what []byte) {
	if _, there := s.lie[key]; !there && len(s.lie) >= s.most {
		s.makeRoom(now)
	}
	s.lie[key] = shelved{what, now}
}

// makeRoom drops what is over, else the oldest.
func (s *shelf) makeRoom(now time.Time) {
	oldest := ""
	for k, x := range s.lie {
		if !s.fresh(x, now) {
			delete(s.lie, k)
			continue
		}
		if oldest == "" || x.at.Before(s.lie[oldest].at) {
			oldest = k
		}
	}
	if len(s.lie) >= s.most {
		delete(s.lie, oldest)
	}
}

// get returns what lies under key.
func (s *shelf) get(key string, now time.Time) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.lie[key]
	if !ok || !s.fresh(x, now) {
		return nil, false
	}
	return x.what, true
}

// getOr returns what lies under key, or keeps what made gives.
func (s *shelf) getOr(key string, now time.Time, made func() []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := s.lie[key]; ok && s.fresh(x, now) {
		return x.what
	}
	what := made()
	s.keep(key, now, what)
	return what
}

// take returns what lies under key and takes it away: it counts once.
func (s *shelf) take(key string, now time.Time) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.lie[key]
	delete(s.lie, key)
	if !ok || !s.fresh(x, now) {
		return nil, false
	}
	return x.what, true
}

func (s *shelf) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lie, key)
}
