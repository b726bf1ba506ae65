package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/store"
	"belisha/internal/school/policies"
)

// maxPolicy bounds a policy document.
const maxPolicy = 2 << 20

type policyCmd struct {
	Check    policyCheckCmd    `cmd:"" help:"Read a policy and say what is wrong with it, line by line."`
	Diff     policyDiffCmd     `cmd:"" help:"Compare two policies, or the one in force with another, in words and settings."`
	Status   policyStatusCmd   `cmd:"" help:"Every clause of the policy in force, and whether it is being kept."`
	Activate policyActivateCmd `cmd:"" help:"Put a policy in force in every room in one step."`
	Export   policyExportCmd   `cmd:"" help:"Write the policy in force to a file."`
}

// policyText reads a policy: a file, "-" for standard input, or the name of a
// shipped one.
func policyText(h *house.House, inv Invocation, name string) (string, error) {
	if name == "-" {
		b, err := io.ReadAll(io.LimitReader(inv.Stdin, maxPolicy+1))
		return boundedPolicy(b, err, "standard input")
	}
	f, err := os.Open(inv.path(name))
	if errors.Is(err, os.ErrNotExist) {
		if text, ok := h.Policies.ShippedText(name); ok {
			return text, nil
		}
		return "", fmt.Errorf("there is no file %s, and no shipped policy of that name; the shipped ones are %s",
			name, strings.Join(h.Policies.Shipped(), " and "))
	}
	if err != nil {
		return "", fmt.Errorf("reading the policy: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	return boundedPolicy(b, err, name)
}

func boundedPolicy(b []byte, err error, name string) (string, error) {
	if err != nil {
		return "", fmt.Errorf("reading the policy: %w", err)
	}
	if len(b) > maxPolicy {
		return "", fmt.Errorf("%s is larger than 2 MB; a policy is not", name)
	}
	return string(b), nil
}

type policyCheckCmd struct {
	alone
	File string `arg:"" help:"A policy document (Markdown), or the name of a shipped one."`
}

func (c *policyCheckCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	return scratch(ctx, inv, func(h *house.House) error {
		text, err := policyText(h, inv, c.File)
		if err != nil {
			return err
		}
		rep := h.Policies.Check(ctx, text)
		if cli.JSON {
			err = inv.json(rep)
		} else {
			printReport(inv, c.File, rep)
		}
		if err == nil && !rep.Holds() {
			return notSo("")
		}
		return err
	})
}

func printReport(inv Invocation, name string, rep policies.Report) {
	for _, p := range rep.Problems {
		fmt.Fprintf(inv.Stdout, "%s:%d: %s: %s\n", name, p.Line, p.Level, p.Words)
	}
	fmt.Fprintf(inv.Stdout, "%s: %d clauses, %d values; %d errors, %d warnings, %d notes\n",
		name, rep.Clauses, rep.Settings, rep.Errors, rep.Warnings, rep.Notes)
}

type policyDiffCmd struct {
	fresh
	Old string `arg:"" help:"The old policy; alone, it is compared with the one in force."`
	New string `arg:"" optional:"" help:"The new policy."`
}

func (c *policyDiffCmd) without() bool { return c.New != "" }

func (c *policyDiffCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	return scratch(ctx, inv, func(h *house.House) error { return c.run(ctx, h, cli, inv) })
}

func (c *policyDiffCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	first, err := policyText(h, inv, c.Old)
	if err != nil {
		return err
	}
	old, next := "", first
	if c.New != "" {
		old = first
		if next, err = policyText(h, inv, c.New); err != nil {
			return err
		}
	} else if old, err = h.Policies.Export(ctx, ""); err != nil {
		return noPolicy(err)
	}
	d := h.Policies.Diff(old, next)
	if cli.JSON {
		return inv.json(d)
	}
	for _, ch := range d.Clauses {
		fmt.Fprintf(inv.Stdout, "%s %s (line %d)\n", ch.Kind, ch.ID, ch.Line)
		if ch.Old != "" {
			fmt.Fprintf(inv.Stdout, "  - %s\n", ch.Old)
		}
		if ch.New != "" {
			fmt.Fprintf(inv.Stdout, "  + %s\n", ch.New)
		}
	}
	for _, v := range d.Values {
		fmt.Fprintf(inv.Stdout, "%s %s%s: %q → %q\n", v.Kind, v.Key, inBrackets(v.Where), v.Old, v.New)
	}
	return nil
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// noPolicy says that no policy is in force yet.
func noPolicy(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("no policy is in force yet; activate one with `belisha policy activate FILE`")
	}
	return err
}

type policyStatusCmd struct {
	fresh
	On      string `help:"How it stood at the end of this day." placeholder:"YYYY-MM-DD"`
	Refresh bool   `help:"Look at every control again first."`
}

func (c *policyStatusCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	if c.Refresh {
		if err := h.Policies.RunControls(ctx); err != nil {
			return err
		}
	}
	st, err := c.status(ctx, h)
	if err != nil {
		return err
	}
	if cli.JSON {
		return inv.json(st)
	}
	if st.Policy == nil {
		fmt.Fprintln(inv.Stdout, "No policy is in force; safe defaults are, unconfirmed.")
	} else {
		fmt.Fprintf(inv.Stdout, "%s, version %s, in force since %s%s\n\n", st.Policy.Title, st.Policy.Version,
			st.Policy.Since.Format("2 January 2006"), missingWords(st.Policy.Missing))
	}
	for _, cl := range st.Clauses {
		fmt.Fprintf(inv.Stdout, "%-15s %s, line %d: %s\n", cl.State.Words(), cl.ID, cl.Line, cutWords(cl.Text))
		for _, k := range cl.Controls {
			fmt.Fprintf(inv.Stdout, "    %-15s %s %s: %s\n", k.State.Words(), k.Number, k.Slug, k.Figure)
		}
	}
	n := st.Counts
	fmt.Fprintf(inv.Stdout, "\n%d kept, %d at risk, %d not being kept, %d unknown, %d not applicable, %d words only\n",
		n.Kept, n.AtRisk, n.NotKept, n.Unknown, n.NotApplicable, n.WordsOnly)
	return nil
}

// cutWords shortens a clause to a line.
func cutWords(s string) string {
	const most = 90
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func (c *policyStatusCmd) status(ctx context.Context, h *house.House) (policies.Status, error) {
	if c.On == "" {
		return h.Policies.Status(ctx)
	}
	day, err := time.Parse("2006-01-02", c.On)
	if err != nil {
		return policies.Status{}, wrongUse("--on %s is not a day; write it as 2026-11-23", c.On)
	}
	return h.Policies.StatusOn(ctx, day.AddDate(0, 0, 1).Add(-time.Second))
}

func missingWords(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	return "; not yet approved by " + strings.Join(missing, ", ")
}

type policyActivateCmd struct {
	fresh
	File     string   `arg:"" help:"A policy document, or the name of a shipped one."`
	Approved []string `help:"An approval given on paper: ROLE=NAME@DATE. May be repeated." placeholder:"ROLE=NAME@DATE"`
	Preview  bool     `help:"Only show what would change, and for whom."`
}

func (c *policyActivateCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	text, err := policyText(h, inv, c.File)
	if err != nil {
		return err
	}
	req := policies.Request{Text: text}
	for _, a := range c.Approved {
		ap, err := policies.ParseApproval(a)
		if err != nil {
			return wrongUse("--approved %s: %s", a, err)
		}
		req.Approved = append(req.Approved, ap)
	}
	var res policies.Result
	if c.Preview {
		res, err = h.Policies.Preview(ctx, text)
	} else {
		res, err = h.Policies.Activate(ctx, req)
	}
	if err != nil {
		return c.refused(inv, err)
	}
	if cli.JSON {
		return inv.json(res)
	}
	for _, s := range res.Settings {
		fmt.Fprintf(inv.Stdout, "%s%s: %q → %q\n", s.Key, inBrackets(s.Where), s.Old, s.New)
	}
	for _, e := range res.Effects {
		fmt.Fprintln(inv.Stdout, e.Words)
	}
	for _, t := range res.Trouble {
		fmt.Fprintln(inv.Stderr, "belisha:", t)
	}
	verb := "is in force"
	if c.Preview {
		verb = "would be in force"
	}
	fmt.Fprintf(inv.Stdout, "%s %s as number %d%s\n", res.Title, verb, res.Number, missingWords(res.Missing))
	return nil
}

// refused says why a policy did not come into force; nothing was changed.
func (c *policyActivateCmd) refused(inv Invocation, err error) error {
	var bad *policies.Refused
	if errors.As(err, &bad) {
		for _, p := range bad.Report.Problems {
			if p.Level == "error" {
				fmt.Fprintf(inv.Stderr, "%s:%d: %s\n", c.File, p.Line, p.Words)
			}
		}
		return notSo(err.Error())
	}
	var unapproved *policies.NotApproved
	var blocked *policies.Blocked
	if errors.As(err, &unapproved) || errors.As(err, &blocked) {
		return notSo(err.Error())
	}
	return plainInvalid(err)
}

type policyExportCmd struct {
	fresh
	File string `arg:"" help:"Where to write it; - for standard output."`
}

func (c *policyExportCmd) run(ctx context.Context, h *house.House, _ *CLI, inv Invocation) error {
	text, err := h.Policies.Export(ctx, "")
	if err != nil {
		return noPolicy(err)
	}
	if c.File == "-" {
		_, err := io.WriteString(inv.Stdout, text)
		return err
	}
	return writeNew(inv.path(c.File), []byte(text))
}
