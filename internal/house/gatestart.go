package house

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"belisha/internal/gate/control"
)

// gateDir is the filter's folder in a data folder.
func gateDir(dir string) string { return filepath.Join(dir, "gate") }

// startedWith is where the command line of the running filter is kept, so
// that a later server sees whether that filter is the one it would start.
const startedWith = "started-with"

// newGateChild prepares the filter's process for a data folder.
func newGateChild(cfg Config, dir string) (*gateChild, error) {
	program := cfg.Program
	if program == "" {
		p, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = p
	}
	cfg = withWay(cfg, dir)
	args := gateArgs(cfg, dir)
	c := controlOf(dir)
	g := &gateChild{
		dir: gateDir(dir), program: program, args: args,
		alive: func(ctx context.Context) error {
			ctx, stop := context.WithTimeout(ctx, soon)
			defer stop()
			_, err := c.Status(ctx)
			return err
		},
		stop: c.Stop,
	}
	g.fits = func(s control.State) bool {
		b, err := os.ReadFile(filepath.Join(g.dir, startedWith))
		return err == nil && string(b) == g.line(cfg.Version) && s.Version == cfg.Version &&
			sameAddress(cfg.Listen.Proxy, s.Proxy) && sameAddress(cfg.Listen.DNS, s.DNS)
	}
	g.spawned = func() error {
		return writeFile(filepath.Join(g.dir, startedWith), []byte(g.line(cfg.Version)))
	}
	return g, nil
}

// line is what the running filter was started as: another version, another
// build of the program or another command line is another filter.
func (g *gateChild) line(version string) string {
	build := "unknown"
	if s, err := os.Stat(g.program); err == nil {
		build = fmt.Sprintf("%d bytes of %s", s.Size(), s.ModTime().UTC().Format(time.RFC3339Nano))
	}
	return version + "\n" + build + "\n" + strings.Join(g.arguments(), "\n")
}

// gateArgs is the filter's command line.
func gateArgs(cfg Config, dir string) []string {
	f := cfg.File.Gate
	args := []string{"gate", "--data", dir, "--listen-proxy", cfg.Listen.Proxy, "--listen-dns", cfg.Listen.DNS}
	for _, x := range [][2]string{
		{"--listen-icap", cfg.Listen.ICAP},
		{"--listen-icaps", f.ListenICAPS},
		{"--listen-transparent", cfg.Listen.Transparent},
		{"--listen-dot", cfg.Listen.DoT},
		{"--listen-doh", f.ListenDoH},
		{"--listen-radius", cfg.Listen.RADIUS},
		{"--keytab", f.Keytab},
	} {
		if x[1] != "" {
			args = append(args, x[0], x[1])
		}
	}
	for _, x := range []struct {
		flag string
		list []string
	}{{"--peer", f.Peers}, {"--peer-group", f.PeerGroups}, {"--radius-peer", f.RADIUSPeers}, {"--clamd", cfg.File.Clamd.addresses()}, {"--own-zone", f.OwnZones}} {
		for _, v := range x.list {
			args = append(args, x.flag, v)
		}
	}
	if cfg.ConfigFile != "" {
		args = append(args, "--config", cfg.ConfigFile)
	}
	for _, u := range f.UpstreamDNS {
		args = append(args, "--upstream-dns", u)
	}
	for _, p := range f.AllowPrivate {
		args = append(args, "--allow-private", p)
	}
	if f.UpstreamProxy != "" {
		args = append(args, "--upstream-proxy", f.UpstreamProxy)
	}
	if f.WithoutSnapshot != "" {
		args = append(args, "--without-snapshot", f.WithoutSnapshot)
	}
	return args
}

// sameAddress: a wanted port 0 is any port.
func sameAddress(want, have string) bool {
	if want == have {
		return true
	}
	wh, wp, werr := net.SplitHostPort(want)
	hh, hp, herr := net.SplitHostPort(have)
	return werr == nil && herr == nil && (wp == "0" && wh == hh || wp == hp && everywhere(wh) && everywhere(hh))
}

// everywhere reports whether a host stands for all addresses of the machine:
// what was asked for as 0.0.0.0 is listened on as ::.
func everywhere(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}
