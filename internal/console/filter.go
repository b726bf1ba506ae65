package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/house"
	"belisha/internal/school/filtering"
)

type decideCmd struct {
	fresh
	As       string   `help:"As this person, by user name." placeholder:"USER"`
	Group    string   `help:"As this group: pupils, staff or guests." placeholder:"G"`
	At       string   `help:"At this time: 2026-11-23T10:15, in the school's zone, or with one." placeholder:"TIME"`
	KeyStage string   `help:"In this key stage: KS1 to KS5." placeholder:"KS"`
	Place    string   `help:"At this place of the school." placeholder:"P"`
	URLs     []string `arg:"" optional:"" name:"URL" help:"What to ask; with none, one a line from standard input."`
}

// maxURL bounds a line of standard input.
const maxURL = 1 << 20

func (c *decideCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if c.As != "" && c.Group != "" {
		return wrongUse("--as and --group are one or the other")
	}
	at, err := c.at(h)
	if err != nil {
		return err
	}
	if err := h.Ready(ctx); err != nil {
		return err
	}
	one := func(url string) error {
		a, err := h.Filtering.Decide(ctx, filtering.Question{URL: url, Group: c.Group, User: c.As, KeyStage: c.KeyStage, Place: c.Place, At: at})
		if err != nil {
			return plainInvalid(err)
		}
		if cli.JSON {
			return inv.line(a)
		}
		_, err = fmt.Fprintf(inv.Stdout, "%-5s %s: %s\n", a.Action, url, a.Says)
		return err
	}
	for _, u := range c.URLs {
		if err := one(u); err != nil {
			return err
		}
	}
	if len(c.URLs) > 0 {
		return nil
	}
	in := bufio.NewScanner(inv.Stdin)
	in.Buffer(make([]byte, 64<<10), maxURL)
	for in.Scan() {
		if err := one(strings.TrimRight(in.Text(), "\r")); err != nil {
			return err
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return errors.New("a line of standard input is longer than 1 MB; that is no address")
	}
	return in.Err()
}

// at reads --at in the school's zone.
func (c *decideCmd) at(h *house.House) (time.Time, error) {
	if c.At == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, c.At, h.Zone()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUse("--at %s is not a time; write it as 2026-11-23T10:15", c.At)
}

type listsCmd struct {
	Import listsImportCmd `cmd:"" help:"Take up a list of sites from a path or an address."`
	Update listsUpdateCmd `cmd:"" help:"Take up every list again from its path or address."`
	Status listsStatusCmd `cmd:"" help:"The lists in use, their age and size."`
	Show   listsShowCmd   `cmd:"" help:"One list, category by category."`

	Licensed listsLicensedCmd `cmd:"" help:"Lists that a supplier hands over under contract."`
}

type listsImportCmd struct {
	fresh
	Format      string            `help:"auto (finds out), ut1 (also Shalla and squidGuard), e2guardian, squidguard (a squidGuard.conf alone), hosts, plain, wildcard, adblock, dnsmasq, rpz, unbound, bind, surge (also Clash), csv, json, redwood, regex (Pi-hole), p2p or phrases (e2guardian's, to weigh pages with). doc/lists.md says what is understood of each." default:"auto"`
	Name        string            `help:"What to call it; the path's last part when left out." placeholder:"N"`
	Category    string            `help:"Category of a list that does not name its own." placeholder:"C"`
	Map         map[string]string `help:"The list's category to ours: porn=adult. May be repeated." placeholder:"THEIRS=OURS"`
	AllowShrink bool              `help:"The list has really lost so much; somebody looked."`
	Checksum    string            `help:"Of an address: the SHA-256 sum, or the address of the publisher's file of sums." placeholder:"SUM"`
	HTTP        bool              `name:"allow-http" help:"Of an address: http will do, although anybody on the way can change the list."`
	Inside      bool              `name:"allow-inside" help:"Of an address: a server inside the school's network will do."`
	Reason      string            `help:"Of an address: why it is fetched." placeholder:"WHY"`
	Path        string            `arg:"" help:"A file, folder or archive, or an https address, which is then asked every day."`
}

func (c *listsImportCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	path := strings.TrimPrefix(c.Path, "file://")
	web := strings.Contains(path, "://")
	if !web {
		path = inv.path(path)
	}
	if !web && (c.Checksum != "" || c.HTTP || c.Inside) {
		return wrongUse("--checksum, --allow-http and --allow-inside are for a list with an address")
	}
	if web && c.HTTP && strings.HasPrefix(path, "http://") && c.Checksum == "" {
		fmt.Fprintln(inv.Stderr, "Over http anybody on the way can change the list; give --checksum, or use https.")
	}
	if err := h.Ready(ctx); err != nil {
		return err
	}
	rep, err := h.Filtering.Import(ctx, filtering.Options{
		Path: path, Format: c.Format, Name: c.Name, Category: c.Category, Map: c.Map, AllowShrink: c.AllowShrink,
		Sum: c.Checksum, Plain: c.HTTP, Private: c.Inside, Reason: c.Reason,
	})
	return inv.listReport(cli, rep, err)
}

func (inv Invocation) listReport(cli *CLI, rep filtering.Report, err error) error {
	if cli.JSON && rep.Source != "" {
		if jerr := inv.json(rep); jerr != nil {
			return jerr
		}
	} else if err == nil {
		printList(inv, rep)
	}
	if err != nil {
		return plainInvalid(err)
	}
	return nil
}

func printList(inv Invocation, rep filtering.Report) {
	for _, f := range rep.Files {
		for _, r := range f.Refused {
			fmt.Fprintf(inv.Stdout, "%s:%d: %s: %s\n", f.File, r.Line, r.Text, r.Reason)
		}
	}
	if rep.SourceMeta.Segment == "" && rep.State == "unchanged" {
		fmt.Fprintf(inv.Stdout, "%s: unchanged, %s\n", rep.Title, rep.Reason)
		return
	}
	for _, s := range rep.Suggests() {
		fmt.Fprintln(inv.Stdout, s)
	}
	fmt.Fprintf(inv.Stdout, "%s: %s, %d names in %d categories\n", rep.Title, rep.State, rep.Names, len(rep.Categories))
	if rep.State == "imported" {
		fmt.Fprintf(inv.Stdout, "Taken up: %s. Not taken up: %s.\n", rep.Counted(), rep.Lost())
	}
}

type listsUpdateCmd struct{ fresh }

func (c *listsUpdateCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if err := h.Ready(ctx); err != nil {
		return err
	}
	reps, err := h.Filtering.Update(ctx)
	for _, r := range reps {
		if cli.JSON {
			if jerr := inv.line(r); jerr != nil {
				return jerr
			}
			continue
		}
		printList(inv, r)
	}
	if len(reps) == 0 && err == nil && !cli.JSON {
		fmt.Fprintln(inv.Stdout, "Only the starter list is loaded; take up another with `belisha lists import`.")
	}
	return err
}

type listsStatusCmd struct{ fresh }

func (c *listsStatusCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	list, err := h.Filtering.Status(ctx)
	if err != nil {
		return err
	}
	for _, l := range list {
		if cli.JSON {
			if err := inv.line(l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(inv.Stdout, "%-24s %10d names  %s\n", l.Title, l.Names, l.Says)
	}
	if !cli.JSON {
		says, err := h.Filtering.LicensedSays(ctx)
		if err != nil {
			return err
		}
		for _, s := range says {
			fmt.Fprintln(inv.Stdout, s)
		}
	}
	return nil
}

type listsShowCmd struct {
	fresh
	List string `arg:"" optional:"" help:"Its name; all when left out."`
}

func (c *listsShowCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if c.List == "" {
		return (&listsStatusCmd{}).run(ctx, h, cli, inv)
	}
	l, err := h.Filtering.Show(ctx, c.List)
	if err != nil {
		return err
	}
	if cli.JSON {
		return inv.json(l)
	}
	fmt.Fprintf(inv.Stdout, "%s: %d names. %s\n", l.Title, l.Names, l.Says)
	for _, k := range l.Categories {
		fmt.Fprintf(inv.Stdout, "  %+v\n", k)
	}
	return nil
}
