package policies

import (
	"context"
	"io/fs"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/tasks"
	"belisha/internal/school/policies/document"
	"belisha/internal/school/policies/ledger"
	"belisha/internal/school/policies/meaning"
	"belisha/internal/school/policies/watch"
)

// Problem is one thing a check has to say.
type Problem = meaning.Problem

// Report is what a check found.
type Report = meaning.Report

// Check reads a text and says everything that is wrong with it, by line.
func (r *Room) Check(_ context.Context, text string) Report {
	_, report := r.text.Check(canonical(text))
	return report
}

// CheckText is Check without a room: for a console that has no data folder.
func CheckText(book *setting.Book, controls []control.Control, files fs.FS, text string) (Report, error) {
	l, err := ledger.Read(files)
	if err != nil {
		return Report{}, err
	}
	built := map[string]bool{"policy-in-force": true}
	for _, c := range controls {
		built[c.Slug] = true
	}
	_, report := meaning.Reader{Book: book, Ledger: l, Built: func(slug string) bool { return built[slug] }}.Check(canonical(text))
	return report, nil
}

// Tasks are the room's tasks.
func (r *Room) Tasks() []tasks.Task {
	return []tasks.Task{
		{Name: "policies.controls", Every: watch.Every, Run: func(ctx context.Context) error { return r.RunControls(ctx) }},
		{Name: "policies.history", At: "03:40", Run: r.watch.Forget},
	}
}

// RunControls looks at the evidence of the controls named by slug or number
// (all when none is) and keeps what they find.
func (r *Room) RunControls(ctx context.Context, names ...string) error {
	defer r.light.drop()
	return r.watch.Run(ctx, names...)
}

// Requirements returns every id of the ledger with what Belisha does for it,
// in the ledger's order.
func (r *Room) Requirements() []ledger.Coverage { return r.ledger.Coverage() }

// Requirement returns one requirement of the ledger.
func (r *Room) Requirement(id string) (ledger.Requirement, bool) { return r.ledger.Get(id) }

// Diff compares two texts: words, and settings.
func (r *Room) Diff(old, next string) document.Difference {
	a, _ := document.Parse(canonical(old))
	b, _ := document.Parse(canonical(next))
	return document.Diff(a, b)
}

// Export returns the text of a version, or of the one in force for "".
func (r *Room) Export(ctx context.Context, version string) (string, error) {
	var v Version
	var err error
	if version == "" {
		_, v, err = r.inForce(ctx, r.d.DB)
	} else {
		v, err = r.Version(ctx, version)
	}
	if err != nil {
		return "", err
	}
	return document.Normal(v.Text), nil
}
