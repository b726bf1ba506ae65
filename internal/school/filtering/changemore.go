package filtering

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// AddMust adds a line to what must be closed or open whatever else changes. It
// must hold now: a line that does not is refused with what is the case.
func (r *Room) AddMust(ctx context.Context, m Must) (Must, error) {
	if err := r.mayChange(ctx, "add to the must list: "+m.URL); err != nil {
		return m, err
	}
	if err := m.check(); err != nil {
		return m, err
	}
	m.ID, m.AddedAt, m.AddedBy = store.NewID(r.now()), r.now(), actor.From(ctx).ID
	says := m.says()
	err := r.apply(ctx, &edit{
		change: Change{Kind: kindMust, Ref: m.ID, Reason: m.Reason, What: "The must list grew.", Becomes: says},
		alter: func(st *state) error {
			if len(st.musts) >= maxMusts {
				return store.Invalid{"": fmt.Sprintf("There are %d lines already and no more fit.", maxMusts)}
			}
			st.musts = append(st.musts, m)
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_musts", ID: m.ID}}, insertMust(ctx, tx, m)
		},
	})
	return m, err
}

func (m Must) says() string {
	whom := m.Group
	if whom == "" {
		whom = "everybody"
	}
	return m.URL + " must be " + actWord(m.Act) + " for " + whom
}

// EndMust ends a line of the must list.
func (r *Room) EndMust(ctx context.Context, id, reason string) error {
	if err := r.mayChange(ctx, "end the must line "+id); err != nil {
		return err
	}
	e := &edit{change: Change{Kind: kindMust, Ref: id, Reason: strings.TrimSpace(reason), What: "A line of the must list was ended."}}
	e.alter = func(st *state) error {
		i := slices.IndexFunc(st.musts, func(m Must) bool { return m.ID == id })
		if i < 0 {
			return store.ErrNotFound
		}
		e.change.Was = st.musts[i].says()
		st.musts = slices.Delete(st.musts, i, i+1)
		return nil
	}
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		return []journal.Row{{Table: "filter_musts", ID: id}}, endRow(ctx, tx, "filter_musts", id, actor.From(ctx).ID, r.now())
	}
	return r.apply(ctx, e)
}

// Devices are the devices that the filter knows by address. House sends them
// to the filter.
func (r *Room) Devices(ctx context.Context) ([]Device, error) {
	list, err := listDevices(ctx, r.d.DB)
	if err != nil {
		return nil, fmt.Errorf("reading the devices: %w", err)
	}
	return list, nil
}

// Prefixes are the device's addresses as ranges.
func (d Device) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, a := range d.Addresses {
		if p, err := netip.ParsePrefix(a); err == nil {
			out = append(out, p)
			continue
		}
		if one, err := netip.ParseAddr(a); err == nil {
			out = append(out, netip.PrefixFrom(one, one.BitLen()))
		}
	}
	return out
}

// SaveDevice adds a device, or changes the one whose id it has.
func (r *Room) SaveDevice(ctx context.Context, d Device) (Device, error) {
	if err := r.mayChange(ctx, "save the device "+d.Label); err != nil {
		return d, err
	}
	if err := d.check(); err != nil {
		return d, err
	}
	fresh := d.ID == ""
	if fresh {
		d.ID = store.NewID(r.now())
	}
	e := &edit{change: Change{Kind: kindDevice, Ref: d.ID, What: "A device was changed.", Becomes: d.says()}}
	if fresh {
		e.change.What = "A device was added."
	}
	e.alter = func(st *state) error {
		if fresh {
			if len(st.devices) >= maxDevices {
				return store.Invalid{"": fmt.Sprintf("There are %d devices already and no more fit.", maxDevices)}
			}
			st.devices = append(st.devices, d)
			return d.clash(st.devices)
		}
		i := slices.IndexFunc(st.devices, func(x Device) bool { return x.ID == d.ID })
		if i < 0 {
			return store.ErrNotFound
		}
		e.change.Was = st.devices[i].says()
		st.devices[i] = d
		return d.clash(st.devices)
	}
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		put := updateDevice
		if fresh {
			d.Version = 1
			put = insertDevice
		}
		return []journal.Row{{Table: "filter_devices", ID: d.ID}}, put(ctx, tx, d)
	}
	if err := r.apply(ctx, e); err != nil {
		return d, err
	}
	r.d.Changed()
	return d, r.readPlaces(ctx)
}

// clash refuses two devices with one address: nobody could say which it is.
func (d Device) clash(all []Device) error {
	for _, x := range all {
		if x.ID == d.ID {
			continue
		}
		if d.MAC != "" && x.MAC == d.MAC {
			return store.Invalid{"mac": "The device " + x.Label + " has this hardware address already."}
		}
		for _, a := range d.Addresses {
			if slices.Contains(x.Addresses, a) {
				return store.Invalid{"addresses": "The device " + x.Label + " has the address " + a + " already."}
			}
		}
	}
	return nil
}

func (d Device) says() string {
	out := d.Label + ": " + strings.Join(d.Addresses, ", ")
	if d.MAC != "" {
		out += " " + d.MAC
	}
	out += ", " + d.Group
	for _, x := range []string{d.KeyStage, d.Site, d.Place} {
		if x != "" {
			out += ", " + x
		}
	}
	if d.Shared {
		out += ", shared"
	}
	if d.CA {
		out += ", has the school's certificate"
	}
	return out
}

// RemoveDevice takes a device away: the filter does not know it any more, and
// treats it as it treats whoever it does not know.
func (r *Room) RemoveDevice(ctx context.Context, id string, version int64) error {
	if err := r.mayChange(ctx, "remove the device "+id); err != nil {
		return err
	}
	d, err := getDevice(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if d.Version != version {
		return store.ErrStale
	}
	err = r.apply(ctx, &edit{
		change: Change{Kind: kindDevice, Ref: id, What: "A device was removed.", Was: d.says()},
		alter: func(st *state) error {
			st.devices = slices.DeleteFunc(st.devices, func(x Device) bool { return x.ID == id })
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_devices", ID: id}}, deleteDevice(ctx, tx, d)
		},
	})
	if err != nil {
		return err
	}
	r.d.Changed()
	return r.readPlaces(ctx)
}

// groupOf is the group of somebody by what they are.
func groupOf(k people.Kind) string {
	switch k {
	case people.Pupil:
		return GroupPupils
	case people.Staff:
		return GroupStaff
	}
	return GroupGuests
}

// GroupsOf are the groups that presence must give for somebody of the kind and
// key stage under the rules in force. It changes when the rules do: Changed is
// told.
func (r *Room) GroupsOf(k people.Kind, stage people.KeyStage) []string {
	return r.Narrow([]string{groupOf(k)}, stage)
}

// Narrow is what presence and device rows must say for somebody in the groups:
// where the rules treat a key stage otherwise in sites on no list, pupils of it
// are in a group of their own. A key stage that is not known is treated as the
// strictest.
func (r *Room) Narrow(groups []string, stage people.KeyStage) []string {
	snap := r.Snapshot()
	i := slices.Index(groups, GroupPupils)
	if snap == nil || i < 0 {
		return groups
	}
	all := snap.Names().Groups
	to := slices.IndexFunc(all, func(x verdict.Group) bool { return stage != "" && x.Slug == stageGroup(stage) })
	if stage == "" {
		to = slices.IndexFunc(all, func(x verdict.Group) bool { return x.UnlistedClosed && strings.HasPrefix(x.Slug, GroupPupils+"-") })
	}
	if to < 0 {
		return groups
	}
	out := slices.Clone(groups)
	out[i] = all[to].Slug
	return out
}
