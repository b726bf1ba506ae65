package filtering

import (
	"context"
	"fmt"

	"belisha/internal/kit/setting"
	"belisha/internal/verdict"
)

// Expected is what the filter must do for a group, for whoever tries whether
// it does.
type Expected struct {
	Group, Title string
	// Closed are the categories that are closed throughout, each with a name
	// of the starter list, "" where there is none.
	Closed []Sampled
	// Files are the kinds of file that are closed.
	Files []verdict.FileKind
	// Weighed: pages are weighed. Scanned: files are scanned for viruses.
	Weighed, Scanned bool
	// MaxScan is the size in bytes up to which files are scanned.
	MaxScan int64
	// Inspected: the filter looks inside encrypted sites, at least some.
	Inspected bool
	// SafeSearch and YouTube are the levels: "strict", "moderate", "off".
	SafeSearch, YouTube string
	// Narrow: what stands on no list is closed, or closed for whoever is not
	// known, so that an open page proves nothing.
	Narrow bool
}

// Sampled is a category with one of its names.
type Sampled struct{ Category, Name string }

// Expect tells what the rules and the settings in force ask of the filter, for
// each group.
func (r *Room) Expect(ctx context.Context) ([]Expected, error) {
	st, err := r.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading what the filter must do: %w", err)
	}
	snap := r.Snapshot()
	if snap == nil {
		return nil, nil
	}
	v, now := r.d.Live.Current(), r.now()
	var out []Expected
	for _, g := range Groups() {
		level := setting.Scope{Group: g}
		e := Expected{
			Group: g, Title: groupTitle[g], SafeSearch: v.Choice(keySafeSearch, level), YouTube: v.Choice(keyYouTube, level),
			Narrow: v.Choice(keyUnsigned) == "closed" || g == GroupPupils && v.Choice(keyUnlisted) == "previewed-only",
		}
		for _, slug := range alwaysClosed(v, st, g) {
			s := Sampled{Category: slug}
			if names := r.stock.samples(slug, 1); len(names) > 0 {
				s.Name = names[0]
			}
			e.Closed = append(e.Closed, s)
		}
		h := snap.Handling(snap.Names().GroupBit(g), now)
		for i := range verdict.FileKinds() {
			if k := verdict.FileKind(i); h.File(k) == verdict.Block { //nolint:gosec // ten kinds
				e.Files = append(e.Files, k)
			}
		}
		e.MaxScan = h.MaxScan
		e.Weighed, e.Scanned, e.Inspected = h.Phrases > 0, h.Viruses != verdict.ScanNone, h.Inspect
		out = append(out, e)
	}
	return out, nil
}

// Aged are the titles of the lists in use that are older than the policy lets
// them be.
func (r *Room) Aged(ctx context.Context) ([]string, error) {
	st, err := r.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading how old lists are: %w", err)
	}
	limit, now := r.d.Live.Current().Duration(keyListAge), r.now()
	var out []string
	for _, s := range st.sources {
		if s.Enabled && s.Segment != "" && now.Sub(s.fresh()) > limit {
			out = append(out, s.Title)
		}
	}
	return out, nil
}
