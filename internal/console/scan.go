package console

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"belisha/internal/house"
	"belisha/internal/school/people"
)

// scanCmd looks at files as the filter looks at what passes.
type scanCmd struct {
	fresh
	Group    string   `help:"As for this group: pupils, staff or guests." default:"pupils" placeholder:"G"`
	KeyStage string   `help:"As for pupils of this key stage: KS1 to KS5." placeholder:"KS"`
	Type     string   `help:"The type that a site would name, such as text/html; found out when left out." placeholder:"MIME"`
	Files    []string `arg:"" optional:"" name:"FILE" help:"What to scan; with none, or -, standard input."`
}

// mostScan bounds what is read of a file, one byte above what is scanned.
const mostScan = 256<<20 + 1

// scannedLine is what is said of one file.
type scannedLine struct {
	File string `json:"file"`
	house.Scanned
}

func (c *scanCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if err := h.Ready(ctx); err != nil {
		return err
	}
	list := c.Files
	if len(list) == 0 {
		list = []string{"-"}
	}
	for _, name := range list {
		if err := c.one(ctx, h, cli, inv, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *scanCmd) one(ctx context.Context, h *house.House, cli *CLI, inv Invocation, name string) error {
	body, err := c.read(inv, name)
	if err != nil {
		return err
	}
	s := house.Sample{Type: c.Type, Body: body, Group: c.Group, Stage: people.KeyStage(strings.ToUpper(c.KeyStage))}
	if name != "-" {
		s.Name = name
	}
	got, err := h.Scan(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if cli.JSON {
		return inv.line(scannedLine{name, got})
	}
	says := fmt.Sprintf("%-5s %s: %s, weighs %d", got.Action, name, got.Kind, got.Score)
	if got.Limit > 0 {
		says += fmt.Sprintf(" of %d", got.Limit)
	}
	for _, extra := range []string{got.Reason, got.Detail} {
		if extra != "" {
			says += "; " + extra
		}
	}
	_, err = fmt.Fprintln(inv.Stdout, says)
	return err
}

func (c *scanCmd) read(inv Invocation, name string) ([]byte, error) {
	var from io.Reader = inv.Stdin
	if name != "-" {
		f, err := os.Open(inv.path(name))
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: look at its name and whether you may read it", name)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	body, err := io.ReadAll(io.LimitReader(from, mostScan))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return body, nil
}
