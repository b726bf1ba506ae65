package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"belisha/internal/demo"
	"belisha/internal/house"
	"belisha/internal/kit/clock"
)

type serveCmd struct {
	alone
	Demo        bool   `help:"Fill an empty folder with an invented school; loopback only."`
	ListenPages string `help:"Where the pages listen." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	ListenProxy string `help:"Where the proxy listens." default:"127.0.0.1:3128" placeholder:"HOST:PORT"`
	ListenDNS   string `help:"Where DNS listens, UDP and TCP." name:"listen-dns" default:"127.0.0.1:5335" placeholder:"HOST:PORT"`
	ListenAdmin string `help:"Where admin and metrics listen." default:"127.0.0.1:9090" placeholder:"HOST:PORT"`

	ListenICAP        string `name:"listen-icap" help:"Where ICAP listens, for a proxy that the school keeps; off unless given." placeholder:"HOST:PORT"`
	ListenTransparent string `help:"Where redirected web connections arrive; off unless given." placeholder:"HOST:PORT"`
	ListenDoT         string `name:"listen-dot" help:"Where DNS over TLS listens; off unless given." placeholder:"HOST:PORT"`
	ListenRADIUS      string `name:"listen-radius" help:"Where RADIUS accounting arrives; off unless given." placeholder:"HOST:PORT"`
	ListenMilter      string `hidden:""`
}

// notYet names a door that was asked for and is not built.
func (c *serveCmd) notYet() error {
	if c.ListenMilter != "" {
		return wrongUse("--listen-milter is not built yet in this version")
	}
	return nil
}

// demoData is where the demonstration lives unless --data says otherwise.
const demoData = "belisha-demo"

func (c *serveCmd) direct(ctx context.Context, cli *CLI, inv Invocation) (err error) {
	if err := c.notYet(); err != nil {
		return err
	}
	dir := inv.path(cli.Data)
	if c.Demo && cli.Data == "./belisha-data" {
		dir = inv.path(demoData)
	}
	cfg, err := cli.config(inv, dir)
	if err != nil {
		return err
	}
	cfg.Demo = c.Demo
	if c.Demo {
		cfg.Clock = &demo.Clock{}
	}
	cfg.Listen = house.Listen{
		Pages: c.ListenPages, Proxy: c.ListenProxy, DNS: c.ListenDNS, Admin: c.ListenAdmin,
		ICAP: c.ListenICAP, Transparent: c.ListenTransparent, DoT: c.ListenDoT, RADIUS: c.ListenRADIUS,
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchSignals(ctx, stop)
	defer underManager(stop)()
	f, err := house.OpenFolder(dir, true, c.Demo, clock.System{}.Now())
	if err != nil {
		return err
	}
	if err := house.StartGate(ctx, cfg, f); err != nil {
		return errors.Join(err, f.Close())
	}
	h, err := house.New(ctx, cfg, f)
	if err != nil {
		return fmt.Errorf("%w; if the filter was running, it goes on with its last rules", err)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if c.Demo {
		if err := invent(ctx, h, inv); err != nil {
			return err
		}
	}
	err = h.Run(ctx, house.RunOptions{
		Console: func(ctx context.Context, l net.Listener) error { return Serve(ctx, h, l) },
		Ready: func(a house.Addresses) {
			if cli.JSON {
				c.readyJSON(ctx, h, inv, a)
				return
			}
			c.ready(ctx, h, inv, a)
		},
	})
	return errors.Join(err, c.endGate(ctx, dir))
}

// invent fills an empty demonstration.
func invent(ctx context.Context, h *house.House, inv Invocation) error {
	done, err := demo.Done(ctx, h)
	if err != nil || done {
		return err
	}
	fmt.Fprintln(inv.Stderr, "Inventing a school; this takes some seconds …")
	if err := demo.Fill(ctx, h); err != nil {
		return fmt.Errorf("inventing the school: %w", err)
	}
	return nil
}

// errInterrupted is the cause of an end by Ctrl-C.
var errInterrupted = errors.New("interrupted")

// watchSignals ends ctx on SIGINT and SIGTERM, and remembers which it was.
func watchSignals(ctx context.Context, stop context.CancelCauseFunc) {
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(sig)
		select {
		case <-ctx.Done():
		case s := <-sig:
			if s == os.Interrupt {
				stop(errInterrupted)
			} else {
				stop(errors.New("told to end"))
			}
		}
	}()
}

// endGate ends the filter where whoever ended the server meant both: Ctrl-C,
// or a demonstration. After SIGTERM, which a service manager sends for an
// upgrade, the filter goes on.
func (c *serveCmd) endGate(ctx context.Context, dir string) error {
	if !c.Demo && !errors.Is(context.Cause(ctx), errInterrupted) {
		return nil
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return house.StopGate(end, dir)
}

// ready prints where everything is, and how to begin.
func (c *serveCmd) ready(ctx context.Context, h *house.House, inv Invocation, a house.Addresses) {
	fmt.Fprintf(inv.Stdout, "Belisha %s, data in %s\n\n", inv.Version, h.Folder().Dir)
	fmt.Fprintf(inv.Stdout, "  pages   %s/\n", a.URL)
	fmt.Fprintf(inv.Stdout, "  proxy   %s\n", a.Proxy)
	fmt.Fprintf(inv.Stdout, "  DNS     %s (UDP and TCP)\n", a.DNS)
	for _, name := range slices.Sorted(maps.Keys(a.More)) {
		fmt.Fprintf(inv.Stdout, "  %-7s %s\n", doorTitle(name), a.More[name])
	}
	fmt.Fprintf(inv.Stdout, "  admin   http://%s/\n\n", a.Admin)
	if c.Demo {
		fmt.Fprintln(inv.Stdout, "An invented school. Sign in as:")
		for _, d := range demo.Accounts() {
			fmt.Fprintf(inv.Stdout, "  %-22s %-16s %s\n", d.Role, d.Username, d.Password)
		}
		fmt.Fprintln(inv.Stdout)
	}
	code, err := h.Setup.Code(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(inv.Stderr, "belisha: the set-up code could not be made:", err)
	case code != "":
		fmt.Fprintf(inv.Stdout, "Set up your school: %s/set-up\n  code: %s\n\n", a.URL, code)
	}
	fmt.Fprintln(inv.Stdout, "Ready. Ctrl-C ends the pages and the filter.")
}

// doorTitle is a further door's name as people write it.
func doorTitle(name string) string {
	switch name {
	case "icap", "icaps", "radius":
		return strings.ToUpper(name)
	case "dot":
		return "DoT"
	case "doh":
		return "DoH"
	}
	return name
}

// started is what `serve --json` prints once every door is open.
type started struct {
	Version string `json:"version"`
	Data    string `json:"data"`
	Pages   string `json:"pages"` // host:port
	Proxy   string `json:"proxy"`
	DNS     string `json:"dns"`
	Admin   string `json:"admin"`
	// Further doors, where they are open.
	ICAP        string         `json:"icap,omitempty"`
	ICAPS       string         `json:"icaps,omitempty"`
	Transparent string         `json:"transparent,omitempty"`
	DoT         string         `json:"dot,omitempty"`
	DoH         string         `json:"doh,omitempty"`
	RADIUS      string         `json:"radius,omitempty"`
	SetUp       string         `json:"set_up,omitempty"` // address of the set-up page
	Code        string         `json:"code,omitempty"`
	Demo        []demo.Account `json:"demo,omitempty"`
}

func (c *serveCmd) readyJSON(ctx context.Context, h *house.House, inv Invocation, a house.Addresses) {
	s := started{Version: inv.Version, Data: h.Folder().Dir, Pages: a.Pages, Proxy: a.Proxy, DNS: a.DNS, Admin: a.Admin}
	s.ICAP, s.ICAPS, s.Transparent = a.More["icap"], a.More["icaps"], a.More["transparent"]
	s.DoT, s.DoH, s.RADIUS = a.More["dot"], a.More["doh"], a.More["radius"]
	if c.Demo {
		s.Demo = demo.Accounts()
	}
	code, err := h.Setup.Code(ctx)
	if err != nil {
		fmt.Fprintln(inv.Stderr, "belisha: the set-up code could not be made:", err)
	}
	if code != "" {
		s.Code, s.SetUp = code, a.URL+"/set-up"
	}
	if err := inv.line(s); err != nil {
		fmt.Fprintln(inv.Stderr, "belisha:", err)
	}
}
