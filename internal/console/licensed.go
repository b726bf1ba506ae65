package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"belisha/internal/house"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

type listsLicensedCmd struct {
	Import licensedImportCmd `cmd:"" help:"Take up a list that a supplier hands over under contract. Its entries are never shown or kept in words."`
	Status licensedStatusCmd `cmd:"" help:"The licensed lists in force: count, hash and age."`
	End    licensedEndCmd    `cmd:"" help:"Take a licensed list out of force: the contract is over."`
}

type licensedImportCmd struct {
	fresh
	Title       string `help:"What to call it." required:"" placeholder:"N"`
	Supplier    string `help:"Who supplies it." required:"" placeholder:"WHO"`
	Subject     string `help:"abuse, terrorism or other." enum:"abuse,terrorism,other" default:"abuse"`
	Form        string `help:"plain, sha256, sha1 or md5: how the supplier writes it." enum:"plain,sha256,sha1,md5" default:"plain"`
	SaltFile    string `help:"File with the salt that the supplier gives; all of its bytes but a line's end." placeholder:"FILE"`
	Credentials string `help:"Of an address: file with one line, user:password or Bearer and a token." placeholder:"FILE"`
	Inside      bool   `name:"allow-inside" help:"Of an address: a server inside the school's network will do."`
	AllowShrink bool   `help:"The list has really lost so much; the supplier was asked."`
	Reason      string `help:"Why: the contract, for instance." required:"" placeholder:"WHY"`
	Path        string `arg:"" help:"The supplier's file, outside Belisha's folder, or an https address, which is then asked every day."`
}

func (c *licensedImportCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	o := filtering.LicensedOptions{AllowShrink: c.AllowShrink, List: filtering.Licensed{
		Title: c.Title, Supplier: c.Supplier, Subject: c.Subject, Form: verdict.LicensedForm(c.Form), Reason: c.Reason, Private: c.Inside,
	}}
	path := strings.TrimPrefix(c.Path, "file://")
	if strings.Contains(path, "://") {
		o.List.URL = path
	} else {
		o.Path = inv.path(path)
	}
	if o.List.URL == "" && (c.Credentials != "" || c.Inside) {
		return wrongUse("--credentials and --allow-inside are for a list with an address")
	}
	if c.Credentials != "" {
		o.List.SecretFile = inv.path(c.Credentials)
	}
	if c.SaltFile != "" {
		salt, err := readSalt(inv.path(c.SaltFile))
		if err != nil {
			return err
		}
		o.Salt = salt
	}
	if err := h.Ready(ctx); err != nil {
		return err
	}
	rep, err := h.Filtering.ImportLicensed(ctx, o)
	if cli.JSON && rep.ID != "" {
		if jerr := inv.json(rep); jerr != nil {
			return jerr
		}
	} else if err == nil {
		fmt.Fprintf(inv.Stdout, "%s: %s, %d entries, %d of %d lines could not be used\n", rep.Title, rep.State, rep.Entries, rep.Refused, rep.Lines)
	}
	if err != nil {
		return plainInvalid(err)
	}
	return nil
}

func readSalt(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file with the salt: %w", err)
	}
	defer f.Close()
	const most = 300
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("reading the file with the salt: %w", err)
	}
	return []byte(strings.TrimRight(string(b), "\r\n")), nil
}

type licensedStatusCmd struct{ fresh }

func (c *licensedStatusCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	all, err := h.Filtering.LicensedLists(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		if cli.JSON {
			if err := inv.line(l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(inv.Stdout, "%-24s %10d entries  SHA-256 %s  %s\n", l.Title, l.Entries, l.Digest, l.Says)
	}
	if cli.JSON {
		return nil
	}
	says, err := h.Filtering.LicensedSays(ctx)
	if err != nil {
		return err
	}
	for _, s := range says {
		fmt.Fprintln(inv.Stdout, s)
	}
	return nil
}

type licensedEndCmd struct {
	fresh
	Reason string `help:"Why." required:"" placeholder:"WHY"`
	List   string `arg:"" help:"Its name."`
}

func (c *licensedEndCmd) run(ctx context.Context, h *house.House, _ *CLI, inv Invocation) error {
	all, err := h.Filtering.LicensedLists(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.ID == c.List || l.Title == c.List {
			if err := h.Filtering.EndLicensed(ctx, l.ID, c.Reason); err != nil {
				return plainInvalid(err)
			}
			fmt.Fprintf(inv.Stdout, "%s: not in force any more\n", l.Title)
			return nil
		}
	}
	return fmt.Errorf("there is no licensed list %q", c.List)
}
