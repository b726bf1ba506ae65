package approval

import (
	"context"

	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
)

// tellDeciders mails whoever has to decide that something waits, and not what.
func (r *Room) tellDeciders(ctx context.Context, tx *store.Tx, a Approval) error {
	if r.Notices == nil {
		return nil
	}
	n := notice.Notice{
		Key: "approval/" + a.ID + "/asked", What: "Somebody asks for an approval", Link: "/approvals/" + a.ID, Risk: 1,
		Not: own(a),
	}
	for _, p := range a.Parts {
		n.Posts = append(n.Posts, p.Post)
		others, err := r.others(ctx, p.Post, a.Person)
		if err != nil {
			return err
		}
		if len(others) == 0 {
			n.Posts = append(n.Posts, Chair)
		}
	}
	return r.Notices.Send(ctx, tx, n)
}

// tellAsker mails whoever asked that it was decided, or that nobody did in
// time.
func (r *Room) tellAsker(ctx context.Context, tx *store.Tx, a Approval) error {
	if r.Notices == nil || a.Person == "" || a.State == Withdrawn {
		return nil
	}
	what := "What you asked for was decided"
	if a.State == Expired {
		what = "Nobody decided in time what you asked for"
	}
	return r.Notices.Send(ctx, tx, notice.Notice{
		Key: "approval/" + a.ID + "/closed", To: []string{a.Person}, What: what, Link: "/approvals/" + a.ID, Risk: 1,
	})
}

func own(a Approval) []string {
	if a.Person == "" {
		return nil
	}
	return []string{a.Person}
}
