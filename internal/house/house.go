// Package house is the only package that sees everything. It opens the data
// folder's stores, plugs the rooms together by hand (rooms.go is the floor
// plan), and runs them: pages, the filter as a child process, the pump that
// carries what it saw, and what happens by the clock.
//
// New gives a working house without a single listener: the console works on
// it, and tests do. Run opens the doors.
package house

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/backup"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/vault"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
	"belisha/internal/school/agreements"
	"belisha/internal/school/alarms"
	"belisha/internal/school/classroom"
	"belisha/internal/school/concerns"
	"belisha/internal/school/devices"
	"belisha/internal/school/filtering"
	"belisha/internal/school/help"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
	"belisha/internal/school/policies"
	"belisha/internal/school/probes"
	"belisha/internal/school/review"
	"belisha/internal/school/setup"
	"belisha/internal/school/tickets"
)

// House is one open school.
type House struct {
	cfg    Config
	folder *Folder
	log    *slog.Logger

	db      *store.DB
	vault   *vault.Vault
	key     vault.KeySource
	journal *journal.Journal
	book    *setting.Book
	live    *setting.Live
	memory  *activity.Store
	blobs   *blobs.Store
	tasks   *tasks.Runner
	duties  *duty.Book

	People     *people.Room
	Access     *access.Room
	Policies   *policies.Room
	Filtering  *filtering.Room
	Monitoring *monitoring.Room
	Concerns   *concerns.Room
	Agreements *agreements.Room
	Tickets    *tickets.Room
	Backup     *backup.Room
	Review     *review.Room
	Help       *help.Room
	Setup      *setup.Room
	Devices    *devices.Room
	Classroom  *classroom.Room
	Probes     *probes.Room
	Alarms     *alarms.Room

	Approvals *approval.Room
	Notices   *notice.Outbox

	rooms    []any // every open room, in the order of the floor plan; see joined.go
	trays    []review.Source
	sections []web.Section
	api      *web.API
	desk     http.Handler
	people   http.Handler
	gate     *gateDoor
	certs    *pageCertificate
	about    aboutCache
	promises promiseCache
}

// New opens the house on a folder that this process holds. The folder is
// closed with the house.
func New(ctx context.Context, cfg Config, f *Folder) (*House, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Program == "" {
		p, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		cfg.Program = p
	}
	h := &House{cfg: cfg, folder: f, log: slog.Default()}
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(err, h.closeStores())
	}
	return h, nil
}

// open does New's work in order; what was opened before a fault is closed by
// New.
func (h *House) open(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		h.openRecords, h.openVault, h.openJournal, h.openSettings, h.openMemory,
		h.openHall, h.openRooms, h.openPolicies, h.openFront,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (h *House) openRecords(ctx context.Context) error {
	db, err := store.Open(ctx, store.Config{File: h.folder.Path(recordsFile), DSN: h.cfg.File.Records.DSN})
	if err != nil {
		return errors.New(plain(err))
	}
	h.db = db
	if err := db.Own(ctx); err != nil {
		return err
	}
	return db.Migrate(ctx, Schemas()...)
}

// recordsFile is the records' name in the data folder.
const recordsFile = "records.db"

// keyFile is where the school key lies unless it is configured.
func (h *House) keyFile() string {
	if k := h.cfg.File.Vault.KeyFile; k != "" {
		return k
	}
	return h.folder.Path("keys", "school.key")
}

func (h *House) openVault(ctx context.Context) error {
	h.key = vault.Credential()
	if h.key == nil {
		h.key = vault.File(h.keyFile())
	}
	v, err := vault.Open(ctx, h.db, h.cfg.Clock, h.key)
	if err != nil {
		return fmt.Errorf("opening the sealed records: %w", err)
	}
	h.vault = v
	return nil
}

func (h *House) openJournal(context.Context) error {
	j, err := journal.New(journal.Deps{
		DB: h.db, Clock: h.cfg.Clock, Sealer: h.vault, HeadFile: h.folder.Path("journal.head"),
		Protected: Protected(), Verbs: Verbs(),
	})
	h.journal = j
	return err
}

func (h *House) openSettings(context.Context) error {
	b, err := Book()
	if err != nil {
		return err
	}
	h.book, h.live = b, setting.NewLive(setting.NewValues(b, 0, nil))
	return nil
}

func (h *House) openMemory(context.Context) error {
	m, err := activity.Open(activity.Config{Dir: h.folder.Path("activity"), Clock: h.cfg.Clock, Location: h.zone()})
	if err != nil {
		return fmt.Errorf("opening web activity: %w", err)
	}
	h.memory = m
	return nil
}

// zone is the school's zone before the calendar can be asked.
func (h *House) zone() *time.Location {
	if h.People != nil {
		if c, err := h.People.Calendar(context.Background(), people.MainSite); err == nil {
			return c.Location()
		}
	}
	if l, err := time.LoadLocation(people.DefaultZone); err == nil {
		return l
	}
	return time.UTC
}

// Close closes the house and lets its folder go. The filter, if it runs, goes
// on.
func (h *House) Close() error { return h.closeStores() }

func (h *House) closeStores() error {
	var errs []error
	if h.memory != nil {
		errs = append(errs, h.memory.Close())
	}
	if h.db != nil {
		errs = append(errs, h.db.Close())
	}
	return errors.Join(append(errs, h.folder.Close())...)
}

// Clock is the house's time.
func (h *House) Clock() clock.Clock { return h.cfg.Clock }

// Journal is the school's journal.
func (h *House) Journal() *journal.Journal { return h.journal }

// Live is the settings in force.
func (h *House) Live() *setting.Live { return h.live }

// DB is the school's records.
func (h *House) DB() *store.DB { return h.db }

// Memory is the school's web activity.
func (h *House) Memory() *activity.Store { return h.memory }

// Vault seals and opens.
func (h *House) Vault() *vault.Vault { return h.vault }

// Folder is the data folder.
func (h *House) Folder() *Folder { return h.folder }

// Handlers are the desk, which answers everything, and the people's pages.
func (h *House) Handlers() (desk, people http.Handler) { return h.desk, h.people }

// Sections are all rooms' pages, for the table of routes.
func (h *House) Sections() []web.Section { return h.sections }

// Capabilities is everything that anybody may do: what the machine's owner
// has at its console.
func (h *House) Capabilities() []actor.Capability { return h.Access.Table().Everything() }

// controls are the built controls of all rooms.
func (h *House) controls() []control.Control {
	var out []control.Control
	for _, r := range joined[interface{ Controls() []control.Control }](h) {
		out = append(out, h.proved(h.onThePath(r.Controls()))...)
	}
	return append(out, h.logControl())
}

// Ready makes sure that there are rules in force to ask: on a fresh folder the
// safe defaults are compiled first.
func (h *House) Ready(ctx context.Context) error { return h.Filtering.Start(ctx) }

// Zone is the school's time zone.
func (h *House) Zone() *time.Location { return h.zone() }
