package concerns

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
)

// How long a draft stays. One that was typed without a session, since it had
// ended, waits for its writer to sign in again.
const (
	draftStays = 14 * oneDay
	looseStays = 8 * time.Hour
	maxLoose   = 500
	maxDraft   = 256 << 10
)

// draftOf are the fields of the report form that are kept.
var draftFields = []string{
	"form", "kind", "also", "danger", "unknown", "account", "place", "when", "done", "ref", "confirm",
	"who1", "role1", "who2", "role2", "who3", "role3", "who4", "role4", "who5", "role5", "who6", "role6",
}

func pick(form url.Values) url.Values {
	out := url.Values{}
	size := 0
	for _, f := range draftFields {
		for _, v := range form[f] {
			if size += len(v); size <= maxDraft {
				out.Add(f, v)
			}
		}
	}
	return out
}

// KeepDraft keeps what somebody has typed, sealed, until they send it.
func (r *Room) KeepDraft(ctx context.Context, form url.Values) error {
	a := actor.From(ctx)
	if a.Person == "" {
		return store.ErrForbidden
	}
	return r.putDraft(ctx, r.mark("draft", a.Person), false, pick(form))
}

// Draft returns what somebody has typed and not sent; nil for nothing.
func (r *Room) Draft(ctx context.Context) (url.Values, error) {
	a := actor.From(ctx)
	if a.Person == "" {
		return nil, nil //nolint:nilnil // no draft is no fault
	}
	return r.getDraft(ctx, r.mark("draft", a.Person), r.now().Add(-draftStays))
}

// DropDraft forgets it.
func (r *Room) DropDraft(ctx context.Context) error {
	a := actor.From(ctx)
	if a.Person == "" {
		return nil
	}
	return r.removeDraft(ctx, r.mark("draft", a.Person))
}

// KeepLoose keeps what somebody sent whose session had ended. It answers a
// secret for their browser alone; with it the text comes back after they have
// signed in.
func (r *Room) KeepLoose(ctx context.Context, form url.Values) (string, error) {
	n, err := r.countLoose(ctx, r.now().Add(-looseStays))
	if err != nil {
		return "", err
	}
	if n >= maxLoose {
		return "", ErrPace
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	secret := hex.EncodeToString(b[:])
	return secret, r.putDraft(ctx, r.mark("loose", secret), true, pick(form))
}

// TakeLoose gives the text of a secret to whoever is signed in, as their own
// draft.
func (r *Room) TakeLoose(ctx context.Context, secret string) error {
	if len(secret) != 32 {
		return nil
	}
	id := r.mark("loose", secret)
	form, err := r.getDraft(ctx, id, r.now().Add(-looseStays))
	if err != nil || form == nil {
		return err
	}
	if err := r.KeepDraft(ctx, form); err != nil {
		return err
	}
	return r.removeDraft(ctx, id)
}
