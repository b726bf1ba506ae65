package agreements

import (
	"context"
	"io"

	"belisha/internal/kit/blobs"
	"belisha/internal/kit/store"
)

// Kept keeps scans in the school's store of attachments.
func Kept(s *blobs.Store) Files { return kept{s} }

type kept struct{ s *blobs.Store }

func (k kept) Put(ctx context.Context, r io.Reader) (string, error) {
	b, err := k.s.Put(ctx, r)
	return b.ID, err
}

func (k kept) Use(ctx context.Context, tx *store.Tx, id, kind, record string) error {
	return k.s.Use(ctx, tx, id, kind, record)
}

func (k kept) Open(ctx context.Context, id string) (io.ReadCloser, error) { return k.s.Open(ctx, id) }

func (k kept) Of(ctx context.Context, kind, record string) (string, error) {
	list, err := k.s.Used(ctx, kind, record)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].ID, nil
}
