package house

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/agreements"
	"belisha/internal/school/people"
)

// openAgreements opens the room in which people sign the rules, and has the
// filter ask it about everybody who is on the web.
func (h *House) openAgreements() (err error) {
	inForce := &policyInForce{h: h}
	h.Agreements, err = agreements.New(agreements.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People, Approvals: h.Approvals, Log: h.log,
		Accounts: h.openAccounts, Policy: inForce.get, Files: scans{h}, Everybody: h.gate.changed, Changed: h.signed,
		Notices: func() notice.Sender { return h.Notices }, Strangers: h.strangers,
	})
	if err != nil {
		return err
	}
	h.gate.standing = h.Agreements.Standing
	h.join(h.Agreements)
	return nil
}

// signed tells the filter at once that somebody may have signed. A filter
// that cannot be told now is told everything soon.
func (h *House) signed(ctx context.Context, person people.ID) {
	if err := h.gate.personChanged(context.WithoutCancel(ctx), person); err != nil {
		h.log.WarnContext(ctx, "the filter could not be told of a signature and is told again", slog.Any("err", err))
		h.gate.changed()
	}
}

// openAccounts are the people whose account is open, and those who are on the
// web just now without one, by their computer's ticket or the Wi-Fi: they too
// must have been told, and have signed.
func (h *House) openAccounts(ctx context.Context) (map[people.ID]bool, error) {
	out := map[people.ID]bool{}
	known, err := h.Access.ByRequest(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range known {
		out[id] = true
	}
	for at := 0; ; {
		list, total, err := h.Access.List(ctx, access.ListFilter{Offset: at})
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if !a.Account.Disabled {
				out[a.Account.Person] = true
			}
		}
		at += len(list)
		if len(list) == 0 || at >= total {
			return out, nil
		}
	}
}

// policyInForce is the policy that staff confirm to have read. It is looked up
// once for each set of values, since every page of staff asks.
type policyInForce struct {
	h *House

	mu     sync.Mutex
	number uint64
	policy agreements.Policy
}

func (p *policyInForce) get(ctx context.Context) (agreements.Policy, bool, error) {
	n := p.h.live.Current().Number()
	if n == 0 || p.h.Policies == nil {
		return agreements.Policy{}, false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.number == n {
		return p.policy, true, nil
	}
	list, err := p.h.Policies.Activations(ctx)
	if err != nil || len(list) == 0 {
		return agreements.Policy{}, false, err
	}
	v, err := p.h.Policies.Version(ctx, list[0].Version)
	if err != nil {
		return agreements.Policy{}, false, err
	}
	found := agreements.Policy{Title: v.Title, Version: v.Number, ID: v.Hash[:min(8, len(v.Hash))], Link: "/policies", Since: list[0].At}
	for _, a := range list {
		if a.Version == list[0].Version && a.At.Before(found.Since) {
			found.Since = a.At // it was in force before, and read
		}
	}
	p.number, p.policy = n, found
	return found, true, nil
}

// scans keeps scanned slips in the store of attachments, which is opened after
// the rooms.
type scans struct{ h *House }

func (s scans) files() agreements.Files { return agreements.Kept(s.h.blobs) }

func (s scans) Put(ctx context.Context, r io.Reader) (string, error) { return s.files().Put(ctx, r) }

func (s scans) Use(ctx context.Context, tx *store.Tx, id, kind, record string) error {
	return s.files().Use(ctx, tx, id, kind, record)
}

func (s scans) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	return s.files().Open(ctx, id)
}

func (s scans) Of(ctx context.Context, kind, record string) (string, error) {
	return s.files().Of(ctx, kind, record)
}
