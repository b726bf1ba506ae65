package backup

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
)

// owner is the post that looks after backups.
const owner = "network-manager"

// Controls are C64 and C65.
func (r *Room) Controls() []control.Control {
	return []control.Control{
		{
			Number: "C64", Slug: "backup-ran", Title: "A backup of everything ran when it should, and is encrypted.",
			Requirements: []string{"BKP-01", "BKP-03"}, Settings: []string{KeyEvery}, MaxAge: time.Hour, Default: true, Check: r.ran,
		},
		{
			Number: "C65", Slug: "restore-proven", Title: "A backup was restored and found whole.",
			Requirements: []string{"BKP-02"}, Settings: []string{KeyDrill}, MaxAge: time.Hour, Default: true, Check: r.proven,
		},
	}
}

// ran looks at the newest backup that was made, at the file itself, and at
// what was tried since.
func (r *Room) ran(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	every := v.Duration(KeyEvery)
	f := control.Finding{
		Rule:   "a backup at least every " + words.Length(every) + ", encrypted, and still in its place",
		Source: control.Measured, By: "the backups' log and the backup folder", At: now, Owner: owner,
	}
	last, ok, err := r.newest(ctx, Done, KindRun)
	if err != nil {
		return f, err
	}
	tried, _, err := r.newest(ctx, "", KindRun)
	if err != nil {
		return f, err
	}
	f.Rows, f.Total, err = r.rows(ctx, KindRun)
	if err != nil {
		return f, err
	}
	if r.SameDisk {
		f.Rows = append(f.Rows, control.Row{
			State: control.AtRisk, At: now,
			What: "The backups lie on the same disk as the records: a lost disk loses both. Name a folder elsewhere.",
		})
	}
	if !ok {
		f.State, f.Figure, f.Todo = control.Broken, "no backup yet", "Make a backup now."
		return f, nil
	}
	f.Figure = fmt.Sprintf("last backup %s ago, %s", words.Length(now.Sub(last.Started).Truncate(time.Minute)), words.Size(last.Bytes))
	f.State, f.Todo = r.judge(last, tried, now, every)
	return f, nil
}

func (r *Room) judge(last, tried Result, now time.Time, every time.Duration) (control.State, string) {
	all, err := r.List()
	if err != nil {
		return control.Unknown, "The backup folder cannot be read; see that it is there and may be read."
	}
	there := false
	for _, s := range all {
		there = there || s.File == last.File && s.Bytes == last.Bytes
	}
	age := now.Sub(last.Started)
	switch {
	case age < -time.Minute:
		return control.Unknown, "The last backup bears a time that is still to come; see that the clock is right, then make a backup."
	case !there:
		return control.Broken, "The last backup is no longer in the backup folder; make one now."
	case !last.Encrypted:
		return control.Broken, "The last backup is not encrypted; make one now."
	// The task looks every ten minutes and a run takes its time.
	case age > every+every/8+20*time.Minute:
		return control.Broken, "The last backup is too old; see why on the backup page, then make one now."
	case tried.Result == Failed:
		return control.AtRisk, "The last try failed: " + tried.Note
	}
	return control.Kept, ""
}

// proven looks at the newest proof, and at what was tried since.
func (r *Room) proven(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	within := v.Duration(KeyDrill)
	f := control.Finding{
		Rule:   "a backup restored into a scratch place and found whole, at least every " + words.Length(within),
		Source: control.Measured, By: "restores into a scratch place", At: now, Owner: owner,
	}
	last, ok, err := r.newest(ctx, Done, KindVerify, KindDrill)
	if err != nil {
		return f, err
	}
	tried, any, err := r.newest(ctx, "", KindVerify, KindDrill)
	if err != nil {
		return f, err
	}
	f.Rows, f.Total, err = r.rows(ctx, KindVerify, KindDrill)
	if err != nil {
		return f, err
	}
	switch age := now.Sub(last.Ended); {
	case any && tried.Result == Failed:
		f.State, f.Figure, f.Todo = control.Broken, "the last restore failed", tried.Note
	case !ok:
		f.State, f.Figure, f.Todo = control.Unknown, "no backup was restored yet", "Check the newest backup on the backup page."
	case age < -time.Minute:
		f.State, f.Figure, f.Todo = control.Unknown, "the last proof bears a time that is still to come", "See that the clock is right, then check the newest backup."
	case age > within:
		f.State, f.Figure, f.Todo = control.Broken, "last proved "+words.Length(age.Truncate(time.Minute))+" ago", "Check the newest backup on the backup page."
	default:
		f.State, f.Figure = control.Kept, fmt.Sprintf("%d files and %d journal lines restored %s ago, every digest as it should be",
			last.Files, last.Seq, words.Length(age.Truncate(time.Minute)))
	}
	return f, nil
}

// rows are the newest runs as evidence.
func (r *Room) rows(ctx context.Context, kinds ...Kind) ([]control.Row, int, error) {
	all, err := r.Log(ctx, 200)
	if err != nil {
		return nil, 0, err
	}
	var out []control.Row
	total := 0
	for _, x := range all {
		for _, k := range kinds {
			if x.Kind != k {
				continue
			}
			if total++; len(out) < 50 {
				out = append(out, control.Row{What: x.words(), State: x.state(), At: x.Ended, Link: "/backup"})
			}
		}
	}
	return out, total, nil
}

func (x Result) state() control.State {
	if x.Result == Done {
		return control.Kept
	}
	return control.Broken
}

// words says what a run did and what came of it.
func (x Result) words() string {
	what := map[Kind]string{KindRun: "Backup", KindVerify: "Check by restoring", KindDrill: "Check by restoring, by the clock"}[x.Kind]
	if x.Result == Failed {
		return what + " failed: " + x.Note
	}
	return fmt.Sprintf("%s: %d files, %s", what, x.Files, words.Size(x.Bytes))
}
