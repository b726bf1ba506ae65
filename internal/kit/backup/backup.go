// Package backup makes encrypted copies of the whole school: the records, the
// closed days of web activity, attached files, and the gate's own settings and
// certificates. One run is one file, encrypted for a key that comes from the
// school key, so that the printed recovery words open it on a new machine. The
// school key itself is never in it.
//
// A copy counts only when it can be restored: Verify unpacks one into a
// scratch place, opens the records, walks the journal and opens a sealed file.
// Restoring replays the erasures made since, from a list that lies beside the
// backups, so that nobody who was erased comes back.
package backup

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/vault"
)

// Schema is the table of runs.
//
//go:embed schema/*.sql
var Schema embed.FS

// The journal's verbs.
const (
	VerbRan      journal.Verb = "backup.ran"
	VerbFailed   journal.Verb = "backup.failed"
	VerbVerified journal.Verb = "backup.verified"
	VerbUnproven journal.Verb = "backup.unproven"
)

// Verbs declares them.
var Verbs = []journal.VerbInfo{
	{Verb: VerbRan, Says: "A backup was made."},
	{Verb: VerbFailed, Says: "A backup could not be made."},
	{Verb: VerbVerified, Says: "A backup was restored into a scratch place and found whole."},
	{Verb: VerbUnproven, Says: "A backup could not be restored when it was tried."},
}

// What people may do.
const (
	MayRead actor.Capability = "backup.read"
	MayRun  actor.Capability = "backup.run"
)

// What can go wrong.
var (
	// ErrBusy: a run or a check is under way.
	ErrBusy = errors.New("a backup or a check of one is under way; wait for it to end")
	// ErrNone: there is no backup to check or restore.
	ErrNone = errors.New("there is no backup yet; make one first")
	// ErrMissing: the backup that was named is not there.
	ErrMissing = errors.New("there is no backup of this name; look at its name and folder")
)

// Kind is what a run did.
type Kind string

// The kinds.
const (
	KindRun    Kind = "run"
	KindVerify Kind = "verify"
	KindDrill  Kind = "restore-drill"
)

// How a run ended.
const (
	Done   = "done"
	Failed = "failed"
)

// Result is what came of a run or a check.
type Result struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	Result    string    `json:"result"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	File      string    `json:"file"`
	Target    string    `json:"target"`
	Bytes     int64     `json:"bytes"`
	SHA256    string    `json:"sha256"`
	Encrypted bool      `json:"encrypted"`
	Files     int       `json:"files"`
	Seq       int64     `json:"journal_seq"` // the journal's last line in it
	Note      string    `json:"note,omitempty"`
}

// File is one more file to copy: where it lies, and its name in the restored
// data folder. It must not change while it is copied.
type File struct{ Name, Path string }

// Erasure is one thing that was erased. It names by id only.
type Erasure struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	ID   string    `json:"id"`
}

// Check verifies the journal of restored records; v opens what is sealed.
type Check func(ctx context.Context, db *store.DB, v *vault.Vault) (journal.Report, error)

// Replay erases in a restored folder what was erased since its backup.
type Replay func(ctx context.Context, folder string, list []Erasure) error

// Deps is what a Room needs.
type Deps struct {
	DB      *store.DB
	Journal *journal.Journal
	Vault   *vault.Vault
	Clock   clock.Clock
	Live    *setting.Live
	Blobs   *blobs.Store // nil: no attached files
	Schemas []fs.FS      // of all rooms
	// Files lists the closed activity days, the gate's settings and its CA.
	Files  func(ctx context.Context) ([]File, error)
	Check  Check
	Target string // the folder the backups go to
	// Records is the records' file name in the data folder.
	Records string
	Scratch string // a folder for copies under way
	KeyFile string // the school key, which no backup may hold
	School  string // the school's UUID
	Version string
	// SameDisk says that Target lies on the records' own disk.
	SameDisk bool
	// Ask has a task run soon, by its name; nil: the page runs it itself.
	Ask func(ctx context.Context, task string) error
}

// Room makes, checks and lists backups.
type Room struct {
	Deps
	busy   sync.Mutex
	asked  atomic.Bool // somebody asked for a backup now
	wanted atomic.Bool // somebody asked for a check now
}

// New returns the room. It makes no folder and no backup yet.
func New(d Deps) (*Room, error) {
	switch {
	case d.DB == nil || d.Journal == nil || d.Vault == nil || d.Clock == nil || d.Live == nil:
		return nil, errors.New("the backup needs records, journal, vault, clock and settings")
	case d.Target == "" || d.Scratch == "" || d.School == "":
		return nil, errors.New("the backup needs a target folder, a scratch folder and the school's id")
	case d.Check == nil:
		return nil, errors.New("the backup needs a way to check a restored journal")
	}
	if d.Records == "" {
		d.Records = "records.db"
	}
	return &Room{Deps: d}, nil
}

// Run makes a backup now. The result is kept and journalled whether it went
// well or not.
func (r *Room) Run(ctx context.Context) (Result, error) {
	if !r.busy.TryLock() {
		return Result{}, ErrBusy
	}
	defer r.busy.Unlock()
	res := r.begin(KindRun)
	err := r.make(ctx, &res)
	if err == nil {
		// Old ones that could not be removed do not make the new one bad.
		if old := r.prune(ctx, res); old != nil {
			res.Note = cut(old.Error())
		}
	}
	return r.end(ctx, res, err)
}

// Verify restores the backup file (the newest when it is "") into a scratch
// place and checks it.
func (r *Room) Verify(ctx context.Context, file string, kind Kind) (Result, error) {
	if !r.busy.TryLock() {
		return Result{}, ErrBusy
	}
	defer r.busy.Unlock()
	res := r.begin(kind)
	err := r.prove(ctx, file, &res)
	return r.end(ctx, res, err)
}

func (r *Room) begin(kind Kind) Result {
	now := r.Clock.Now().UTC()
	return Result{ID: store.NewID(now), Kind: kind, Started: now, Target: r.Target}
}

// end keeps what came of a run. Where even that cannot be kept (a full disk),
// both errors are told.
func (r *Room) end(ctx context.Context, res Result, failed error) (Result, error) {
	ctx = context.WithoutCancel(ctx)
	res.Ended, res.Result = r.Clock.Now().UTC(), Done
	verb := VerbRan
	if res.Kind != KindRun {
		verb = VerbVerified
	}
	if failed != nil {
		res.Result, res.Note = Failed, cut(failed.Error())
		verb = VerbFailed
		if res.Kind != KindRun {
			verb = VerbUnproven
		}
	}
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertRun(ctx, tx, res); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: verb, Kind: "backup", ID: res.ID, After: res})
	})
	return res, errors.Join(failed, err)
}

// Tasks are the daily backup and the restore drill, as often as the school
// decided.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: TaskRun, Every: 10 * time.Minute, Limit: 2 * time.Hour, Run: r.runIfDue},
		{Name: TaskDrill, Every: 30 * time.Minute, Limit: 2 * time.Hour, Run: r.drillIfDue},
	}
}

// The tasks' names.
const (
	TaskRun   = "backup.run"
	TaskDrill = "backup.drill"
)

func (r *Room) runIfDue(ctx context.Context) error {
	asked := r.asked.Swap(false)
	last, ok, err := r.newest(ctx, Done, KindRun)
	if err != nil {
		return err
	}
	if !asked && ok && !due(r.Clock.Now(), last.Started, r.Live.Current().Duration(KeyEvery)) {
		return nil
	}
	_, err = r.Run(ctx)
	return err
}

// drillIfDue proves the newest backup when a proof is due, when the last
// proof failed and a newer backup was made, or when somebody asked.
func (r *Room) drillIfDue(ctx context.Context) error {
	asked := r.wanted.Swap(false)
	if asked {
		_, err := r.Verify(ctx, "", KindVerify)
		return err
	}
	if _, any, err := r.newest(ctx, Done, KindRun); err != nil || !any {
		return err
	}
	proof, ok, err := r.newest(ctx, Done, KindVerify, KindDrill)
	if err != nil {
		return err
	}
	// Half the time allowed, so that one that fails can be mended in time.
	if ok && !due(r.Clock.Now(), proof.Ended, r.Live.Current().Duration(KeyDrill)/2) {
		return nil
	}
	_, err = r.Verify(ctx, "", KindDrill)
	return err
}

// due reports whether every has passed since last. A last that is still to
// come (the clock went back) is due at once.
func due(now, last time.Time, every time.Duration) bool {
	return last.After(now) || !now.Before(last.Add(every))
}

// scratch makes an empty folder for one run and returns what removes it.
func (r *Room) scratch() (dir string, remove func() error, err error) {
	if err := os.MkdirAll(r.Scratch, 0o700); err != nil {
		return "", nil, fmt.Errorf("making a scratch folder: %w", err)
	}
	// Only one run is under way, so what lies there is from one that died.
	old, err := filepath.Glob(filepath.Join(r.Scratch, "backup-*"))
	if err != nil {
		return "", nil, fmt.Errorf("looking for old scratch folders: %w", err)
	}
	for _, o := range old {
		if err := os.RemoveAll(o); err != nil {
			return "", nil, fmt.Errorf("removing an old scratch folder: %w", err)
		}
	}
	dir, err = os.MkdirTemp(r.Scratch, "backup-*")
	if err != nil {
		return "", nil, fmt.Errorf("making a scratch folder: %w", full(err, r.Scratch))
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

func cut(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
