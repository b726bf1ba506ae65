package probes

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
)

// Site is a device at another site that tries the filter there.
type Site struct {
	ID      string
	Site    string
	Group   string // "" for a device that nobody knows
	MadeAt  time.Time
	EndedAt time.Time
	Version int64

	key string // with which its device signs what it tells
}

// Name is the site as trials call it: two devices of one site that go by
// different rules are two.
func (s Site) Name() string {
	if s.Group == "" {
		return s.Site
	}
	return s.Site + " (" + groupWords[s.Group] + ")"
}

// Ended reports a site that is tried no longer.
func (s Site) Ended() bool { return !s.EndedAt.IsZero() }

// Bounds of sites.
const (
	mostSites = 50
	mostName  = 60
)

// AddSite names a site, and returns the key with which its device signs what it
// tells. It is shown once: who loses it adds the site anew.
func (r *Room) AddSite(ctx context.Context, name, group string) (Site, string, error) {
	name = strings.Join(strings.Fields(name), " ")
	bad := store.Invalid{}
	switch {
	case name == "" || len(name) > mostName:
		bad["site"] = fmt.Sprintf("Give the site's name, in up to %d letters", mostName)
	case strings.EqualFold(name, MainSite):
		bad["site"] = "This machine tries the filter by itself; name another site"
	}
	if !slices.Contains([]string{"", "pupils", "staff", "guests"}, group) {
		bad["group"] = "Choose whose rules the device there goes by"
	}
	list, err := r.Sites(ctx)
	if err != nil {
		return Site{}, "", err
	}
	running := 0
	for _, s := range list {
		if s.Ended() {
			continue
		}
		running++
		if strings.EqualFold(s.Name(), Site{Site: name, Group: group}.Name()) {
			bad["site"] = "A device of this site and these rules is named already; end it first"
		}
	}
	if running >= mostSites {
		bad["site"] = fmt.Sprintf("There are %d already; end one first", mostSites)
	}
	if len(bad) > 0 {
		return Site{}, "", bad
	}
	s := Site{ID: store.NewID(r.now()), Site: name, Group: group, MadeAt: r.now(), Version: 1, key: rand.Text()}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertSite(ctx, tx, s); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbSite, Kind: "probe site", ID: s.ID, After: map[string]string{"site": name, "rules": group}, Rows: []journal.Row{{Table: "probe_sites", ID: s.ID}}})
	})
	return s, s.key, err
}

// EndSite has a site tried no longer: its key is worth nothing any more.
func (r *Room) EndSite(ctx context.Context, id string, version int64) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := endSite(ctx, tx, id, version, r.now()); err != nil {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbSite, Kind: "probe site", ID: id, After: map[string]string{"ended": "yes"}, Rows: []journal.Row{{Table: "probe_sites", ID: id}}})
	})
}

// Told is one answer of a device, as it tells it.
type Told struct {
	Case    string // a category, "here", or a way past the filter, see Way
	Outcome string // "closed", "open", "gone", "nothing"; of a way "reached", "refused", "ours", "untried"
}

// Report takes what a device of a site tells.
func (r *Room) Report(ctx context.Context, s Site, told []Told) (Run, error) {
	must, err := r.Closed(ctx, s.Group)
	if err != nil {
		return Run{}, err
	}
	by := map[string]string{}
	for _, t := range told {
		by[t.Case] = t.Outcome
	}
	answers := []Answer{hereAnswer(by["here"])}
	behind := by["here"] == "open"
	for _, c := range must {
		answers = append(answers, closedAnswer(c, by[c], behind))
	}
	answers = append(answers, r.directAnswers(by)...)
	return r.keep(ctx, Run{At: r.now(), Site: s.Name(), Kind: Device}, answers)
}

func hereAnswer(outcome string) Answer {
	a := Answer{Case: "behind the filter", Area: Path, What: "The device reaches what only the filter answers"}
	switch outcome {
	case "open":
		a.State, a.Said = Right, "It does."
	case "":
		a.State, a.Said = Unknown, "It was not asked."
	default:
		a.State, a.Said = Wrong, "It does not: this device is not behind the filter. Look at its proxy or DNS, and at the firewall of the site."
	}
	return a
}

func closedAnswer(category, outcome string, behind bool) Answer {
	a := Answer{Case: category + " at the device", Area: Categories, What: "A site of " + category + " is closed at the device"}
	switch {
	case outcome == "open":
		a.State, a.Said = Wrong, "It was let through. Look which rules the device goes by."
	case outcome == "closed" && behind:
		a.State, a.Said = Right, "It was closed."
	case outcome == "gone" && behind: // our own names are there for whoever may open them
		a.State, a.Said = Right, "For this device there is no such name."
	case outcome == "nothing" && behind:
		a.State, a.Said = Unknown, "Nothing was answered. If it stays so, look at the device’s network."
	case outcome == "closed" || outcome == "gone" || outcome == "nothing":
		a.State, a.Said = Unknown, "It did not open, but the device is not behind the filter, so that says nothing."
	default:
		a.State, a.Said = Unknown, "It was not asked."
	}
	return a
}

// limiter bounds how often a site may tell.
type limiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// often is how often a site may tell at most.
const often = time.Minute

func (l *limiter) may(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || len(l.last) > 4*mostSites {
		l.last = map[string]time.Time{}
	}
	if at, ok := l.last[id]; ok && now.Sub(at) < often && !now.Before(at) {
		return false
	}
	l.last[id] = now
	return true
}
