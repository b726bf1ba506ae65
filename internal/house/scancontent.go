package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/gate/content"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
	"belisha/lists"
)

// Sample is a file or a page that is scanned as the filter would scan it.
type Sample struct {
	Name  string // of the file; only its last part is read
	Type  string // as a site would say it (Content-Type); "" for nothing said
	Body  []byte
	Group string          // pupils, staff or guests
	Stage people.KeyStage // of a pupil, "" for pupils as a whole
	// To is where somebody writes the body to, such as an AI service; "" for
	// what a site answers.
	To string
}

// Match is a phrase that weighed.
type Match struct {
	Phrase   string `json:"phrase"`
	Category string `json:"category,omitempty"`
	Weight   int    `json:"weight"`
}

// Scanned is what the filter does with a sample.
type Scanned struct {
	Action   string  `json:"action"` // allow, warn or block
	Reason   string  `json:"reason,omitempty"`
	Category string  `json:"category,omitempty"`
	Alert    string  `json:"alert,omitempty"` // theme of the signal that it raises
	Kind     string  `json:"kind"`            // program, script …; else what it is: page, text, png …
	Format   string  `json:"format"`
	Detail   string  `json:"detail,omitempty"` // as it is written down
	Score    int     `json:"score"`
	Limit    int     `json:"limit"` // of the group; 0: its pages are not weighed
	Matches  []Match `json:"matches"`
	Virus    string  `json:"virus,omitempty"` // what the virus scanner said, where one is set up
	// Engine and Words are the service that was written to, and what was.
	Engine string `json:"-"`
	Words  string `json:"-"`
}

// mostScanned bounds a sample.
const mostScanned = 256 << 20

// scanHost is where samples are said to come from. It is no site.
const scanHost = "sample.invalid"

// Scan looks at a sample with the filter's own pipeline and the rules in
// force. Nothing of it is kept, and nothing is recorded.
func (h *House) Scan(ctx context.Context, s Sample) (_ Scanned, err error) {
	snap := h.Filtering.Snapshot()
	switch {
	case snap == nil:
		return Scanned{}, errors.New("no rules of the filter have been made yet")
	case !slices.Contains(filtering.Groups(), s.Group):
		return Scanned{}, fmt.Errorf("there is no group %q: use one of %s", s.Group, strings.Join(filtering.Groups(), ", "))
	case len(s.Body) > mostScanned:
		return Scanned{}, fmt.Errorf("it has more than %d MB, and nothing that large is scanned", mostScanned>>20)
	}
	dir, err := os.MkdirTemp("", "belisha-scan-")
	if err != nil {
		return Scanned{}, fmt.Errorf("making a folder to scan in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, closeIt, err := h.sampler(snap, dir)
	if err != nil {
		return Scanned{}, err
	}
	defer func() { err = errors.Join(err, closeIt()) }()
	groups := h.Filtering.Narrow([]string{s.Group}, s.Stage)
	found, answer, err := h.passThrough(ctx, p, dir, s, groups)
	if err != nil {
		return Scanned{}, err
	}
	out := h.describe(ctx, snap, s, dir)
	hold := answer.Handling()
	out.Action, out.Limit = verdict.Allow.String(), hold.Phrases
	if found != nil {
		out.Action, out.Detail, out.Alert = found.Action.String(), found.Detail, found.Alert
		out.Engine, out.Words = found.Engine, found.Words
		if found.Action != verdict.Allow || s.To != "" {
			out.Reason = found.Reason.String()
		}
		if c, ok := snap.Names().Category(found.Category); ok {
			out.Category = c.Slug
		}
	}
	return out, nil
}

// sampler is a porter that knows one visitor of each group and writes to a
// folder that is thrown away.
func (h *House) sampler(snap *verdict.Snapshot, dir string) (*porter.Porter, func() error, error) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), Clock: h.cfg.Clock, Log: quiet})
	if err != nil {
		return nil, nil, err
	}
	p, err := porter.New(porter.Deps{
		Clock: h.cfg.Clock, Table: subject.New(nil), Spool: sp, Log: quiet, Snapshot: snap,
		Settings: &porter.Settings{TimeZone: h.zone().String(), CountOnly: true, Themes: filtering.SearchPhrases()},
	})
	if err != nil {
		return nil, nil, errors.Join(err, sp.Close())
	}
	return p, sp.Close, nil
}

// passThrough sends the sample through the pipeline as a site's answer, to the
// last byte, since some things are found late.
func (h *House) passThrough(ctx context.Context, p *porter.Porter, dir string, s Sample, groups []string) (*porter.Finding, *porter.Answer, error) {
	deps := content.Deps{Porter: p, Temp: filepath.Join(dir, "looking"), Clock: h.cfg.Clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	services, err := lists.AIServices()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the AI services: %w", err)
	}
	deps.Chats = lists.NewChats(services)
	if h.hasScanner() {
		pool, err := h.scanners()
		if err != nil {
			return nil, nil, err
		}
		deps.Scanner = pool
	}
	pipe, err := content.New(deps)
	if err != nil {
		return nil, nil, err
	}
	req, err := s.request(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("naming the sample: %w", err)
	}
	who := subject.Found{Row: subject.Row{ID: "scan", Groups: groups, Address: netip.AddrFrom4([4]byte{127, 0, 0, 1})}, Signed: true}
	answer := p.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: req.URL.Hostname(), Path: req.URL.Path, Port: 80})
	if s.To != "" {
		return pipe.Request(ctx, &answer, req), &answer, nil
	}
	res := &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		Body: io.NopCloser(bytes.NewReader(s.Body)), ContentLength: int64(len(s.Body)),
	}
	res.Header.Set("Content-Length", strconv.Itoa(len(s.Body)))
	if s.Type != "" {
		res.Header.Set("Content-Type", s.Type)
	}
	found := pipe.Request(ctx, &answer, req)
	if found == nil || found.Action == verdict.Allow {
		found = pipe.Response(ctx, &answer, req, res)
	}
	defer func() { _ = res.Body.Close() }()
	if found != nil && found.Action != verdict.Allow {
		return found, &answer, nil
	}
	if _, err := io.Copy(io.Discard, res.Body); errors.Is(err, porter.ErrCut) {
		return &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonFile, Category: verdict.NoCategory, Detail: "found after its first bytes"}, &answer, nil
	} else if err != nil {
		return nil, nil, fmt.Errorf("reading the sample: %w", err)
	}
	return found, &answer, nil
}

// request is what the sample is asked for with, or sent by.
func (s *Sample) request(ctx context.Context) (*http.Request, error) {
	if s.To == "" {
		return http.NewRequestWithContext(ctx, http.MethodGet, "http://"+scanHost+"/"+url.PathEscape(filepath.Base(s.Name)), nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.To, bytes.NewReader(s.Body))
	if err == nil {
		req.Header.Set("Content-Type", s.Type)
	}
	return req, err
}

// describe says what the sample is and what weighs in it, whoever asks.
func (h *House) describe(ctx context.Context, snap *verdict.Snapshot, s Sample, dir string) Scanned {
	out := Scanned{Matches: []Match{}}
	m := files.Meta{Path: "/" + filepath.Base(s.Name), Type: s.Type}
	rep := files.Open(ctx, bytes.NewReader(s.Body), int64(len(s.Body)), &m, files.Bounds{Bytes: mostScanned, Dir: dir})
	out.Format = rep.Format.String()
	rep.Kinds.Each(func(k verdict.FileKind) {
		if out.Kind == "" {
			out.Kind = k.String()
		}
	})
	var fields []string
	if s.Type != "" {
		fields = []string{s.Type}
	}
	media := text.ParseType(fields)
	kind := text.KindOf(media, s.Body)
	switch {
	case out.Kind != "":
	case kind == text.HTML:
		out.Kind = "page"
	case kind != text.None:
		out.Kind = "text"
	default:
		out.Kind = out.Format
	}
	if phrases := snap.Phrases(); phrases != nil && kind != text.None {
		var x text.Extractor
		views := x.Extract(kind, bytes.Clone(x.UTF8(media, kind, s.Body)))
		var scratch scan.Scratch
		now := h.cfg.Clock.Now().In(h.zone())
		minute := uint16((int(now.Weekday())+6)%7*24*60 + now.Hour()*60 + now.Minute()) //nolint:gosec // below a week
		res := phrases.Explain(&scan.Text{Smart: views.Smart, Bare: views.Bare}, 0, minute, &scratch)
		out.Score = res.Score
		for _, part := range res.Parts {
			out.Matches = append(out.Matches, Match{Phrase: strings.TrimSpace(part.Phrase), Category: part.Category, Weight: part.Weight})
		}
	}
	return out
}
