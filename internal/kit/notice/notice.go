// Package notice tells people by mail that something waits for them. A notice
// carries no detail: no child's name, no site, no word of a case; only that
// something waits, where it came from and since when. It is kept in the same
// transaction as the thing it is about, and sent afterwards, at least once.
package notice

import (
	"context"
	"time"

	"belisha/internal/kit/store"
)

// Notice is one thing to tell.
type Notice struct {
	// Key makes the notice one of its kind ("concern/<id>/new"): what was told
	// once under a key is not told to the same person again.
	Key string
	// To are people by id, and Posts whoever holds the posts when it is sent,
	// deputies included. Not leaves people out: a notice about somebody is
	// never sent to them.
	To    []string
	Posts []string
	Not   []string
	// What waits, without a detail and without a name: "A concern waits for
	// you", "Somebody asks for an approval".
	What string
	// Link is the page of ours that the mail leads to, as a path; it is the
	// tray ("/") where the page's own address would tell something.
	Link string
	// Risk is 3 urgent, 2 high, 1 normal. An urgent one is mailed by itself
	// and at once, the others may be gathered.
	Risk int
	// After is when it may be sent at the earliest; zero is now.
	After time.Time
}

// Sender keeps notices. Rooms take it as a dependency; where it is nil nobody
// is mailed.
type Sender interface {
	// Send keeps a notice in the transaction of what it is about.
	Send(ctx context.Context, tx *store.Tx, n Notice) error
}
