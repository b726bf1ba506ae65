package house

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/approval"
	"belisha/internal/kit/backup"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/control"
	"belisha/internal/kit/duty"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/register"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/vault"
	"belisha/internal/school/access"
	"belisha/internal/school/agreements"
	"belisha/internal/school/alarms"
	"belisha/internal/school/classroom"
	"belisha/internal/school/concerns"
	"belisha/internal/school/devices"
	"belisha/internal/school/filtering"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
	"belisha/internal/school/policies"
	"belisha/internal/school/probes"
	"belisha/internal/school/registers/confiscated"
	"belisha/internal/school/review"
	"belisha/internal/school/setup"
	"belisha/internal/school/tickets"
	shipped "belisha/policies"
)

// The floor plan. Every room is named here by hand, with what it brings.

// Schemas are the migrations of all rooms.
func Schemas() []fs.FS {
	return []fs.FS{
		journal.Schema, vault.Schema, tasks.Schema, blobs.Schema, approval.Schema, duty.Schema, notice.Schema, review.Schema, backup.Schema,
		people.Schema, access.Schema, policies.Schema, filtering.Schema, monitoring.Schema, agreements.Schema, tickets.Schema, concerns.Schema, classroom.Schema, setup.Schema, devices.Schema, confiscated.Schema, probes.Schema, alarms.Schema,
	}
}

// Verbs are what the rooms write in the journal.
func Verbs() []journal.VerbInfo {
	var out []journal.VerbInfo
	for _, v := range [][]journal.VerbInfo{
		approval.Verbs, duty.Verbs, notice.Verbs, review.Verbs, backup.Verbs, people.Verbs, access.Verbs, policies.Verbs,
		filtering.Verbs, monitoring.Verbs, agreements.Verbs, tickets.Verbs, concerns.Verbs, classroom.Verbs, setup.Verbs, devices.Verbs, confiscated.Register.Verbs(), ownVerbs, probes.Verbs, alarms.Verbs,
	} {
		out = append(out, v...)
	}
	return out
}

// Protected are the tables that the journal's chain covers.
func Protected() []journal.Protected {
	var out []journal.Protected
	for _, p := range [][]journal.Protected{
		people.Protected, access.Protected, policies.Protected, filtering.Protected, monitoring.Protected, agreements.Protected, tickets.Protected, concerns.Protected, classroom.Protected,
		devices.Protected, approval.Protected, duty.Protected, notice.Protected, review.Protected, confiscated.Register.Protected(), probes.Protected, alarms.Protected,
	} {
		out = append(out, p...)
	}
	return out
}

// Book is the settings that the rooms declare.
func Book() (*setting.Book, error) {
	return setting.NewBook(people.Settings(), access.Settings(), filtering.Settings(), monitoring.Settings(), agreements.Settings(), tickets.Settings(), concerns.Settings(), classroom.Settings(), policies.Settings(), backup.Settings(), review.Settings(), probes.Settings(), devices.Settings(), alarms.Settings(),
		confiscated.Register.Settings)
}

// The house's own verbs.
const (
	verbStarted  journal.Verb = "server.started"
	verbStopped  journal.Verb = "server.stopped"
	verbExported journal.Verb = "journal.exported"
)

var ownVerbs = []journal.VerbInfo{
	{Verb: verbStarted, Says: "Belisha was started."},
	{Verb: verbStopped, Says: "Belisha was stopped."},
	{Verb: verbExported, Says: "The journal was exported."},
}

// openHall opens the halls, people and access.
func (h *House) openHall(context.Context) (err error) {
	h.People, err = people.New(people.Deps{DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, Demo: h.cfg.Demo})
	if err != nil {
		return err
	}
	if err := h.openNotices(); err != nil {
		return err
	}
	if err := h.openApprovals(); err != nil {
		return err
	}
	h.gate = newGateDoor(h)
	h.Access, err = access.New(access.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People,
		Secrets: h.vault, Presence: h.gate, Place: h.placeOf, Extra: extraGrants(), Log: h.log,
		Demo: h.cfg.Demo, Approvals: h.Approvals, Notices: h.Notices, School: h.schoolName, PupilDevice: h.pupilDevice,
		Notice: func() string { return h.toldText(false) }, Onward: h.onward,
		// Whoever signs in on any of our pages is at the address they ask from.
		Doors: access.Doors{Web: func(*http.Request) bool { return true }, Desk: func(r *http.Request) bool { return !throughFilter(r) }, Secure: overTLS},
	})
	if err != nil {
		return err
	}
	h.Approvals.On(access.KindHeadFactor, h.Access.HeadFactorDecided)
	h.certs = newPageCertificate(h)
	h.join(h.People, h.Access, h.Approvals, h.Notices, h.certs)
	return nil
}

// extraGrants are the lines that rooms add to the table of who may do what.
func extraGrants() []access.Grant {
	var out []access.Grant
	for _, g := range [][]access.Grant{registerGrants(), agreements.Grants(), taskGrants(), review.Grants(), filtering.Grants(), monitoring.Grants(), tickets.Grants(), concerns.Grants(), classroom.Grants(), devices.Grants(), probes.Grants(), alarms.Grants()} {
		out = append(out, g...)
	}
	return out
}

// registerGrants say who keeps the registers.
func registerGrants() []access.Grant {
	c := confiscated.Register
	all := c.Capabilities()
	return []access.Grant{
		{Audience: people.Staff, May: []actor.Capability{c.May("read"), c.May("write")}},
		{Post: people.OfficeManager, May: all},
		{Post: people.Headteacher, May: all},
		{Post: people.DeputyHead, May: all},
	}
}

// openRegisters opens the plain logs.
func (h *House) openRegisters() error {
	c, err := confiscated.Register.Open(register.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: roll{h.People}, Zone: h.zone,
	})
	if err != nil {
		return err
	}
	h.join(c)
	return nil
}

// placeOf says at which place of the school an address is.
func (h *House) placeOf(a netip.Addr) string {
	if h.Filtering == nil {
		return ""
	}
	return h.Filtering.PlaceOf(a)
}

// signingKey signs the rules that the filter takes.
func (h *House) signingKey(ctx context.Context) (ed25519.PrivateKey, error) {
	seed, err := h.vault.Secret(ctx, "snapshots")
	if err != nil {
		return nil, fmt.Errorf("making the key that signs the rules: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed[:ed25519.SeedSize]), nil
}

// openRooms opens the rooms besides the halls and policies.
func (h *House) openRooms(ctx context.Context) (err error) {
	key, err := h.signingKey(ctx)
	if err != nil {
		return err
	}
	h.Filtering, err = filtering.New(filtering.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People, Log: h.log,
		Dir: h.folder.Path("gate"), Key: key, School: h.folder.Meta.School,
		Host: h.hostName, Prober: h.gate, Changed: h.gate.changed, Licence: h.licence(), Notices: h.Notices, TryOut: h.trying,
		Lessons: h.lessons, Inside: h.inside, Scanner: h.hasScanner, ClosedAt: h.closedAt, TryContent: h.tryContent,
		// Names are recorded on the head's word on the impact assessment; what
		// is seen inside rests on the same.
		Assessed: func(ctx context.Context) (bool, error) { return h.Monitoring.Recording(ctx) },
	})
	if err != nil {
		return err
	}
	if err := h.openMonitoring(ctx); err != nil {
		return err
	}
	h.join(h.Filtering, h.Monitoring)
	if err := h.openDevices(); err != nil {
		return err
	}
	if err := h.openTickets(); err != nil {
		return err
	}
	if err := h.openProbes(); err != nil {
		return err
	}
	if err := h.openAlarms(); err != nil {
		return err
	}
	if err := h.openAgreements(); err != nil {
		return err
	}
	if err := h.openConcerns(ctx); err != nil {
		return err
	}
	if err := h.openClassroom(); err != nil {
		return err
	}
	if err := h.openRegisters(); err != nil {
		return err
	}
	if err := h.openReview(); err != nil {
		return err
	}
	return h.openBackup()
}

func (h *House) openBackup() (err error) {
	target := h.cfg.File.Backup.Folder
	if target == "" {
		target = h.folder.Path("backups")
	}
	h.blobs, err = blobs.New(blobs.Deps{DB: h.db, Vault: h.vault, Clock: h.cfg.Clock, Dir: h.folder.Path("blobs")})
	if err != nil {
		return err
	}
	h.Backup, err = backup.New(backup.Deps{
		DB: h.db, Journal: h.journal, Vault: h.vault, Clock: h.cfg.Clock, Live: h.live, Blobs: h.blobs, Schemas: Schemas(),
		Files: h.backupFiles, Check: CheckRestored(h.cfg), Target: target, Records: recordsFile,
		Scratch: h.folder.Path("scratch"), KeyFile: h.keyFile(), School: h.folder.Meta.School, Version: h.cfg.Version,
		SameDisk: h.cfg.File.Backup.Folder == "", Ask: h.askTask,
	})
	h.join(h.Backup)
	return err
}

// askTask has the running server do a task soon.
func (h *House) askTask(ctx context.Context, name string) error { return h.tasks.Ask(ctx, name) }

// backupFiles are the closed days of web activity and the filter's own files.
func (h *House) backupFiles(context.Context) ([]backup.File, error) {
	out := []backup.File{{Name: "folder.json", Path: h.folder.Path("folder.json")}}
	days, err := h.memory.Files()
	if err != nil {
		return nil, err
	}
	for _, d := range days {
		out = append(out, backup.File{Name: "activity/" + filepath.Base(d), Path: d})
	}
	for _, pattern := range []string{"ca/*", "current", "snapshots/*", "rules/*", "segments/*"} {
		found, err := filepath.Glob(h.folder.Path("gate", filepath.FromSlash(pattern)))
		if err != nil {
			return nil, fmt.Errorf("listing the filter's files: %w", err)
		}
		for _, f := range found {
			rel, err := filepath.Rel(h.folder.Dir, f)
			if err != nil {
				return nil, fmt.Errorf("listing the filter's files: %w", err)
			}
			out = append(out, backup.File{Name: filepath.ToSlash(rel), Path: f})
		}
	}
	return out, nil
}

// CheckRestored walks the journal of restored records.
func CheckRestored(cfg Config) backup.Check {
	return func(ctx context.Context, db *store.DB, v *vault.Vault) (journal.Report, error) {
		j, err := journal.New(journal.Deps{DB: db, Clock: cfg.Clock, Sealer: v, Protected: Protected(), Verbs: Verbs()})
		if err != nil {
			return journal.Report{}, err
		}
		return j.Verify(ctx)
	}
}

// openPolicies opens the policies room, which puts the settings in force, and
// what runs by the clock.
func (h *House) openPolicies(ctx context.Context) (err error) {
	h.Policies, err = policies.New(policies.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Log: h.log, Book: h.book, Live: h.live,
		Rooms: []policies.Preparer{
			{Name: "filtering", Room: h.Filtering},
			{Name: "monitoring", Room: h.Monitoring},
			{Name: "agreements", Room: h.Agreements},
		},
		Controls: h.controls(), Files: shipped.Files, Variants: variants, Names: h.actorName, Posts: h.postsOf,
	})
	if err != nil {
		return err
	}
	if _, _, err := h.Policies.Load(ctx); err != nil {
		return err
	}
	h.join(h.Policies)
	return nil
}

// logControl is C27: the journal's chain and the protected records hold.
func (h *House) logControl() control.Control {
	return control.Control{
		Number: "C27", Slug: "log-not-altered", Title: "The journal and the records it protects have not been altered.",
		Requirements: []string{"INC-01", "GOV-16"}, MaxAge: 25 * time.Hour, Default: true,
		Check: func(ctx context.Context, now time.Time, _ *setting.Values) (control.Finding, error) {
			rep, err := h.journal.Verify(ctx)
			if err != nil {
				return control.Finding{}, err
			}
			f := control.Finding{
				State: control.Kept, Figure: fmt.Sprintf("%d lines whole, %d of them with their detail erased", rep.Lines, rep.Erased),
				Rule: "every line, detail and protected record is as it was written", Source: control.Measured,
				By: "the journal's hash chain", At: now, Owner: string(people.NetworkManager),
			}
			if rep.Outside == nil {
				f.State, f.Figure = control.AtRisk, f.Figure+"; the file journal.head, which shows where it ended, is gone"
				f.Todo = "Ask who has had access to the data folder, and compare the journal's end with the last backup."
			}
			if rep.Fault != nil {
				f.State, f.Figure = control.Broken, rep.Fault.What
				f.Todo = "Somebody changed the records behind Belisha's back. Keep this machine as it is, and compare with the last backup."
			}
			return f, nil
		},
	}
}
