package monitoring

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/store"
)

// rowKey names one row of the record: the filter, its own number, the moment.
type rowKey struct {
	gate   string
	number uint64
	at     time.Time
}

func keyOf(e *activity.Event) rowKey { return rowKey{e.Gate, e.ID, e.At} }

// same compares keys as the memory keeps moments: to the millisecond.
func (k rowKey) same(e *activity.Event) bool {
	return k.gate == e.Gate && k.number == e.ID && store.Millis(k.at) == store.Millis(e.At)
}

// The kinds of reference that other rooms may keep.
const (
	refRow    = "row:"
	refSignal = "signal:"
	refDraw   = "draw:"
)

// ref is the key as other rooms keep it: it means nothing to them.
func (k rowKey) ref() string {
	text := strconv.FormatUint(k.number, 36) + "/" + strconv.FormatInt(store.Millis(k.at), 36) + "/" + k.gate
	return refRow + base64.RawURLEncoding.EncodeToString([]byte(text))
}

func parseRow(ref string) (rowKey, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(ref, refRow))
	if err != nil {
		return rowKey{}, store.ErrNotFound
	}
	parts := strings.SplitN(string(raw), "/", 3)
	if len(parts) != 3 {
		return rowKey{}, store.ErrNotFound
	}
	n, err := strconv.ParseUint(parts[0], 36, 64)
	if err != nil {
		return rowKey{}, store.ErrNotFound
	}
	ms, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil {
		return rowKey{}, store.ErrNotFound
	}
	return rowKey{gate: parts[2], number: n, at: time.UnixMilli(ms).UTC()}, nil
}

// event finds the row; store.ErrNotFound once it is no longer kept.
func (r *Room) event(ctx context.Context, k rowKey) (activity.Event, error) {
	q := activity.Query{From: time.UnixMilli(store.Millis(k.at)), To: time.UnixMilli(store.Millis(k.at) + 1), Limit: activity.MaxLimit}
	page, err := r.d.Memory.Search(ctx, q)
	if err != nil {
		return activity.Event{}, fmt.Errorf("finding a row of the record: %w", err)
	}
	for i := range page.Events {
		if k.same(&page.Events[i]) {
			return page.Events[i], nil
		}
	}
	return activity.Event{}, store.ErrNotFound
}
