package devices

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/school/devices/platform"
)

// Redirect is what somebody writes of a network, for the files of its
// firewall. It is not kept: the files have it.
type Redirect struct {
	Place, Filtered, Inside, Except, Resolvers string
}

// Suggested are the networks that the school has entered already.
func (r *Room) Suggested(ctx context.Context) (Redirect, error) {
	known, err := r.d.Known(ctx)
	if err != nil {
		return Redirect{}, fmt.Errorf("asking for the school's networks: %w", err)
	}
	var list []string
	for _, k := range known {
		for _, p := range k.Addresses {
			if !p.IsSingleIP() && !slices.Contains(list, p.Masked().String()) {
				list = append(list, p.Masked().String())
			}
		}
	}
	slices.Sort(list)
	return Redirect{Filtered: strings.Join(list, "\n")}, nil
}

// Network is what the files are made of. What somebody wrote and cannot be
// used is said for each field.
func (r *Room) Network(ctx context.Context, w Redirect) (platform.Network, error) {
	s, err := r.d.School(ctx)
	if err != nil {
		return platform.Network{}, fmt.Errorf("asking for the school's name: %w", err)
	}
	d, err := r.Doors(ctx)
	if err != nil {
		return platform.Network{}, err
	}
	n := platform.Network{School: s.Name, Place: strings.TrimSpace(w.Place), Web: s.WebPort}
	if n.Filter, err = netip.ParseAddr(d.Address); err != nil || !d.Open() || n.Filter.IsLoopback() {
		n.Filter = netip.Addr{}
	}
	if d.DNS {
		n.DNS = s.DNSPort
	}
	bad := store.Invalid{}
	for field, f := range map[string]struct {
		text string
		to   *[]netip.Prefix
	}{"networks": {w.Filtered, &n.Filtered}, "inside": {w.Inside, &n.Inside}, "except": {w.Except, &n.Except}} {
		if *f.to, err = platform.Ranges(f.text); err != nil {
			bad[field] = err.Error()
		}
	}
	resolvers, err := platform.Ranges(w.Resolvers)
	if err != nil {
		bad["resolvers"] = err.Error()
	}
	for _, p := range resolvers {
		if !p.IsSingleIP() {
			bad["resolvers"] = p.String() + " is a network; write addresses alone"
		}
		n.Resolvers = append(n.Resolvers, p.Addr())
	}
	if !platform.Words(n.Place, 120) {
		bad["place"] = "Write a name of at most 120 letters on one line"
	}
	if len(bad) > 0 {
		return n, bad
	}
	return n, nil
}

// FirewallFile makes the file of that name.
func (r *Room) FirewallFile(ctx context.Context, name string, w Redirect) (platform.File, error) {
	n, err := r.Network(ctx, w)
	if err != nil {
		return platform.File{}, err
	}
	if !slices.ContainsFunc(platform.Firewalls(), func(f platform.Firewall) bool { return f.Name == name }) {
		return platform.File{}, store.ErrNotFound
	}
	f, err := platform.MakeFirewall(name, n)
	if err != nil {
		return f, store.Invalid{"networks": err.Error()}
	}
	return f, nil
}
