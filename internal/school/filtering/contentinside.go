package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// Inside is how the running filter looks inside, for the page that says so.
type Inside struct {
	// Known: the filter answered. Otherwise nothing below is known.
	Known bool
	// Certificate is the fingerprint of the school's certificate, "" for none.
	Certificate string
	// Scanner: a virus scanner has been set up. Away says in a sentence that it
	// cannot be reached, "" when it can.
	Scanner bool
	Away    string
	// Phrases is how many phrases pages are weighed with; 0: none are loaded.
	Phrases int
	// Troubles are sites that could not be looked into lately, the most
	// frequent first.
	Troubles []Trouble
}

// Sample is a file or a text that somebody tries out. Nothing of it is kept.
type Sample struct {
	Name string // of the file, "" for a text
	Body []byte
}

// Weighed is what the filter makes of a sample, whoever it is for.
type Weighed struct {
	Format string             // what the file is, in a few words
	Kinds  []verdict.FileKind // the kinds it counts as
	Where  map[string]string  // what was found and where, by the kind's word
	Score  int                // weight of the page
	Parts  []string           // the phrases that weighed, heaviest first
	Exempt bool               // a phrase that lets the page through whatever it weighs
	Banned bool               // a phrase that closes it whatever it weighs
	Virus  string             // what the scanner found, "" for nothing
	Scan   string             // what the scanner said in words, "" where nothing was scanned
}

// Said is what would happen to a sample for a group.
type Said struct {
	Closed bool
	Words  []string
}

// judge says what would happen to what was weighed, for one group of the rules
// in force.
func (w *Weighed) judge(h *verdict.Handling) Said {
	var out Said
	for _, k := range w.Kinds {
		word, where := kindTitle(k), w.Where[k.String()]
		if where != "" {
			where = " (" + where + ")"
		}
		if h.File(k) == verdict.Allow {
			out.Words = append(out.Words, titleOf(word)+where+": may be downloaded.")
			continue
		}
		out.Closed = true
		out.Words = append(out.Words, titleOf(word)+where+": closed.")
	}
	switch {
	case w.Banned && h.Phrases > 0:
		out.Closed = true
		out.Words = append(out.Words, "It has a phrase that closes a page whatever it weighs.")
	case w.Exempt && h.Phrases > 0:
		out.Words = append(out.Words, "It has a phrase that lets a page through whatever it weighs.")
	case h.Phrases > 0 && w.Score > h.Phrases:
		out.Closed = true
		out.Words = append(out.Words, fmt.Sprintf("It weighs %d, and the limit is %d: closed.", w.Score, h.Phrases))
	case h.Phrases > 0:
		out.Words = append(out.Words, fmt.Sprintf("It weighs %d, and the limit is %d: open.", w.Score, h.Phrases))
	default:
		out.Words = append(out.Words, "Pages are not weighed for this group.")
	}
	if w.Virus != "" && h.Viruses != verdict.ScanNone {
		out.Closed = true
		out.Words = append(out.Words, "The scanner found "+w.Virus+": closed for everybody.")
	}
	return out
}

// kindTitle is a kind of file as policies call it.
func kindTitle(k verdict.FileKind) string {
	for _, o := range fileOptions() {
		if o.Value == k.String() {
			return o.Title
		}
	}
	return k.String()
}

func kindTitles(kinds []string) string {
	var out []string
	for _, o := range fileOptions() {
		if slices.Contains(kinds, o.Value) {
			out = append(out, o.Title)
		}
	}
	return strings.Join(out, ", ")
}

// assessed refuses values by which the filter would begin to look inside
// encrypted sites, or do so for more people, before the head has signed the
// impact assessment.
func (r *Room) assessed(ctx context.Context, next *setting.Values) error {
	wider := widened(r.d.Live.Current(), next)
	if len(wider) == 0 {
		return nil
	}
	if r.d.Assessed != nil {
		ok, err := r.d.Assessed(ctx)
		if err != nil {
			return fmt.Errorf("asking for the impact assessment: %w", err)
		}
		if ok {
			return nil
		}
	}
	return &Refused{
		Words:  "Looking inside the encrypted sites of " + words.And(wider) + " needs the head's signed impact assessment: sign it on the page about recording first, or leave \"" + keyInspect + "\" off.",
		Clause: next.Get(keyInspect, setting.Scope{Group: wider[0]}).Clause,
	}
}

// widened are those for whom next looks inside more sites than now does.
func widened(now, next *setting.Values) []string {
	rank := map[string]int{"off": 0, "listed": 1, "on": 2}
	var out []string
	for _, g := range Groups() {
		scopes := []setting.Scope{{Group: g}}
		if g == GroupPupils {
			for _, stage := range people.KeyStages {
				scopes = append(scopes, setting.Scope{Group: g, KeyStage: scopeStage(stage)})
			}
		}
		more := slices.ContainsFunc(scopes, func(at setting.Scope) bool {
			a, b := now.Choice(keyInspect, at), next.Choice(keyInspect, at)
			return rank[b] > rank[a] || b == "listed" && len(without(next.Items(keyInspectOnly), now.Items(keyInspectOnly))) > 0
		})
		if more {
			out = append(out, g)
		}
	}
	return out
}

// LooksInto are those for whom the policy has the filter look inside encrypted
// sites.
func (r *Room) LooksInto() []string { return inspects(r.d.Live.Current()) }

// scanner reports whether a virus scanner has been set up.
func (r *Room) scanner() bool { return r.d.Scanner != nil && r.d.Scanner() }
