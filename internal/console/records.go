package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"belisha/internal/house"
	"belisha/internal/kit/backup"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// line writes v as one line of JSON.
func (inv Invocation) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = inv.Stdout.Write(append(b, '\n'))
	return err
}

func joinWords(list []string) string { return strings.Join(list, ", ") }

// writeNew writes a file that must not be there yet.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; name another file", name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, werr := f.Write(data)
	return errors.Join(werr, f.Close())
}

type peopleCmd struct {
	Import peopleImportCmd `cmd:"" help:"Bring in the roll."`
}

type peopleImportCmd struct {
	fresh
	Format       string `help:"auto, csv, oneroster, sds or ctf (ldap is not built yet)." enum:"auto,csv,oneroster,sds,ctf,ldap" default:"auto"`
	Map          string `help:"A mapping file: field = \"Column\"." placeholder:"FILE"`
	DryRun       bool   `help:"Only say what would happen."`
	AllowLeavers bool   `help:"Many people have really left; somebody looked."`
	Partial      bool   `help:"The file is a part of the roll; nobody leaves by it."`
	Path         string `arg:"" help:"A CSV file, a OneRoster or School Data Sync folder or zip, or a Common Transfer File."`
}

func (c *peopleImportCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if c.Format == "ldap" {
		return wrongUse("the roll format ldap is not built yet in this version; csv, oneroster, sds and ctf are")
	}
	res, err := h.People.Import(ctx, people.Options{
		Path: inv.path(c.Path), Format: people.Format(c.Format), Map: inv.path(c.Map),
		DryRun: c.DryRun, AllowLeavers: c.AllowLeavers, Partial: c.Partial,
	})
	var held people.Held
	if err != nil && !errors.As(err, &held) {
		return plainInvalid(err)
	}
	if cli.JSON {
		if jerr := inv.json(res); jerr != nil {
			return jerr
		}
	} else {
		printRoll(inv, res)
	}
	if held != "" {
		return status{CouldNot, errors.New(string(held) + " (--allow-leavers, or --partial)")}
	}
	return nil
}

// plainInvalid shortens a refusal of one thing to its sentence.
func plainInvalid(err error) error {
	var bad store.Invalid
	if errors.As(err, &bad) && len(bad) == 1 {
		for _, words := range bad {
			return errors.New(words)
		}
	}
	return err
}

func printRoll(inv Invocation, r people.Result) {
	verb := "came in"
	if r.DryRun {
		verb = "would come in"
	}
	fmt.Fprintf(inv.Stdout, "%s, %s", r.Format, r.Encoding)
	if r.Delimiter != "" {
		fmt.Fprintf(inv.Stdout, ", %q between columns", r.Delimiter)
	}
	fmt.Fprintln(inv.Stdout)
	for _, f := range append(r.Refused, r.Warnings...) {
		fmt.Fprintf(inv.Stdout, "%s:%d: %s: %s\n", f.File, f.Line, f.Field, f.Reason)
	}
	fmt.Fprintf(inv.Stdout, "%d joiners, %d leavers, %d changed, %d unchanged; %d rows refused; this %s\n",
		len(r.Joiners), len(r.Leavers), len(r.Changed), r.Unchanged, len(r.Refused), verb)
}

type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Does the chain hold, or where does it break?"`
	Export journalExportCmd `cmd:"" help:"Write every line, oldest first, as JSON lines."`
}

type journalVerifyCmd struct{}

func (c *journalVerifyCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	rep, err := h.Journal().Verify(ctx)
	if err != nil {
		return err
	}
	if cli.JSON {
		if err := inv.json(rep); err != nil {
			return err
		}
	}
	if rep.Fault != nil {
		if cli.JSON {
			return notSo("")
		}
		return notSo(rep.Fault.What)
	}
	if !cli.JSON {
		fmt.Fprintf(inv.Stdout, "The journal holds: %d lines, %d with their detail erased; head %s\n", rep.Lines, rep.Erased, short(rep.Head.Hash))
		if rep.Outside == nil {
			fmt.Fprintln(inv.Stdout, "Its end could not be held against journal.head, which is not in the data folder: lines cut off at the end would not be noticed.")
		}
	}
	return nil
}

func short(hash string) string {
	if len(hash) > 16 {
		return hash[:16]
	}
	return hash
}

type journalExportCmd struct {
	File string `arg:"" optional:"" help:"Where to write it; standard output when left out." placeholder:"FILE"`
}

func (c *journalExportCmd) run(ctx context.Context, h *house.House, _ *CLI, inv Invocation) error {
	if err := h.NoteExport(ctx); err != nil {
		return err
	}
	out := inv
	if c.File != "" && c.File != "-" {
		f, err := os.OpenFile(inv.path(c.File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; name another file", c.File)
		}
		if err != nil {
			return fmt.Errorf("writing the journal: %w", err)
		}
		defer func() { _ = f.Close() }()
		out.Stdout = f
	}
	return h.Journal().Export(ctx, func(l journal.Line) error { return out.line(l) })
}

type backupCmd struct {
	Run     backupRunCmd     `cmd:"" help:"Make an encrypted backup now."`
	List    backupListCmd    `cmd:"" help:"The backups there are."`
	Verify  backupVerifyCmd  `cmd:"" help:"Restore one into a scratch place and check it."`
	Restore backupRestoreCmd `cmd:"" help:"Restore one to a folder."`
}

type backupRunCmd struct{}

func (c *backupRunCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	res, err := h.Backup.Run(ctx)
	return inv.backupResult(cli, res, err, "made")
}

func (inv Invocation) backupResult(cli *CLI, res backup.Result, err error, verb string) error {
	if err != nil {
		return err
	}
	if cli.JSON {
		return inv.json(res)
	}
	_, err = fmt.Fprintf(inv.Stdout, "%s was %s: %d bytes, encrypted\n", res.File, verb, res.Bytes)
	return err
}

type backupListCmd struct{}

func (c *backupListCmd) run(_ context.Context, h *house.House, cli *CLI, inv Invocation) error {
	list, err := h.Backup.List()
	if err != nil {
		return err
	}
	if !cli.JSON && len(list) == 0 {
		fmt.Fprintln(inv.Stdout, "There is no backup yet; make one with `belisha backup run`.")
	}
	for _, b := range list {
		if cli.JSON {
			if err := inv.line(b); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(inv.Stdout, "%s  %12d  %s\n", b.Made.Format("2006-01-02 15:04"), b.Bytes, b.File)
	}
	return nil
}

type backupVerifyCmd struct {
	File string `arg:"" optional:"" help:"Which; the newest when left out."`
}

func (c *backupVerifyCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	res, err := h.Backup.Verify(ctx, c.File, backup.KindVerify)
	if errors.Is(err, backup.ErrBusy) || errors.Is(err, backup.ErrNone) || errors.Is(err, backup.ErrMissing) {
		return err // nothing was checked
	}
	if err != nil {
		return notSo(err.Error())
	}
	return inv.backupResult(cli, res, nil, "restored into a scratch place and found whole")
}

type backupRestoreCmd struct {
	alone
	Archive string `arg:"" help:"The backup file."`
	To      string `help:"The folder to restore to: new, or empty." required:"" placeholder:"DIR"`
	Key     string `help:"The school key file; else the recovery words are read from standard input." placeholder:"FILE"`
}

func (c *backupRestoreCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	res, err := house.Restore(ctx, house.RestoreRequest{
		Archive: inv.path(c.Archive), To: inv.path(c.To), KeyFile: inv.path(c.Key), Words: inv.Stdin,
		Data: inv.path(cli.Data), Clock: clock.System{},
	})
	if err != nil {
		return err
	}
	if cli.JSON {
		return inv.json(res)
	}
	_, err = fmt.Fprintf(inv.Stdout, "restored to %s: the school as it was on %s, %d files; start it with `belisha serve --data %s`\n",
		res.Folder, res.Made.Format("2 January 2006 15:04"), res.Files, res.Folder)
	return err
}

type doctorCmd struct{}

// look is one line of what doctor reports.
type look struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Words string `json:"words"`
	Todo  string `json:"todo,omitempty"`
}

func (c *doctorCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	ill := false
	for _, k := range h.Health(ctx) {
		if cli.JSON {
			if err := inv.line(look{k.Name, string(k.State), k.Words, k.Todo}); err != nil {
				return err
			}
		} else {
			fmt.Fprintf(inv.Stdout, "%-15s %s: %s\n", k.State.Words(), k.Name, k.Words)
			if k.Todo != "" {
				fmt.Fprintf(inv.Stdout, "%-15s → %s\n", "", k.Todo)
			}
		}
		ill = ill || k.State == "broken"
	}
	if ill {
		return notSo("")
	}
	return nil
}
