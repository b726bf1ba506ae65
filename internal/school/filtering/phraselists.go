package filtering

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
	"belisha/lists/phrases"
)

// FormatPhrases is the format of an import that brings phrases and no names.
const FormatPhrases = "phrases"

// PhraseList is one list of phrases that pages are weighed with.
type PhraseList struct {
	ID           string
	Title        string
	Path         string // where it came from
	Hash         string // of what is in it
	Phrases      int64
	Combinations int64
	Areas        []PhraseArea
	Off          []string // areas that are not in use
	Report       phraselist.Report
	ImportedAt   time.Time
	ImportedBy   string
	TriedAt      time.Time
	Problem      string
	Enabled      bool
	Version      int64

	content string // packed; "" where it was not read or did not change
}

// PhraseArea is what a list has on one category.
type PhraseArea struct {
	Slug  string `json:"slug"` // "" for phrases of no category
	Title string `json:"title"`
	Lines int    `json:"lines"`
}

// Bounds of phrase lists.
const (
	maxPhraseLists   = 50
	maxPhraseUpload  = 16 << 20
	maxPhraseContent = scan.MaxFile
	keptPhraseFaults = 20 // of one file
	keptPhraseFiles  = 300
)

// PhraseOptions say which phrases to bring in. Data, or what is at Path.
type PhraseOptions struct {
	Path        string
	Name        string
	Data        []byte
	AllowShrink bool
	from        string // the address it was fetched from
}

// ImportPhrases takes a phrase list in e2guardian's format up, from a folder, a
// packed file or one list. It is read and built beside what is in force; one
// that is refused changes nothing.
func (r *Room) ImportPhrases(ctx context.Context, o PhraseOptions) (PhraseList, error) {
	l := PhraseList{Title: strings.TrimSpace(o.Name), Path: o.Path, ImportedAt: r.now(), TriedAt: r.now(), ImportedBy: actor.From(ctx).ID, Enabled: true}
	if l.Title == "" {
		l.Title = fromPath(o.Path)
	}
	l.ID, l.Path = slug(l.Title), firstOf(o.from, l.Path)
	if err := r.mayImport(ctx, "import the phrase list "+l.Title); err != nil {
		return l, err
	}
	if l.ID == "" || l.ID == starterID || len(l.ID) > 60 {
		return l, &Refused{Words: "give the list a name of its own with letters or digits, at most 60"}
	}
	have, err := getPhraseList(ctx, r.d.DB, l.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return l, err
	}
	if have.Version > 0 {
		l.Version, l.Enabled, l.Off = have.Version, have.Enabled, have.Off
	}
	err = readPhrases(ctx, o, &l)
	if err == nil && !o.AllowShrink {
		err = phrasesShrunk(have, l, r.d.Live.Current().Int(keyShrink))
	}
	if err == nil {
		err = r.takeUpPhrases(ctx, l, have)
	}
	if err != nil {
		return l, errors.Join(err, r.phrasesRefused(ctx, l, have, err))
	}
	l.content = ""
	return l, nil
}

// importPhrasesAs is ImportPhrases with the report of an import.
func (r *Room) importPhrasesAs(ctx context.Context, o Options) (Report, error) {
	l, err := r.ImportPhrases(ctx, PhraseOptions{Path: o.Path, Name: o.Name, AllowShrink: o.AllowShrink, from: o.from})
	rep := Report{Source: l.ID, Title: l.Title, Path: l.Path, State: stateImported}
	rep.Format, rep.Names, rep.Lines = FormatPhrases, l.Phrases+l.Combinations, l.Report.Lines
	rep.Accepted, rep.Duplicates, rep.Invalid = l.Report.Accepted, l.Report.Duplicates, l.Report.Invalid
	for _, f := range l.Report.Files {
		x := FileReport{File: f.File, Format: FormatPhrases, Lines: f.Lines, Accepted: f.Accepted, Invalid: f.Invalid}
		for _, bad := range f.Refused {
			x.Refused = append(x.Refused, RefusedLine{File: bad.File, Line: bad.Line, Text: bad.Text, Reason: bad.Reason})
		}
		rep.Files = append(rep.Files, x)
	}
	if err != nil {
		rep.State, rep.Reason = stateRefused, err.Error()
	}
	return rep, err
}

// readPhrases reads and builds the list into l.
func readPhrases(ctx context.Context, o PhraseOptions, l *PhraseList) error {
	tree, err := phraseTree(ctx, o)
	if err != nil {
		return &Refused{Words: "The phrase list cannot be read: " + err.Error() + "."}
	}
	roots := phraselist.Roots(tree)
	if len(roots) == 0 {
		return &Refused{Words: "There is no phrase list in it; e2guardian's have lines such as <word><30>."}
	}
	b := scan.NewBuilder(scan.Options{Category: phraseCategory, Refuse: outingLine})
	l.Report, err = phraselist.Read(tree, roots, b)
	l.Report = trimmed(l.Report)
	if err != nil {
		return &Refused{Words: "The phrase list cannot be read: " + err.Error() + "."}
	}
	if l.Report.Accepted == 0 {
		return &Refused{Words: "There is not one phrase in it; e2guardian's lists have lines such as <word><30>."}
	}
	file, p, err := b.Build()
	if err != nil {
		return &Refused{Words: "The phrase list cannot be used: " + err.Error() + "."}
	}
	n, combinations := p.Count()
	l.Hash, l.Phrases, l.Combinations, l.Areas = p.Hash(), int64(n), int64(combinations), areasOf(p)
	l.content, err = packPhrases(file)
	return err
}

// phraseTree opens what is brought in; an upload goes through a file, which
// ends with it.
func phraseTree(ctx context.Context, o PhraseOptions) (phraselist.Tree, error) {
	if o.Data == nil {
		return phraselist.Load(ctx, o.Path)
	}
	f, err := os.CreateTemp("", "belisha-phrases-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(o.Data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return phraselist.Load(ctx, f.Name())
}

// trimmed is the report as it is kept.
func trimmed(rep phraselist.Report) phraselist.Report {
	rep.Files = slices.Clone(rep.Files[:min(len(rep.Files), keptPhraseFiles)])
	for i := range rep.Files {
		rep.Files[i].Refused = rep.Files[i].Refused[:min(len(rep.Files[i].Refused), keptPhraseFaults)]
	}
	return rep
}

func areasOf(p *scan.Phrases) []PhraseArea {
	by := p.ByCategory()
	var out []PhraseArea
	for _, s := range slices.Sorted(maps.Keys(by)) {
		title := titleOf(s)
		if s == "" {
			title = "Of no category"
		}
		out = append(out, PhraseArea{s, title, by[s]})
	}
	return out
}

// phraseWords maps what e2guardian's lists call their areas to our slugs; what
// is not here is mapped as categories of names are.
var phraseWords = map[string]string{
	"pornography": "adult", "nudism": "adult", "gore": "gore", "intolerance": "hate", "violence": "violence-shock", "badsites": "violence-shock",
	"illegaldrugs": "drugs", "drugadvocacy": "drugs", "illegal drugs": "drugs", "drug advocacy": "drugs", "onlinegames": "games", "online games": "games",
	"proxies": "web-proxy", "filesharing": "file-sharing", "file sharing": "file-sharing", "p2p": "file-sharing", "warez/hacking": "piracy", "warezhacking": "piracy",
	"music": "music-download", "personals": "dating", "personals/dating": "dating", "travel": "", "weighted phrases": "", "banned phrases": "",
	"goodsites": phrases.Safe, "goodphrases": phrases.Safe, "good phrases": phrases.Safe, "news": phrases.Safe, "exception phrases": phrases.Safe,
}

// phraseCategory is our category for a phrase list's word: "Pornography
// (French)" is adult.
func phraseCategory(word string) string {
	low := strings.ToLower(strings.TrimSpace(word))
	low, _, _ = strings.Cut(low, " (")
	low = strings.TrimSpace(low)
	if to, ok := phraseWords[low]; ok {
		return to
	}
	if low == "" {
		return ""
	}
	return mapCategory(low, nil)
}

// identity are words for who somebody is. No list closes anything by one of
// them alone.
var identity = []string{
	"gay", "gays", "lesbian", "lesbians", "bisexual", "bisexuals", "homosexual", "homosexuals", "homosexuality", "transgender", "transsexual", "trans", "queer", "lgbt", "lgbtq",
	"intersex", "non binary", "nonbinary", "asexual", "muslim", "muslims", "islam", "islamic", "jew", "jews", "jewish", "judaism", "christian", "christians", "catholic", "catholics",
	"hindu", "hindus", "sikh", "sikhs", "buddhist", "buddhists", "atheist", "pagan", "wicca", "religion", "pregnant", "pregnancy", "abortion", "contraception", "sex education",
}

// errOuting refuses a line that would hold against a page who somebody is.
var errOuting = errors.New("it is about who somebody is or what they believe, and nothing is closed by that")

func outingLine(l scan.Line) error {
	if l.Kind == scan.Exception || l.Kind == scan.Weighted && l.Weight < 0 {
		return nil
	}
	low := strings.ToLower(strings.TrimSpace(l.Category))
	if _, known := phraseWords[low]; !known && outing(strings.ReplaceAll(low, " ", "_")) {
		return errOuting
	}
	for _, p := range l.Parts {
		form, err := scan.Folded(p)
		if err != nil || !slices.Contains(identity, strings.TrimSpace(form)) {
			return nil
		}
	}
	return errOuting
}

func phrasesShrunk(have, is PhraseList, percent int64) error {
	was, now := have.Phrases+have.Combinations, is.Phrases+is.Combinations
	if lost(was, now) > percent {
		return &Refused{Words: fmt.Sprintf("it has %d phrases and the last good one had %d: it lost more than %d %%. The last good list stays. If it is really so, look at it and allow it", now, was, percent)}
	}
	return nil
}

func (l PhraseList) says() string {
	return words.Count(int(l.Phrases), "phrase", "phrases") + ", " + words.Count(int(l.Combinations), "combination", "combinations")
}

// takeUpPhrases puts the list in force.
func (r *Room) takeUpPhrases(ctx context.Context, l, have PhraseList) error {
	e := &edit{change: Change{Kind: kindList, Ref: l.ID, What: "A phrase list was taken up.", Becomes: l.Title + ": " + l.says()}}
	if have.Version > 0 {
		e.change.Was = have.Title + ": " + have.says()
	}
	e.alter = func(st *state) error {
		st.phrases = slices.DeleteFunc(st.phrases, func(x PhraseList) bool { return x.ID == l.ID })
		if len(st.phrases) >= maxPhraseLists {
			return &Refused{Words: fmt.Sprintf("There are %d phrase lists already and no more fit.", maxPhraseLists)}
		}
		st.phrases = append(st.phrases, l)
		slices.SortFunc(st.phrases, func(a, b PhraseList) int { return strings.Compare(a.ID, b.ID) })
		return nil
	}
	e.write = func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
		return []journal.Row{{Table: "filter_phrase_lists", ID: l.ID}}, putPhraseList(ctx, tx, l)
	}
	return r.apply(ctx, e)
}

// phrasesRefused writes down that a list was refused. The last good one stays.
func (r *Room) phrasesRefused(ctx context.Context, l, have PhraseList, why error) error {
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		var rows []journal.Row
		if have.Version > 0 {
			have.TriedAt, have.Problem = r.now(), why.Error()
			if err := putPhraseList(ctx, tx, have); err != nil {
				return fmt.Errorf("noting that the list was refused: %w", err)
			}
			rows = append(rows, journal.Row{Table: "filter_phrase_lists", ID: have.ID})
		}
		c := Change{
			ID: store.NewID(r.now()), At: r.now(), Actor: actor.From(ctx).ID, Kind: kindList, Ref: l.ID,
			What: "A phrase list was refused: " + l.Title + ".", Reason: why.Error(),
		}
		if err := insertChange(ctx, tx, c); err != nil {
			return err
		}
		rows = append(rows, journal.Row{Table: "filter_changes", ID: c.ID})
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbListFailed, Kind: "list", ID: l.ID, After: told{l.Path}, Reason: why.Error(), Rows: rows})
	})
}

// SwitchPhrases takes a list, or one area of it, into use or out of it. The
// starter is switched by area only.
func (r *Room) SwitchPhrases(ctx context.Context, id, area string, use bool, reason string) error {
	if err := r.mayChange(ctx, "switch the phrase list "+id); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > maxReason {
		return store.Invalid{"reason": "Write why, in a sentence."}
	}
	l, err := r.PhraseList(ctx, id)
	if err != nil {
		return err
	}
	was := l
	what, err := l.switchTo(area, use)
	if err != nil {
		return err
	}
	if l.Enabled == was.Enabled && slices.Equal(l.Off, was.Off) {
		return nil
	}
	word := map[bool]string{true: "in use", false: "not in use"}
	return r.apply(ctx, &edit{
		change: Change{Kind: kindSwitch, Ref: id, Reason: reason, What: what + " is " + word[use] + " now.", Was: word[!use], Becomes: word[use]},
		alter: func(st *state) error {
			st.phrases = slices.DeleteFunc(st.phrases, func(x PhraseList) bool { return x.ID == id })
			st.phrases = append(st.phrases, l)
			slices.SortFunc(st.phrases, func(a, b PhraseList) int { return strings.Compare(a.ID, b.ID) })
			return nil
		},
		write: func(ctx context.Context, tx *store.Tx) ([]journal.Row, error) {
			return []journal.Row{{Table: "filter_phrase_lists", ID: id}}, putPhraseList(ctx, tx, l)
		},
	})
}

// switchTo switches the list or an area of it, and says which.
func (l *PhraseList) switchTo(area string, use bool) (what string, err error) {
	what = "The phrase list " + l.Title
	switch {
	case area == "" && l.ID == starterID:
		return "", &Refused{Words: "The starter phrases are always there; switch one of their areas."}
	case area == "":
		l.Enabled = use
		return what, nil
	case !slices.ContainsFunc(l.Areas, func(a PhraseArea) bool { return a.Slug == area }) || l.ID == starterID && area == phrases.Safe:
		return "", store.ErrNotFound
	}
	off := slices.DeleteFunc(slices.Clone(l.Off), func(s string) bool { return s == area })
	if !use {
		off = append(off, area)
		slices.Sort(off)
	}
	l.Off = off
	return what + ", " + titleOf(area) + ",", nil
}

// PhraseLists are all phrase lists, the starter first.
func (r *Room) PhraseLists(ctx context.Context) ([]PhraseList, error) {
	list, err := listPhrases(ctx, r.d.DB)
	if err != nil {
		return nil, err
	}
	return r.withStarter(list)
}

// PhraseList is one of them; store.ErrNotFound if there is none.
func (r *Room) PhraseList(ctx context.Context, id string) (PhraseList, error) {
	all, err := r.PhraseLists(ctx)
	if err != nil {
		return PhraseList{}, err
	}
	for _, l := range all {
		if l.ID == id {
			return l, nil
		}
	}
	return PhraseList{}, store.ErrNotFound
}
