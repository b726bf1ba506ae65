package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// What a password's digest costs: Argon2id with 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// Bounds of the work that people who are not signed in can cause.
const (
	maxPassword = 256 // bytes
	maxWaiting  = 64  // sign-ins that wait for a turn
	longestWait = 10 * time.Second
)

// ErrBusy says that too many people sign in at this moment.
var ErrBusy = errors.New("too many people are signing in at this moment; wait a minute and try again")

// hasher makes and checks digests, at most one for each processor at a time.
type hasher struct {
	slots   chan struct{}
	waiting chan struct{}
	dummy   string // digest of nobody's password: an unknown name costs the same
}

func newHasher() *hasher {
	n := max(runtime.NumCPU(), 1)
	h := &hasher{slots: make(chan struct{}, n), waiting: make(chan struct{}, maxWaiting)}
	h.dummy = digest(rand.Text())
	return h
}

// turn waits for a processor, within bounds. done must be called.
func (h *hasher) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// Make returns the digest of a password.
func (h *hasher) Make(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return digest(password), nil
}

// Check compares a password with a digest. An empty digest, of an account
// that has no password or of no account, is compared all the same, takes as
// long, and never fits.
func (h *hasher) Check(ctx context.Context, phc, password string) (bool, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if phc == "" {
		_ = fits(h.dummy, password)
		return false, nil
	}
	return fits(phc, password), nil
}

// plainPassword is the form of a password that is digested: however the
// keyboard composed its letters, it is the same password.
func plainPassword(p string) []byte {
	if len(p) > maxPassword {
		p = p[:maxPassword]
	}
	return []byte(norm.NFKC.String(p))
}

// digest returns the PHC string of a password.
func digest(password string) string {
	var salt [argonSalt]byte
	_, _ = rand.Read(salt[:]) // crypto/rand.Read never fails (Go 1.24)
	key := argon2.IDKey(plainPassword(password), salt[:], argonTime, argonMemory, argonLanes, argonKey)
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b.EncodeToString(salt[:]), b.EncodeToString(key))
}

// fits compares in constant time. The costs are read from the digest, within
// bounds, so that older digests go on working when the costs are raised.
func fits(phc, password string) bool {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false
	}
	if memory < 8 || memory > 1<<18 || passes < 1 || passes > 16 || lanes < 1 || lanes > 16 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 64 {
		return false
	}
	got := argon2.IDKey(plainPassword(password), salt, passes, memory, lanes, uint32(len(want))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(got, want) == 1
}

// letters that are not mistaken for one another on paper.
const clearLetters = "23456789abcdefghjkmnpqrstuvwxyz"

// newTemporary returns a password to be typed once: "k7mq-2xwp-h9tc".
func newTemporary() string {
	var b strings.Builder
	for i := range 12 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(clearLetters[below(len(clearLetters))])
	}
	return b.String()
}

// below returns a random number below n, each as likely as the other.
func below(n int) int {
	limit := 256 - 256%n
	for {
		var one [1]byte
		_, _ = rand.Read(one[:]) // crypto/rand.Read never fails (Go 1.24)
		if int(one[0]) < limit {
			return int(one[0]) % n
		}
	}
}

// weakness says what is wrong with a password somebody chose, "" for nothing.
// names are words that must not be the password: the username, the person's
// names, the school's.
func weakness(password string, least int64, names ...string) string {
	if len(password) > maxPassword {
		return "a password has at most 256 letters"
	}
	if n := int64(len([]rune(norm.NFKC.String(password)))); n < least {
		return fmt.Sprintf("use at least %d letters; three or four words that only you put together are easy to remember", least)
	}
	bare := bareLetters(password)
	unit := repeated(bare)
	if len(bare) < 4 && !hasManyDifferent(password) {
		return "this is too easy to guess; add words to it"
	}
	for _, n := range names {
		if b := bareLetters(n); len(b) >= 3 && (unit == b || bare == b) {
			return "a password must not be your name or username"
		}
	}
	if commonPasswords[unit] || commonPasswords[bare] || len([]rune(unit)) < 3 && len(bare) > 0 && !hasManyDifferent(password) {
		return "this is one of the passwords that are guessed first; put other words together"
	}
	return ""
}

// bareLetters is a password's letters alone, lower case, with the figures and
// signs that people put for letters turned back.
func bareLetters(s string) string {
	s = strings.NewReplacer("@", "a", "$", "s", "€", "e").Replace(strings.ToLower(s))
	trimmed := strings.TrimRight(s, "0123456789!?.*#_- ")
	s = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t").Replace(trimmed)
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// repeated returns the shortest part that s is made of by repeating.
func repeated(s string) string {
	for n := 1; n <= len(s)/2; n++ {
		if len(s)%n == 0 && strings.Repeat(s[:n], len(s)/n) == s {
			return s[:n]
		}
	}
	return s
}

// hasManyDifferent reports whether a password without letters is more than a
// run or a repetition of figures.
func hasManyDifferent(s string) bool {
	seen := map[rune]bool{}
	steps := map[rune]bool{}
	var last rune
	for i, r := range s {
		seen[r] = true
		if i > 0 {
			steps[r-last] = true
		}
		last = r
	}
	return len(seen) >= 6 && len(steps) >= 5
}
