package probes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
)

// What a device tells is signed with its key, over a number that it was given
// with its questions. The number says when it was given, by our own clock, so
// the device's does not matter; and it must be newer than what the site told
// last, so nothing can be told twice. The key itself is never sent.

// answerWithin is how long a device may take for its questions.
const answerWithin = 30 * time.Minute

func seal(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text)) // never fails
	return hex.EncodeToString(m.Sum(nil))
}

// number is what a device is given with its questions at a moment.
func (s Site) number(now time.Time) string {
	at := strconv.FormatInt(now.UnixMilli(), 10)
	return at + "-" + seal(s.key, "questions\n"+at)[:32]
}

// given is when a number was given, if it was.
func (s Site) given(number string) (time.Time, bool) {
	text, _, _ := strings.Cut(number, "-")
	milli, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(number) > 80 {
		return time.Time{}, false
	}
	at := time.UnixMilli(milli)
	return at, hmac.Equal([]byte(s.number(at)), []byte(number))
}

// signed refuses what a device did not sign, what it signed long ago, and what
// it told before.
func (r *Room) signed(ctx context.Context, s Site, number, sign string, body []byte) error {
	want := seal(s.key, number+"\n"+string(body))
	at, ours := s.given(number)
	if !ours || !hmac.Equal([]byte(want), []byte(strings.ToLower(sign))) {
		return fmt.Errorf("%w: what was told is not signed with the key of this site", store.ErrForbidden)
	}
	now := r.now()
	last, err := r.Last(ctx, s.Name(), false)
	if err != nil {
		return err
	}
	told := !last.At.After(now) && !at.After(last.At) // a clock that went back holds nobody up
	if told || at.After(now.Add(time.Minute)) || now.Sub(at) > answerWithin {
		return store.Invalid{"": "These questions are answered already, or too old; ask for the questions again"}
	}
	return nil
}
