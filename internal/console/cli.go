package console

import (
	"context"
	"fmt"

	"belisha/internal/house"
)

// CLI is the whole command line. Its shape is fixed: tests and users depend on
// it.
type CLI struct {
	Data   string `help:"The school's data folder." env:"BELISHA_DATA" default:"./belisha-data" placeholder:"DIR"`
	JSON   bool   `help:"Report as JSON: one object, or one a line." name:"json"`
	Config string `help:"The config file (TOML)." placeholder:"FILE"`

	Serve    serveCmd    `cmd:"" help:"Start everything: pages, filter, records."`
	Gate     gateCmd     `cmd:"" help:"The filter alone (serve starts it by itself)."`
	Decide   decideCmd   `cmd:"" help:"Say what would happen to a URL, and why."`
	Scan     scanCmd     `cmd:"" help:"Scan content as the filter would."`
	Classify classifyCmd `cmd:"" help:"Read lines of text, say safeguarding themes."`
	Lists    listsCmd    `cmd:"" help:"Category lists: import, update, status, show."`
	People   peopleCmd   `cmd:"" help:"The roll: import."`
	Access   accessCmd   `cmd:"" help:"Ways back in: reset, appoint, status."`
	Assets   assetsCmd   `cmd:"" help:"The inventory: import."`
	Policy   policyCmd   `cmd:"" help:"Policies: check, diff, status, activate, export."`
	Images   imagesCmd   `cmd:"" help:"Images: check, clean."`
	Journal  journalCmd  `cmd:"" help:"The journal: verify, export."`
	Backup   backupCmd   `cmd:"" help:"Backups: run, list, verify, restore."`
	Records  recordsCmd  `cmd:"" help:"Records: move to PostgreSQL."`

	Requirements requirementsCmd `cmd:"" help:"Every requirement and its true state."`
	Service      serviceCmd      `cmd:"" help:"Start at boot: install, remove."`
	Doctor       doctorCmd       `cmd:"" help:"Look at the machine's own health."`
	Openapi      openapiCmd      `cmd:"" help:"The API's OpenAPI 3.1 document."`
	Version      versionCmd      `cmd:"" help:"The version of this program."`
}

// command is what every command can do: work on an open house.
type command interface {
	run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error
}

// direct is a command that, used as it was, needs no data folder or opens its
// own.
type direct interface {
	without() bool
	direct(ctx context.Context, cli *CLI, inv Invocation) error
}

// onFresh marks commands that make a data folder where there is none.
type onFresh interface{ onFresh() }

// alone is embedded by direct commands.
type alone struct{}

func (alone) without() bool { return true }

func (alone) run(context.Context, *house.House, *CLI, Invocation) error {
	return wrongUse("this command works without a data folder")
}

// fresh is embedded by commands that may make their folder.
type fresh struct{}

func (fresh) onFresh() {}

// config reads the config file for an open folder.
func (cli *CLI) config(inv Invocation, dir string) (house.Config, error) {
	file, err := house.ReadFile(inv.path(cli.Config), dir)
	return house.Config{Dir: dir, File: file, ConfigFile: inv.path(cli.Config), Version: inv.Version}, err
}

// The commands that are not built yet say so and end with 2.

type notBuilt struct{ alone }

func later(what string) error {
	return wrongUse("`belisha %s` is not built yet in this version", what)
}

type (
	classifyCmd struct{ notBuilt }
	assetsCmd   struct {
		Import assetsImportCmd `cmd:"" help:"Inventory from CSV or XLSX."`
	}
	assetsImportCmd struct {
		notBuilt
		DryRun bool
		File   string `arg:""`
	}
	imagesCmd struct {
		Check imagesCheckCmd `cmd:"" help:"Names, tags, places, device, consent."`
		Clean imagesCleanCmd `cmd:"" help:"Write a stripped copy."`
	}
	imagesCheckCmd struct {
		notBuilt
		Files []string `arg:"" optional:""`
	}
	imagesCleanCmd struct {
		notBuilt
		Files []string `arg:"" optional:""`
	}
	recordsCmd struct {
		Move recordsMoveCmd `cmd:"" help:"Move the records to PostgreSQL."`
	}
	recordsMoveCmd struct {
		notBuilt
		To string `placeholder:"DSN"`
	}
)

func (classifyCmd) direct(context.Context, *CLI, Invocation) error     { return later("classify") }
func (assetsImportCmd) direct(context.Context, *CLI, Invocation) error { return later("assets import") }

func (imagesCheckCmd) direct(context.Context, *CLI, Invocation) error { return later("images check") }

func (imagesCleanCmd) direct(context.Context, *CLI, Invocation) error { return later("images clean") }

func (recordsMoveCmd) direct(context.Context, *CLI, Invocation) error { return later("records move") }

type versionCmd struct{ alone }

func (versionCmd) direct(_ context.Context, cli *CLI, inv Invocation) error {
	if cli.JSON {
		return inv.json(map[string]string{"version": inv.Version})
	}
	_, err := fmt.Fprintln(inv.Stdout, "belisha", inv.Version)
	return err
}
