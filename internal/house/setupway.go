package house

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/kit/store"
)

// way is what was decided, on pages, about where the filter listens and what
// stands behind it. The records have it; this file is for the filter, which is
// started before they are opened. What the config file or the command line
// says goes before it.
type way struct {
	Proxy         string   `json:"proxy,omitempty"`
	DNS           string   `json:"dns,omitempty"`
	UpstreamProxy string   `json:"upstreamProxy,omitempty"`
	UpstreamDNS   []string `json:"upstreamDNS,omitempty"`
}

const (
	wayFile = "way.json"
	dnsPort = "53"
)

// withWay is the configuration with what was decided on pages.
func withWay(cfg Config, dir string) Config {
	w, err := readWay(dir)
	if err != nil {
		slog.Warn("what was decided about the filter's addresses cannot be read; the config file holds", "err", err)
		return cfg
	}
	usual := DefaultListen()
	if w.Proxy != "" && cfg.Listen.Proxy == usual.Proxy {
		cfg.Listen.Proxy = w.Proxy
	}
	if w.DNS != "" && cfg.Listen.DNS == usual.DNS {
		cfg.Listen.DNS = w.DNS
	}
	if cfg.File.Gate.UpstreamProxy == "" {
		cfg.File.Gate.UpstreamProxy = w.UpstreamProxy
	}
	if len(cfg.File.Gate.UpstreamDNS) == 0 {
		cfg.File.Gate.UpstreamDNS = w.UpstreamDNS
	}
	return cfg
}

func readWay(dir string) (way, error) {
	var w way
	b, err := os.ReadFile(filepath.Join(gateDir(dir), wayFile))
	if errors.Is(err, os.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(b, &w)
}

func (h *House) way() way {
	w, err := readWay(h.folder.Dir)
	if err != nil {
		return way{}
	}
	return w
}

// decidedWay is what the records say.
func (h *House) decidedWay(ctx context.Context) (way, error) {
	var w way
	b, err := h.Devices.Beside(ctx)
	if err != nil {
		return w, err
	}
	w.UpstreamProxy, w.UpstreamDNS = b.Proxy, b.DNS
	d, err := h.Devices.Doors(ctx)
	if err != nil {
		return w, err
	}
	a, err := netip.ParseAddr(d.Address)
	if d.Proxy {
		// On every address: a machine that moves to another one is still found
		// by its name.
		all := netip.IPv4Unspecified()
		if err == nil && a.Is6() {
			all = netip.IPv6Unspecified()
		}
		_, port, _ := net.SplitHostPort(DefaultListen().Proxy) // our own constant
		w.Proxy = net.JoinHostPort(all.String(), port)
		if d.OnlyHere() {
			w.Proxy = ""
		}
	}
	if d.DNS && err == nil {
		// On that address alone: others of the machine often have a DNS server
		// of its own.
		w.DNS = net.JoinHostPort(a.String(), dnsPort)
	}
	return w, nil
}

// writeWay brings the filter's file to what the records say, and reports
// whether it was something else before.
func (h *House) writeWay(ctx context.Context) (changed bool, before []byte, err error) {
	w, err := h.decidedWay(ctx)
	if err != nil {
		return false, nil, err
	}
	text, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return false, nil, fmt.Errorf("writing where the filter listens: %w", err)
	}
	name := h.folder.Path("gate", wayFile)
	before, err = os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, nil, fmt.Errorf("reading where the filter listens: %w", err)
	}
	if bytes.Equal(before, text) || len(before) == 0 && string(text) == "{}" {
		return false, before, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return false, before, fmt.Errorf("writing where the filter listens: %w", err)
	}
	return true, before, writeFile(name, text)
}

// wayChanged has the filter take what was decided about its addresses, what
// stands behind it, who only tries it out, and whether it is in the path.
func (h *House) wayChanged(ctx context.Context) error {
	// What was decided is committed: the reader's going away does not leave
	// the filter half told.
	ctx = context.WithoutCancel(ctx)
	changed, before, err := h.writeWay(ctx)
	if err != nil {
		return err
	}
	if changed && h.gate.child != nil {
		if err := h.gate.rework(ctx, before); err != nil {
			return store.Invalid{"": err.Error()}
		}
	}
	if err := h.Filtering.Refresh(ctx); err != nil {
		return err
	}
	return h.gate.configure(ctx)
}

// rework starts the filter anew with what was decided. If it does not come up,
// the one before comes back, and the error says why.
func (g *gateDoor) rework(ctx context.Context, before []byte) error {
	next, err := newGateChild(g.h.cfg, g.h.folder.Dir)
	if err != nil {
		return err
	}
	old := g.child.use(next.arguments())
	err = g.replaced(ctx)
	if err == nil {
		return nil
	}
	_, _, last := g.child.State()
	g.child.use(old)
	if werr := writeFile(g.h.folder.Path("gate", wayFile), before); werr != nil {
		slog.Error("where the filter listened before could not be written back", "err", werr)
	}
	if last != "" {
		return fmt.Errorf("the filter could not listen there, so it stays where it was: %s", strings.TrimPrefix(last, "belisha: "))
	}
	return err
}

// replaced ends the running filter and waits until its keeper has started the
// next one.
func (g *gateDoor) replaced(ctx context.Context) error {
	had, err := control.ReadState(g.dir)
	if err != nil {
		return fmt.Errorf("finding the running filter: %w", err)
	}
	starts, _, _ := g.child.State()
	if err := g.child.stop(ctx); err != nil && !errors.Is(err, control.ErrNotThere) {
		return fmt.Errorf("ending the filter: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, gateStartWithin)
	defer stop()
	for {
		now, _, last := g.child.State()
		if s, err := control.ReadState(g.dir); err == nil && s.PID != had.PID && g.child.alive(ctx) == nil {
			g.took(s)
			return nil
		}
		if now > starts && last != "" {
			return errors.New("the filter did not start")
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return errors.New("the filter did not start in time")
		}
	}
}
