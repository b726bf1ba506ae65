package console

import (
	"context"
	"errors"
	"fmt"
	"os"

	"belisha/internal/house"
	"belisha/internal/kit/clock"
)

// scratch opens an empty house in a temporary folder, for commands that ask
// what Belisha knows rather than what a school has.
func scratch(ctx context.Context, inv Invocation, fn func(h *house.House) error) (err error) {
	dir, err := os.MkdirTemp("", "belisha-scratch-")
	if err != nil {
		return fmt.Errorf("making a scratch folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := house.OpenFolder(dir, true, false, clock.System{}.Now())
	if err != nil {
		return err
	}
	h, err := house.New(ctx, house.Config{Dir: dir, Version: inv.Version}, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return fn(h)
}

type requirementsCmd struct {
	alone
	State string `help:"Only those in this state." enum:",enforced,recorded,attested,missing" default:""`
}

func (c *requirementsCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	return scratch(ctx, inv, func(h *house.House) error {
		counts := map[string]int{}
		for _, q := range h.Policies.Requirements() {
			counts[string(q.State)]++
			if c.State != "" && string(q.State) != c.State {
				continue
			}
			if cli.JSON {
				if err := inv.line(q); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(inv.Stdout, "%-8s %-9s %s\n", q.ID, q.State, joinWords(q.By))
		}
		if !cli.JSON {
			fmt.Fprintf(inv.Stdout, "\n%d enforced, %d recorded, %d attested, %d missing\n",
				counts["enforced"], counts["recorded"], counts["attested"], counts["missing"])
		}
		return nil
	})
}

type openapiCmd struct{ alone }

func (c *openapiCmd) direct(ctx context.Context, _ *CLI, inv Invocation) error {
	return scratch(ctx, inv, func(h *house.House) error {
		doc, err := h.OpenAPI()
		if err != nil {
			return err
		}
		_, err = inv.Stdout.Write(append(doc, '\n'))
		return err
	})
}
