package console

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"belisha/internal/house"
)

// serviceName is what the system calls Belisha.
const serviceName = "belisha"

// serviceCmd has Belisha start with the machine.
type serviceCmd struct {
	Install serviceInstallCmd `cmd:"" help:"Start Belisha at boot, and now."`
	Remove  serviceRemoveCmd  `cmd:"" help:"End Belisha and no longer start it at boot. The data folder stays."`
}

type serviceInstallCmd struct {
	alone
	ListenPages string `help:"Where the pages listen." placeholder:"HOST:PORT"`
	ListenProxy string `help:"Where the proxy listens." placeholder:"HOST:PORT"`
	ListenDNS   string `help:"Where DNS listens." name:"listen-dns" placeholder:"HOST:PORT"`
	ListenAdmin string `help:"Where admin and metrics listen." placeholder:"HOST:PORT"`
	Print       bool   `help:"Only print what would be installed."`
}

type serviceRemoveCmd struct{ alone }

// manager is what starts programs on this machine.
type manager interface {
	// text is what would be installed, for somebody to read.
	text(s serviceSpec) (string, error)
	// install may be asked again and again; it returns what it did, a
	// sentence each.
	install(ctx context.Context, s serviceSpec) ([]string, error)
	remove(ctx context.Context, s serviceSpec) ([]string, error)
}

// serviceSpec is what is to be started.
type serviceSpec struct {
	Program string   // absolute
	Data    string   // absolute
	Config  string   // absolute, "" for the one in the data folder
	Listen  []string // flags of `serve`
}

// args is the command line after the program's name.
func (s serviceSpec) args() []string {
	out := []string{"serve", "--data", s.Data}
	if s.Config != "" {
		out = append(out, "--config", s.Config)
	}
	return append(out, s.Listen...)
}

func (c *serviceInstallCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	spec, err := specOf(cli, inv)
	if err != nil {
		return err
	}
	for _, f := range [][2]string{
		{"--listen-pages", c.ListenPages}, {"--listen-proxy", c.ListenProxy}, {"--listen-dns", c.ListenDNS}, {"--listen-admin", c.ListenAdmin},
	} {
		if f[1] != "" {
			spec.Listen = append(spec.Listen, f[0], f[1])
		}
	}
	if _, err := house.ReadFile(spec.Config, spec.Data); err != nil {
		return err
	}
	if c.Print {
		text, err := machine().text(spec)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(inv.Stdout, text)
		return err
	}
	did, err := machine().install(ctx, spec)
	return inv.say(cli, "installed", did, err)
}

func (serviceRemoveCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	spec, err := specOf(cli, inv)
	if err != nil {
		return err
	}
	did, err := machine().remove(ctx, spec)
	return inv.say(cli, "removed", did, err)
}

// say reports what was done, also where a later step failed.
func (inv Invocation) say(cli *CLI, what string, did []string, err error) error {
	if cli.JSON && err == nil {
		return inv.json(struct {
			Service string   `json:"service"`
			Did     []string `json:"did"`
		}{what, did})
	}
	for _, d := range did {
		fmt.Fprintln(inv.Stdout, d)
	}
	return err
}

// specOf is the program and the folders as the caller means them.
func specOf(cli *CLI, inv Invocation) (serviceSpec, error) {
	program, err := thisProgram()
	if err != nil {
		return serviceSpec{}, err
	}
	s := serviceSpec{Program: program, Data: filepath.Clean(inv.path(cli.Data)), Config: inv.path(cli.Config)}
	for _, p := range []string{s.Program, s.Data, s.Config} {
		if strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return s, wrongUse("%q has a control character in it; choose another name", p)
		}
	}
	return s, nil
}

// errNoManager says that nothing on this machine starts programs in a way we
// know.
var errNoManager = errors.New("this machine is not run by systemd or Windows: have whatever starts its programs run `belisha serve`, with the same --data")
