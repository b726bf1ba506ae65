package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx is one write transaction.
type Tx struct {
	*sql.Tx
	dialect Dialect
	last    []lastStep
	after   []func()
	local   map[any]any
}

type lastStep struct {
	key any
	fn  func(context.Context) error
}

// Dialect says which database the transaction runs on.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// Last registers fn to run as the end of the transaction, just before the
// commit. A second call with the same key is ignored, so that the journal
// registers itself once however many lines are written.
func (tx *Tx) Last(key any, fn func(context.Context) error) {
	for _, l := range tx.last {
		if l.key == key {
			return
		}
	}
	tx.last = append(tx.last, lastStep{key, fn})
}

// Local returns what make returned the first time Local was called with key
// in this transaction: a place for a kit package to gather what belongs to one
// transaction.
func (tx *Tx) Local(key any, make func() any) any {
	if v, ok := tx.local[key]; ok {
		return v
	}
	v := make()
	if tx.local == nil {
		tx.local = map[any]any{}
	}
	tx.local[key] = v
	return v
}

// AfterCommit registers fn to run once the transaction is safely on disk.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Write runs fn in a transaction and commits it if fn returns nil. fn must
// not keep the Tx. An error of fn comes back as it is.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) (err error) {
	t, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a change: %w", err)
	}
	tx := &Tx{Tx: t, dialect: d.dialect}
	done := false
	defer func() {
		if !done { // fn failed or panicked
			d.turn.Add(1) // a commit that failed may yet be on disk
			err = errors.Join(err, ignoreDone(t.Rollback()))
		}
	}()
	if err = fn(tx); err != nil {
		return err
	}
	for i := 0; i < len(tx.last); i++ {
		if err = tx.last[i].fn(ctx); err != nil {
			return err
		}
	}
	if err = t.Commit(); err != nil {
		return fmt.Errorf("keeping a change: %w", err)
	}
	done = true
	d.turn.Add(1)
	for _, f := range tx.after {
		f()
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Snapshot runs fn on one consistent view of the store, however much is
// written meanwhile.
func (d *DB) Snapshot(ctx context.Context, fn func(q Querier) error) error {
	opt := &sql.TxOptions{ReadOnly: true}
	if d.dialect == Postgres {
		opt.Isolation = sql.LevelRepeatableRead
	}
	t, err := d.read.BeginTx(ctx, opt)
	if err != nil {
		return fmt.Errorf("taking a view of the records: %w", err)
	}
	defer func() { _ = t.Rollback() }() // read only: nothing to lose
	return fn(t)
}
