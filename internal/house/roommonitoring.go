package house

import (
	"context"
	"errors"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
)

// openMonitoring opens the room of those who may look.
func (h *House) openMonitoring(ctx context.Context) (err error) {
	h.Monitoring, err = monitoring.New(monitoring.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Memory: h.memory, Roll: h.People,
		Names: h.Access, Matrix: h.Access.Table(), Sealer: h.vault, Log: h.log,
		Approvals: h.Approvals, Cases: linkedCases{h}, Strong: h.strongAccount, Erase: h.EraseSubject, Soon: h.eraseSoon,
	})
	if err != nil {
		return err
	}
	return h.forgetErased(actor.With(ctx, actor.Belisha("restore")))
}

// linkedCases finds the cases that began from a row or a signal, in whichever
// room keeps them.
type linkedCases struct{ h *House }

// Linked returns the pages of the cases behind references, by reference.
func (l linkedCases) Linked(ctx context.Context, refs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, r := range joined[monitoring.Cases](l.h) {
		found, err := r.Linked(ctx, refs)
		if err != nil {
			return nil, err
		}
		for ref, path := range found {
			out[ref] = path
		}
	}
	return out, nil
}

// strongAccount says whether somebody's account has a second factor. In the
// demo nobody needs one.
func (h *House) strongAccount(ctx context.Context, id people.ID) (bool, error) {
	if h.cfg.Demo {
		return true, nil
	}
	a, err := h.Access.AccountOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	list, err := h.Access.Factors(ctx, a.ID)
	return len(list) > 0, err
}

// eraseSoon carries out at once what somebody allowed to be erased; without a
// running server the next start does.
func (h *House) eraseSoon() {
	if h.tasks == nil {
		return
	}
	if err := h.askTask(context.Background(), monitoring.TaskErase); err != nil {
		h.log.Error("what was allowed to be erased waits for its time", "err", err)
	}
}
