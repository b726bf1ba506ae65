package web

import (
	"context"
	"sync"
)

// remembered is what one request worked out already.
type remembered struct {
	mu   sync.Mutex
	kept map[any]any
}

type rememberKey struct{}

// remembering returns a context that remembers for one request.
func remembering(ctx context.Context) context.Context {
	return context.WithValue(ctx, rememberKey{}, &remembered{kept: map[any]any{}})
}

// Once answers what read answered the first time it was asked with this key in
// the same request: the page and the frame around it ask for the same things.
// An error is not remembered, and outside a request nothing is.
func Once[T any](ctx context.Context, key any, read func() (T, error)) (T, error) {
	m, ok := ctx.Value(rememberKey{}).(*remembered)
	if !ok {
		return read()
	}
	m.mu.Lock()
	v, known := m.kept[key]
	m.mu.Unlock()
	if t, ok := v.(T); known && ok {
		return t, nil
	}
	t, err := read()
	if err != nil {
		return t, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = t
	return t, nil
}
