// Package journal is who did, saw or decided what. A line is written in the
// same transaction as the change it tells of; lines form a hash chain, so that
// none can be altered, added or cut unnoticed.
//
// A line commits to its detail (what changed, and why) only through a salted
// digest. The detail stands in a table of its own and may be erased when
// retention or a person's right asks for it; the chain still verifies. Rows of
// protected tables are committed to in the same way, so that an edit made
// behind Belisha's back is found too.
//
// The head of the chain is written to a file outside the database after each
// commit: a tail cut off together with the head row is noticed.
package journal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/store"
)

// Schema holds the journal's migrations.
//
//go:embed schema/*.sql
var Schema embed.FS

// Verb names what happened: dotted, past tense ("account.locked").
type Verb string

// VerbInfo declares a verb of a room.
type VerbInfo struct {
	Verb Verb
	Says string // a sentence for the journal page and doc/events.md
}

// Protected names a table whose rows the chain covers.
type Protected struct {
	Table string
	Key   string // the column that holds a row's id; TEXT
}

// Row names one row of a protected table.
type Row struct{ Table, ID string }

// Entry is what a room writes.
type Entry struct {
	Verb     Verb
	Kind, ID string // the record it is about
	Before   any    // changed fields before, into the erasable detail
	After    any
	Reason   string
	OnBehalf string
	Rows     []Row // rows of protected tables written or deleted
}

// Sealer seals details at rest. kit/vault is one.
type Sealer interface {
	Seal(ctx context.Context, purpose string, aad, plain []byte) ([]byte, error)
	Unseal(ctx context.Context, purpose string, aad, sealed []byte) ([]byte, error)
}

// Journal writes and reads the chain.
type Journal struct {
	db        *store.DB
	clock     clock.Clock
	sealer    Sealer
	headFile  string
	protected map[string]Protected
	verbs     map[Verb]string

	mu      sync.Mutex // guards the head file and the sleepers
	written int64
	wake    []chan struct{}
}

// Deps is what a Journal needs.
type Deps struct {
	DB        *store.DB
	Clock     clock.Clock
	Sealer    Sealer // nil: details are kept as they are
	HeadFile  string // "" for none (tests)
	Protected []Protected
	Verbs     []VerbInfo
}

// New returns a journal. Two declarations of one verb are an error.
func New(d Deps) (*Journal, error) {
	if d.DB == nil || d.Clock == nil {
		return nil, errors.New("the journal needs a store and a clock")
	}
	j := &Journal{
		db: d.DB, clock: d.Clock, sealer: d.Sealer, headFile: d.HeadFile,
		protected: map[string]Protected{}, verbs: map[Verb]string{},
	}
	for _, p := range d.Protected {
		if !plainName(p.Table) || !plainName(p.Key) {
			return nil, fmt.Errorf("protected table %q: not a plain name", p.Table)
		}
		j.protected[p.Table] = p
	}
	for _, v := range d.Verbs {
		if _, dup := j.verbs[v.Verb]; dup {
			return nil, fmt.Errorf("two rooms declare the verb %s", v.Verb)
		}
		j.verbs[v.Verb] = v.Says
	}
	return j, nil
}

func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == ""
}

// pending is one transaction's lines, written as its last statement.
type pending struct{ lines []line }

type line struct {
	entry Entry
	actor string
	at    time.Time
}

// Write adds a line to the transaction. The actor is the one in ctx.
func (j *Journal) Write(ctx context.Context, tx *store.Tx, e Entry) error {
	if len(j.verbs) > 0 {
		if _, ok := j.verbs[e.Verb]; !ok {
			return fmt.Errorf("the verb %s is not declared", e.Verb)
		}
	}
	for _, r := range e.Rows {
		if _, ok := j.protected[r.Table]; !ok {
			return fmt.Errorf("journal line %s: table %s is not protected", e.Verb, r.Table)
		}
	}
	p := tx.Local(j, func() any { return &pending{} }).(*pending)
	p.lines = append(p.lines, line{entry: e, actor: actor.From(ctx).ID, at: j.clock.Now().UTC()})
	tx.Last(j, func(ctx context.Context) error { return j.flush(ctx, tx, p) })
	return nil
}

// flush takes the chain head and writes the gathered lines.
func (j *Journal) flush(ctx context.Context, tx *store.Tx, p *pending) error {
	n := int64(len(p.lines))
	var last int64
	var prev string
	err := tx.QueryRowContext(ctx, "UPDATE journal_head SET seq = seq + $1 WHERE one = 1 RETURNING seq, hash", n).Scan(&last, &prev)
	if err != nil {
		return fmt.Errorf("taking the journal's head: %w", err)
	}
	seq := last - n
	for i := range p.lines {
		seq++
		if prev, err = j.insert(ctx, tx, seq, prev, &p.lines[i]); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE journal_head SET hash = $1 WHERE one = 1", prev); err != nil {
		return fmt.Errorf("setting the journal's head: %w", err)
	}
	head := Head{Seq: last, Hash: prev, At: p.lines[len(p.lines)-1].at}
	tx.AfterCommit(func() { j.committed(head) })
	return nil
}

// detail is the erasable part of a line.
type detail struct {
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (j *Journal) insert(ctx context.Context, tx *store.Tx, seq int64, prev string, l *line) (string, error) {
	plain, err := json.Marshal(detail{l.entry.Before, l.entry.After, l.entry.Reason})
	if err != nil {
		return "", fmt.Errorf("writing journal detail: %w", err)
	}
	salt := newSalt()
	rowsDigest, err := j.insertRows(ctx, tx, seq, l.entry.Rows)
	if err != nil {
		return "", err
	}
	c := chained{
		Seq: seq, At: l.at.UnixMilli(), Actor: l.actor, OnBehalf: l.entry.OnBehalf,
		Verb: string(l.entry.Verb), Kind: l.entry.Kind, Record: l.entry.ID,
		Detail: digest(salt, plain), Rows: rowsDigest,
	}
	hash := c.hash(prev)
	_, err = tx.ExecContext(ctx, `INSERT INTO journal_lines
		(seq, at, actor, on_behalf, verb, kind, record, detail_digest, rows_digest, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.Seq, c.At, c.Actor, c.OnBehalf, c.Verb, c.Kind, c.Record, c.Detail, c.Rows, hash)
	if err != nil {
		return "", fmt.Errorf("writing a journal line: %w", err)
	}
	kept, err := j.seal(ctx, seq, plain)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO journal_details (seq, salt, detail) VALUES ($1, $2, $3)", seq, salt, kept)
	if err != nil {
		return "", fmt.Errorf("writing journal detail: %w", err)
	}
	return hash, nil
}

// chained is what a line's hash covers, in this order.
type chained struct {
	Seq      int64  `json:"seq"`
	At       int64  `json:"at"`
	Actor    string `json:"actor"`
	OnBehalf string `json:"on_behalf"`
	Verb     string `json:"verb"`
	Kind     string `json:"kind"`
	Record   string `json:"record"`
	Detail   string `json:"detail"`
	Rows     string `json:"rows"`
}

func (c chained) hash(prev string) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("journal: a line of strings and numbers did not marshal: " + err.Error())
	}
	return digest(prev, b)
}

func digest(salt string, data []byte) string {
	h := sha256.New()
	h.Write([]byte(salt))
	h.Write([]byte{0})
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

func newSalt() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	return hex.EncodeToString(b[:])
}

func (j *Journal) seal(ctx context.Context, seq int64, plain []byte) (string, error) {
	if j.sealer == nil {
		return "p" + string(plain), nil
	}
	s, err := j.sealer.Seal(ctx, "journal", aad(seq), plain)
	if err != nil {
		return "", fmt.Errorf("sealing journal detail: %w", err)
	}
	return "s" + hex.EncodeToString(s), nil
}

func (j *Journal) unseal(ctx context.Context, seq int64, kept string) ([]byte, error) {
	switch {
	case strings.HasPrefix(kept, "p"):
		return []byte(kept[1:]), nil
	case strings.HasPrefix(kept, "s") && j.sealer != nil:
		b, err := hex.DecodeString(kept[1:])
		if err != nil {
			return nil, fmt.Errorf("reading journal detail: %w", err)
		}
		return j.sealer.Unseal(ctx, "journal", aad(seq), b)
	default:
		return nil, errors.New("reading journal detail: it is sealed and the key is not here")
	}
}

func aad(seq int64) []byte { return fmt.Appendf(nil, "journal_details/%d", seq) }
