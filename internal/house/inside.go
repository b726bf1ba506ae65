package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/control"
	"belisha/internal/gate/files"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
)

// mostTroubles is how many sites that could not be looked into are named.
const mostTroubles = 60

// inside says how the running filter looks inside, for the page that tells it.
func (h *House) inside(ctx context.Context) (filtering.Inside, error) {
	out := filtering.Inside{Scanner: h.hasScanner()}
	if snap := h.Filtering.Snapshot(); snap != nil && snap.Phrases() != nil {
		out.Phrases, _ = snap.Phrases().Count()
	}
	st, err := h.gate.status(ctx)
	if err != nil {
		return out, nil //nolint:nilerr // the page says that the filter does not answer
	}
	out.Known, out.Certificate = true, st.CA
	for _, t := range st.Inspection.Troubles[:min(len(st.Inspection.Troubles), mostTroubles)] {
		out.Troubles = append(out.Troubles, filtering.Trouble{Host: t.Host, Kind: t.Kind, Detail: t.Detail, Count: t.Count, Devices: t.Devices, Last: t.Last})
	}
	if out.Scanner {
		out.Away = h.scannerAway(ctx)
	}
	return out, nil
}

// hasScanner reports whether a virus scanner has been set up.
func (h *House) hasScanner() bool { return len(h.cfg.File.Clamd.addresses()) > 0 }

// scannerAway asks the scanners whether they are there, and says in a sentence
// that none is; "" when one is.
func (h *House) scannerAway(ctx context.Context) string {
	pool, err := h.scanners()
	if err != nil {
		return "Its address cannot be used: " + err.Error() + "."
	}
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	pool.Check(ctx)
	if pool.OK() {
		return ""
	}
	var why []string
	for _, s := range pool.State() {
		if s.Why != "" && !slices.Contains(why, s.Why) {
			why = append(why, s.Why)
		}
	}
	return "It was asked just now and does not answer: " + strings.Join(why, "; ") + "."
}

// scanners are the virus scanners that were set up, asked from here and not by
// the filter.
func (h *House) scanners() (*clamd.Pool, error) {
	return clamd.New(h.cfg.File.Clamd.addresses(), clamd.Options{Clock: h.cfg.Clock, Connect: time.Second})
}

func (h *House) scanned(ctx context.Context, body []byte) (clamd.Result, error) {
	pool, err := h.scanners()
	if err != nil {
		return clamd.Result{}, err
	}
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	return pool.Scan(ctx, bytes.NewReader(body)), nil
}

// tryContent is what the filter makes of a file or a text, with the filter's
// own eyes. Nothing of it is kept.
func (h *House) tryContent(ctx context.Context, s filtering.Sample) (filtering.Weighed, error) {
	w := filtering.Weighed{Format: "text", Where: map[string]string{}}
	media := text.Type{}
	if s.Name != "" {
		m := files.Meta{Path: "/" + s.Name}
		rep := files.Open(ctx, bytes.NewReader(s.Body), int64(len(s.Body)), &m, files.Bounds{Bytes: 64 << 20, Dir: h.folder.Path("scratch")})
		w.Format = rep.Format.String()
		rep.Kinds.Each(func(k verdict.FileKind) {
			w.Kinds = append(w.Kinds, k)
			if f, ok := rep.First(k); ok {
				w.Where[k.String()] = f.String()
			}
		})
		media = text.ParseType([]string{http.DetectContentType(s.Body)})
	}
	if err := h.weigh(&w, media, s); err != nil {
		return w, err
	}
	if !h.hasScanner() {
		w.Scan = "no virus scanner has been set up"
		return w, nil
	}
	res, err := h.scanned(ctx, s.Body)
	switch {
	case err != nil:
		return w, fmt.Errorf("asking the virus scanner: %w", err)
	case res.Status == clamd.Found:
		w.Virus, w.Scan = res.Name, "found "+res.Name
	case res.Status == clamd.Unscanned:
		w.Scan = "could not be scanned: " + res.Why
	default:
		w.Scan = "found nothing"
	}
	return w, nil
}

// mostShown is how many phrases of a page are told.
const mostShown = 20

func (h *House) weigh(w *filtering.Weighed, media text.Type, s filtering.Sample) error {
	snap := h.Filtering.Snapshot()
	if snap == nil || snap.Phrases() == nil {
		return nil
	}
	kind := text.HTML
	if s.Name != "" {
		kind = text.KindOf(media, s.Body)
	} else if !bytes.Contains(s.Body, []byte("<")) {
		kind = text.Plain
	}
	if kind == text.None {
		return nil
	}
	cal, err := h.People.Calendar(context.Background(), people.MainSite)
	if err != nil {
		return fmt.Errorf("reading the calendar: %w", err)
	}
	var x text.Extractor
	views := x.Extract(kind, s.Body)
	t := scan.Text{Smart: views.Smart, Bare: views.Bare}
	var scratch scan.Scratch
	res := snap.Phrases().Explain(&t, 0, cal.MinuteOfWeek(h.cfg.Clock.Now()), &scratch)
	w.Score, w.Exempt, w.Banned = res.Score, res.Exception, res.Banned
	for _, p := range res.Parts[:min(len(res.Parts), mostShown)] {
		w.Parts = append(w.Parts, strings.TrimSpace(fmt.Sprintf("%+d “%s” %s", p.Weight, strings.TrimSpace(p.Phrase), p.Category)))
	}
	return nil
}

// closedAt is what the filter closed last at an address, for whoever asks for
// a file.
func (h *House) closedAt(ctx context.Context, at netip.Addr) (filtering.Refusal, bool, error) {
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	who, _ := ctx.Value(provedToFilter{}).(string)
	b, err := h.gate.client().LatestOf(ctx, at, who)
	if errors.Is(err, control.ErrNone) {
		return filtering.Refusal{}, false, nil
	}
	return filtering.Refusal{Host: b.Host, Reason: b.Reason}, err == nil, err
}
