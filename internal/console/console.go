// Package console is the command line: what is typed, what is said back, and
// with which exit status. A command that works on a data folder opens it; if a
// server holds the folder, the same command is done inside that server, over
// the socket in the folder.
package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	Done     = 0 // it was done, or the thing checked holds
	NotSo    = 1 // the thing checked does not hold
	WrongUse = 2 // the command was used wrongly, or is not built yet
	CouldNot = 3 // it could not be done
)

// Invocation is one command as it was typed.
type Invocation struct {
	Args    []string
	Dir     string // the caller's working folder
	User    string // the caller's name on the machine
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Version string
}

// fail says one sentence and returns the status.
func (inv Invocation) fail(status int, sentence string) int {
	sentence = strings.ReplaceAll(strings.TrimSpace(sentence), "\n", "; ")
	sentence = strings.TrimPrefix(sentence, "belisha: ") // the filter's own last words
	if sentence != "" && !strings.HasSuffix(sentence, ".") && !strings.HasSuffix(sentence, ")") {
		sentence += "."
	}
	fmt.Fprintln(inv.Stderr, "belisha: "+sentence)
	return status
}

// path makes a file the caller named absolute.
func (inv Invocation) path(p string) string {
	if p == "" || p == "-" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(inv.Dir, p)
}

// json writes v as one object on one line, indented.
func (inv Invocation) json(v any) error {
	e := json.NewEncoder(inv.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// status is an error that carries its exit status.
type status struct {
	code int
	err  error
}

func (s status) Error() string { return s.err.Error() }
func (s status) Unwrap() error { return s.err }

// notSo: the thing checked does not hold. The command has said so already
// when sentence is empty.
func notSo(sentence string) error { return status{NotSo, errors.New(sentence)} }

func wrongUse(format string, args ...any) error {
	return status{WrongUse, fmt.Errorf(format, args...)}
}

// Main runs the program and returns its exit status.
func Main(version string, args []string) int {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return Run(context.Background(), Invocation{
		Args: args, Dir: dir, User: osUser(), Version: version,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

func osUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// parse reads the command line. A nil context with a status means that all
// was said (help, or wrong use).
func parse(inv Invocation) (*CLI, *kong.Context, int) {
	var cli CLI
	ended := false
	k, err := kong.New(&cli, kong.Name("belisha"),
		kong.Description("Makes a school's own online-safety policy true."),
		kong.Writers(inv.Stdout, inv.Stderr),
		kong.Exit(func(int) { ended = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError())
	if err != nil {
		return nil, nil, inv.fail(CouldNot, err.Error())
	}
	c, err := k.Parse(inv.Args)
	if ended { // --help
		return nil, nil, Done
	}
	if err != nil {
		return nil, nil, inv.fail(WrongUse, strings.ReplaceAll(err.Error(), `"",`, "")+"; see `belisha --help`")
	}
	return &cli, c, Done
}

// Run does one command.
func Run(ctx context.Context, inv Invocation) int {
	cli, c, code := parse(inv)
	if c == nil {
		return code
	}
	cmd, ok := c.Selected().Target.Addr().Interface().(command)
	if !ok {
		return inv.fail(CouldNot, "this command has no work to do")
	}
	if d, ok := cmd.(direct); ok && d.without() {
		return inv.finish(d.direct(ctx, cli, inv))
	}
	dir := inv.path(cli.Data)
	cfg, err := cli.config(inv, dir)
	if err != nil {
		return inv.fail(CouldNot, err.Error())
	}
	_, fresh := cmd.(onFresh)
	f, err := house.OpenFolder(dir, fresh, false, clock.System{}.Now())
	if errors.Is(err, house.ErrHeld) {
		return forward(inv, house.ConsoleSocket(dir))
	}
	if errors.Is(err, house.ErrDemoFolder) {
		cfg.Demo = true
		f, err = house.OpenFolder(dir, false, true, clock.System{}.Now())
	}
	if err != nil {
		return inv.fail(CouldNot, err.Error())
	}
	h, err := house.New(ctx, cfg, f)
	if err != nil {
		return inv.fail(CouldNot, errors.Join(err, f.Close()).Error())
	}
	code = runCommand(ctx, h, cli, cmd, inv)
	if err := h.Close(); err != nil {
		return inv.fail(CouldNot, err.Error())
	}
	return code
}

// runWith does a command inside a running server.
func runWith(ctx context.Context, h *house.House, inv Invocation) int {
	cli, c, code := parse(inv)
	if c == nil {
		return code
	}
	cmd, ok := c.Selected().Target.Addr().Interface().(command)
	if !ok {
		return inv.fail(CouldNot, "this command has no work to do")
	}
	if d, ok := cmd.(direct); ok && d.without() {
		return inv.fail(WrongUse, "this command is not for a running server")
	}
	return runCommand(ctx, h, cli, cmd, inv)
}

func runCommand(ctx context.Context, h *house.House, cli *CLI, cmd command, inv Invocation) int {
	who := actor.New(actor.Actor{
		ID: "console:" + inv.User, Name: inv.User + ", at the machine's console", Kind: actor.Console,
	}, h.Capabilities()...)
	return inv.finish(cmd.run(actor.With(ctx, who), h, cli, inv))
}

// finish turns a command's error into its sentence and exit status.
func (inv Invocation) finish(err error) int {
	if err == nil {
		return Done
	}
	var s status
	if errors.As(err, &s) {
		if s.err.Error() == "" {
			return s.code
		}
		return inv.fail(s.code, s.err.Error())
	}
	return inv.fail(CouldNot, err.Error())
}
