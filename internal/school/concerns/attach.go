package concerns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/blobs"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// Bounds on what is attached.
const (
	maxFile  = 10 << 20
	maxFiles = 20
)

// The answers to the question that comes before any file: does it show a child
// undressed or in a sexual way?
const (
	ShowsYes    = "yes"
	ShowsUnsure = "unsure"
	ShowsNo     = "no"
)

// ErrImages: nothing can be attached to this concern.
var ErrImages = fmt.Errorf("%w: nothing can be attached to this concern", store.ErrForbidden)

// attacher is somebody who may attach: whoever reported it, while it is open,
// and those who may see it.
func (r *Room) attacher(ctx context.Context, q store.Querier, rd *reader, id string) (Case, error) {
	c, err := r.ownReport(ctx, q, id)
	if err == nil && c.live() {
		return c, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Case{}, err
	}
	w, err := r.openIn(ctx, q, rd, id)
	if err != nil {
		return Case{}, err
	}
	return w.Case, nil
}

// isReporter reports whether whoever asks has reported the case.
func (r *Room) isReporter(ctx context.Context, c *Case) bool {
	a := actor.From(ctx)
	return a.Person != "" && c.Reporter == r.personMark(people.ID(a.Person))
}

// reporterHidden is the actor of what a reporter does besides: a line with
// their name would tell whoever reads the journal who reported it.
func (r *Room) reporterHidden(ctx context.Context, c *Case) context.Context {
	if r.isReporter(ctx, c) {
		return hidden(ctx)
	}
	return ctx
}

// Attachable says whether something may be attached by whoever asks.
func (r *Room) Attachable(ctx context.Context, id string) error {
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	c, err := r.attacher(ctx, r.d.DB, rd, id)
	if err != nil {
		return err
	}
	if c.Images {
		return ErrImages
	}
	return nil
}

// Answer takes the answer to the question before any file. Unless it is a
// clear no, nothing can be attached to the concern from then on, by nobody.
func (r *Room) Answer(ctx context.Context, id, shows string) error {
	if err := r.mustBeReady(ctx); err != nil {
		return err
	}
	switch shows {
	case ShowsNo:
		return r.Attachable(ctx, id)
	case ShowsYes, ShowsUnsure:
	default:
		return store.Invalid{"shows": "Choose an answer first."}
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := r.attacher(ctx, tx, rd, id)
		if err != nil {
			return err
		}
		if c.Images {
			return nil
		}
		c.Images = true
		now := r.now()
		e := Entry{ID: store.NewID(now), Kind: EntryImages, At: now, Told: Told{
			Text: "Asked whether it shows a child undressed or in a sexual way, somebody answered: " + map[string]string{ShowsYes: "yes", ShowsUnsure: "not sure"}[shows] +
				". Nothing was taken. Do not look at it or ask for it. The safeguarding lead decides; see Police.",
		}}
		if err := r.insertEntry(ctx, tx, id, e); err != nil {
			return err
		}
		if c.ReferralDue.IsZero() {
			cal, err := r.calendar(ctx)
			if err != nil {
				return err
			}
			c.ReferralDue = dueAfter(cal, cal.NextOpening(now), r.values().Duration(keyReferral))
		}
		if err := updateCase(ctx, tx, &c); err != nil {
			return err
		}
		return r.line(r.reporterHidden(ctx, &c), tx, VerbImages, id, row("concerns", id), row("concern_entries", e.ID))
	})
	return err
}

// Attach keeps a file with a concern, sealed. shows must be a clear no.
func (r *Room) Attach(ctx context.Context, id, shows, name string, in io.Reader) error {
	if shows != ShowsNo {
		return ErrImages
	}
	if err := r.mustBeReady(ctx); err != nil {
		return err
	}
	if err := r.Attachable(ctx, id); err != nil {
		return err
	}
	files := r.d.Files()
	if files == nil {
		return store.Invalid{"file": "Files cannot be kept here just now."}
	}
	body, kind, err := readFile(in)
	if err != nil {
		return err
	}
	blob, err := files.Put(ctx, bytes.NewReader(body))
	if errors.Is(err, blobs.ErrTooLarge) || errors.Is(err, blobs.ErrFull) {
		return store.Invalid{"file": err.Error()}
	}
	if err != nil {
		return err
	}
	now := r.now()
	f := File{ID: store.NewID(now), Blob: blob.ID, Bytes: int64(len(body)), At: now, Name: fileName(name, kind), Type: kind, By: actor.From(ctx).ID}
	return r.keepFile(ctx, files, id, f)
}

// keepFile notes a kept file with its case, unless somebody has meanwhile said
// that nothing may be attached.
func (r *Room) keepFile(ctx context.Context, files Files, id string, f File) error {
	rd, err := r.reader(ctx)
	if err != nil {
		return err
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := r.attacher(ctx, tx, rd, id)
		if err != nil {
			return err
		}
		if c.Images {
			return ErrImages
		}
		have, err := r.filesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(have) >= maxFiles {
			return store.Invalid{"file": fmt.Sprintf("There are %d files with it already; no more are taken.", maxFiles)}
		}
		if err := files.Use(r.reporterHidden(ctx, &c), tx, f.Blob, "concern", f.ID); err != nil {
			return err
		}
		if r.isReporter(ctx, &c) {
			f.By = "" // who reported it stands with it already, sealed
		}
		if err := r.insertFile(ctx, tx, id, f); err != nil {
			return err
		}
		e := Entry{ID: store.NewID(f.At), Kind: EntryFile, At: f.At, Told: Told{By: f.By, Text: f.Name}}
		if err := r.insertEntry(ctx, tx, id, e); err != nil {
			return err
		}
		return r.line(r.reporterHidden(ctx, &c), tx, VerbAttached, id, row("concern_files", f.ID), row("concern_entries", e.ID))
	})
}

// readFile reads a file and tells by its first bytes what it is. What is none
// of the few kinds is refused, whatever its name says.
func readFile(in io.Reader) ([]byte, string, error) {
	body, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, "", fmt.Errorf("reading what is attached: %w", err)
	}
	if len(body) > maxFile {
		return nil, "", store.Invalid{"file": "This file is larger than 10 MB. Attach a smaller one, or keep it on paper and say where."}
	}
	if len(body) == 0 {
		return nil, "", store.Invalid{"file": "This file is empty."}
	}
	kind := kindOfFile(body)
	if kind == "" {
		return nil, "", store.Invalid{"file": "Only PDF, PNG, JPEG and plain text are taken. Print other papers to PDF first."}
	}
	return body, kind, nil
}

// kindOfFile tells a file by its content.
func kindOfFile(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return "image/jpeg"
	case utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }):
		return "text/plain; charset=utf-8"
	}
	return ""
}

// fileName is a plain name with the ending of what the file is.
func fileName(name, kind string) string {
	name = strings.TrimSuffix(path.Base(clean(name)), path.Ext(name))
	name = strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`/\:*?"<>|`, c) {
			return -1
		}
		return c
	}, name)
	if name = strings.TrimSpace(cut(name, 80)); name == "" || name == "." {
		name = "file"
	}
	return name + map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "text/plain; charset=utf-8": ".txt"}[kind]
}

// OpenFile hands out what is attached to somebody who may see the case, and
// journals it. The caller closes it.
func (r *Room) OpenFile(ctx context.Context, id, file string) (File, io.ReadCloser, error) {
	if err := r.mustBeReady(ctx); err != nil {
		return File{}, nil, err
	}
	rd, err := r.reader(ctx)
	if err != nil {
		return File{}, nil, err
	}
	w, err := r.openIn(ctx, r.d.DB, rd, id)
	if err != nil {
		return File{}, nil, err
	}
	files := r.d.Files()
	for _, f := range w.Files {
		if f.ID != file || files == nil {
			continue
		}
		err := r.d.DB.Write(ctx, func(tx *store.Tx) error {
			return r.write(ctx, tx, journal.Entry{Verb: VerbFile, ID: id, After: map[string]string{"file": f.ID}})
		})
		if err != nil {
			return File{}, nil, err
		}
		body, err := files.Open(ctx, f.Blob)
		return f, body, err
	}
	return File{}, nil, store.ErrNotFound
}
