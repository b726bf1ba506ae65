package house

import (
	"context"
	"log/slog"
	"time"

	"belisha/internal/kit/clock"
	"belisha/internal/school/filtering"
)

// namesFor is how long the names of devices are not read anew.
const namesFor = 30 * time.Second

// deviceNames calls devices in the record by the names that the school gave
// them: the filter knows their ids alone. Only the pump asks it.
type deviceNames struct {
	list  func(ctx context.Context) ([]filtering.Device, error)
	clock clock.Clock
	names map[string]string
	until time.Time
}

// of is a device's name; of one that has none any more, what the filter calls
// it. What passed is kept whether or not it has a name.
func (d *deviceNames) of(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	if now := d.clock.Now(); !now.Before(d.until) {
		d.until = now.Add(namesFor)
		d.read(ctx)
	}
	if name := d.names[id]; name != "" {
		return name
	}
	return id
}

func (d *deviceNames) read(ctx context.Context) {
	list, err := d.list(ctx)
	if err != nil {
		slog.Error("devices stand in the record without their names", "err", err)
		return
	}
	d.names = make(map[string]string, len(list))
	for _, x := range list {
		d.names[x.ID] = x.Label
	}
}
