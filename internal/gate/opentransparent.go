package gate

import (
	"context"
	"errors"

	"belisha/internal/gate/origdst"
)

// openTransparent opens the door for redirected connections, where it is set.
func (r *running) openTransparent(*Settings) error {
	at := r.cfg.Doors.Transparent
	if at == "" {
		return nil
	}
	t, err := r.proxy.Transparent(context.Background(), at)
	if errors.Is(err, origdst.ErrNotHere) {
		return err
	}
	if err != nil {
		return plainly(err, at, "--listen-transparent")
	}
	r.more = append(r.more, opened{"transparent", t})
	return nil
}
