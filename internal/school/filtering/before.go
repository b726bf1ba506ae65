package filtering

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
)

// before is what a list was before it was taken up anew.
type before struct {
	Was    Source
	Undone bool // somebody went back, and Was is what they went back from
}

// shelf is where the file of a list's version before lies. The snapshots name
// it no more, and what they do not name is cleared away.
func (r *Room) shelf(s Source) string {
	return filepath.Join(snapfile.SegmentsDir(r.d.Dir), s.Segment+".before")
}

// setAside keeps the file of a version of a list that is about to be replaced.
func (r *Room) setAside(s Source) error {
	from, to := segment.FileName(snapfile.SegmentsDir(r.d.Dir), s.Segment), r.shelf(s)
	if segment.VerifyFile(to, s.Segment) == nil {
		return nil
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making room for the list before: %w", err)
	}
	if err := os.Link(from, to); err == nil {
		return nil
	}
	if err := copyFile(from, to); err != nil {
		return fmt.Errorf("keeping the list before: %w", err)
	}
	return nil
}

// copyFile is for where a file cannot have two names.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// swap makes a change that replaces a version of a list by another. The file
// of the version is kept, and the one that was kept until now is not needed
// any more.
func (r *Room) swap(ctx context.Context, have Source, change func() error) error {
	last, err := getBefore(ctx, r.d.DB, have.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := r.setAside(have); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if last.Was.Segment != "" && last.Was.Segment != have.Segment {
		_ = os.Remove(r.shelf(last.Was)) // another list may have had the same; it is tidiness alone
	}
	return nil
}

// takeOut puts the file that was set aside back among those that can be named,
// if it is whole.
func (r *Room) takeOut(s Source) error {
	to := segment.FileName(snapfile.SegmentsDir(r.d.Dir), s.Segment)
	if segment.VerifyFile(to, s.Segment) == nil {
		return nil
	}
	from := r.shelf(s)
	if err := segment.VerifyFile(from, s.Segment); err != nil {
		return &Refused{Words: "the list before is not here any more; import it again from its file"}
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making room for the list before: %w", err)
	}
	if err := os.Link(from, to); err == nil {
		return nil
	}
	return copyFile(from, to)
}

// ListBefore is what a list was before the version in force, for its page;
// undone says that the version in force is itself one that somebody went back
// to. It is store.ErrNotFound where there is nothing to go back to.
func (r *Room) ListBefore(ctx context.Context, id string) (was Source, undone bool, err error) {
	b, err := getBefore(ctx, r.d.DB, id)
	if err != nil {
		return Source{}, false, err
	}
	for _, name := range []string{r.shelf(b.Was), segment.FileName(snapfile.SegmentsDir(r.d.Dir), b.Was.Segment)} {
		if _, err := os.Stat(name); err == nil {
			return b.Was, b.Undone, nil
		}
	}
	return Source{}, false, store.ErrNotFound
}

// BackToList puts the version of a list in force that was in force before. The
// one that it goes back from is not taken up again until its publisher has
// another, or somebody goes back to it.
func (r *Room) BackToList(ctx context.Context, id, reason string) error {
	if err := r.mayChange(ctx, "go back to the list "+id+" as it was before"); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	r.fetching.Lock()
	defer r.fetching.Unlock()
	is, err := getSource(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	b, err := getBefore(ctx, r.d.DB, id)
	if err != nil {
		return err
	}
	if err := r.takeOut(b.Was); err != nil {
		return err
	}
	to := is
	to.Segment, to.Names, to.Categories, to.Format, to.DatedAt = b.Was.Segment, b.Was.Names, b.Was.Categories, b.Was.Format, b.Was.DatedAt
	to.ImportedAt, to.ImportedBy, to.Problem = b.Was.ImportedAt, b.Was.ImportedBy, ""
	says := func(s Source) string { return s.Title + ": " + words.Count(int(s.Names), "name", "names") }
	e := &edit{
		change: Change{Kind: kindBack, Ref: id, Reason: reason, What: "The filter went back to the list " + is.Title + " as it was before.", Was: says(is), Becomes: says(to)},
		alter: func(st *state) error {
			for i := range st.sources {
				if st.sources[i].ID == id {
					st.sources[i] = to
				}
			}
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			if err := putSource(ctx, tx, to); err != nil {
				return nil, err
			}
			return []journal.Row{{Table: "filter_sources", ID: id}}, putBefore(ctx, tx, before{Was: is, Undone: !b.Undone})
		},
	}
	return r.swap(ctx, is, func() error { return r.apply(ctx, e) })
}

// goneBackFrom reports whether a list's file is one that somebody went back
// from.
func (r *Room) goneBackFrom(ctx context.Context, s Source) (bool, error) {
	b, err := getBefore(ctx, r.d.DB, s.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && b.Undone && dated(s.Path) <= b.Was.DatedAt.UnixMilli(), err
}
