package activity

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// resolve turns the question into sets of this day's numbers. It answers
// false where a part of the question fits nothing of this day.
func (h *hunt) resolve(ctx context.Context) (bool, error) {
	for _, part := range []func(context.Context) (set, bool, error){
		h.subjects, h.devices, h.addresses, h.contexts, h.verdicts, h.hosts, h.text,
	} {
		s, asked, err := part(ctx)
		if err != nil {
			return false, fmt.Errorf("looking the words up: %w", err)
		}
		if !asked {
			continue
		}
		if s.size() == 0 {
			return false, nil
		}
		h.sets = append(h.sets, s)
	}
	return true, nil
}

func one(column string, ids []int64) set {
	return set{columns: []string{column}, ids: map[string][]int64{column: ids}}
}

// exact is the numbers of the texts given.
func (h *hunt) exact(ctx context.Context, dict, column_ string, texts []string) (set, bool, error) {
	var all []int64
	for _, text := range texts {
		ids, err := column[int64](ctx, h.db, `SELECT id FROM `+dict+` WHERE text = $1`, text)
		if err != nil {
			return set{}, false, err
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return one(column_, slices.Compact(all)), true, nil
}

func (h *hunt) subjects(ctx context.Context) (set, bool, error) {
	if len(h.q.Subjects) == 0 {
		return set{}, false, nil
	}
	return h.exact(ctx, dictSubjects, "subject", h.q.Subjects)
}

func (h *hunt) devices(ctx context.Context) (set, bool, error) {
	if h.q.Device == "" {
		return set{}, false, nil
	}
	return h.exact(ctx, dictDevices, "device", []string{h.q.Device})
}

func (h *hunt) addresses(ctx context.Context) (set, bool, error) {
	if !h.q.Address.IsValid() {
		return set{}, false, nil
	}
	return h.exact(ctx, dictAddrs, "address", []string{packAddr(h.q.Address)})
}

// picked is the numbers of a small dictionary whose text fits.
func (h *hunt) picked(ctx context.Context, dict string, fits func(string) bool) ([]int64, error) {
	rows, err := h.db.QueryContext(ctx, `SELECT id, text FROM `+dict+` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var ids []int64
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, err
		}
		if fits(text) {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

func (h *hunt) contexts(ctx context.Context) (set, bool, error) {
	if h.q.Group == "" {
		return set{}, false, nil
	}
	ids, err := h.picked(ctx, dictContexts, func(s string) bool { return unpackContext(s).group == h.q.Group })
	return one("context", ids), true, err
}

func (h *hunt) verdicts(ctx context.Context) (set, bool, error) {
	q := h.q
	if q.Action == nil && q.Category == "" && q.Alert == "" {
		return set{}, false, nil
	}
	ids, err := h.picked(ctx, dictVerdicts, func(s string) bool {
		d := unpackVerdict(s)
		return (q.Action == nil || d.action == *q.Action) &&
			(q.Category == "" || d.has(q.Category)) &&
			alertFits(q.Alert, d.alert)
	})
	return one("verdict", ids), true, err
}

func alertFits(asked, alert string) bool {
	switch asked {
	case "":
		return true
	case AnyAlert:
		return alert != ""
	case NoAlert:
		return alert == ""
	default:
		return alert == asked
	}
}

func (h *hunt) hosts(ctx context.Context) (set, bool, error) {
	if h.q.Host == "" {
		return set{}, false, nil
	}
	ids, err := column[int64](ctx, h.db, `SELECT id FROM hosts WHERE text = $1 OR text LIKE $2 ESCAPE '\' ORDER BY id`,
		h.q.Host, "%."+escapeLike(h.q.Host))
	return one("host", ids), true, err
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// textColumns are the columns of events whose words text looks in, in the
// order of indexedDicts.
var textColumns = []string{"host", "path", "search"}

// text is the numbers of the hosts, paths and searches that hold the words.
func (h *hunt) text(ctx context.Context) (set, bool, error) {
	if h.q.Text == "" {
		return set{}, false, nil
	}
	s := set{columns: textColumns, ids: map[string][]int64{}}
	indexed, err := h.fromIndex(ctx, &s)
	if err != nil {
		return set{}, false, err
	}
	for place, name := range indexedDicts {
		ids, err := h.scanned(ctx, name, indexed[place])
		if err != nil {
			return set{}, false, err
		}
		c := textColumns[place]
		s.ids[c] = append(s.ids[c], ids...)
		slices.Sort(s.ids[c])
	}
	return s, true, nil
}

// fromIndex adds what the trigram index finds, and answers up to which number
// it knows each dictionary. Words of less than three letters are not for it.
func (h *hunt) fromIndex(ctx context.Context, s *set) ([]int64, error) {
	upto := make([]int64, len(indexedDicts))
	match := trigrams(h.q.Text)
	if match == "" {
		return upto, nil
	}
	for place, name := range indexedDicts {
		n, err := readMeta(ctx, h.db, "indexed "+name)
		if err != nil {
			return nil, err
		}
		upto[place] = n
	}
	if slices.Max(upto) == 0 {
		return upto, nil
	}
	numbers, err := column[int64](ctx, h.db, `SELECT rowid FROM found WHERE found MATCH $1`, match)
	if err != nil {
		return nil, err
	}
	byDict := make([][]int64, len(indexedDicts))
	for _, n := range numbers {
		byDict[n%indexStride] = append(byDict[n%indexStride], n/indexStride)
	}
	for place, ids := range byDict {
		sure, err := h.verify(ctx, indexedDicts[place], ids)
		if err != nil {
			return nil, err
		}
		s.ids[textColumns[place]] = sure
	}
	return upto, nil
}

// maxTrigrams is how many of a text's trigrams are looked for; the text
// itself is compared afterwards.
const maxTrigrams = 24

// trigrams is the text as a question to the index: all its trigrams.
func trigrams(text string) string {
	letters := []rune(text)
	var all []string
	for i := 0; i+3 <= len(letters) && len(all) < maxTrigrams; i++ {
		all = append(all, `"`+strings.ReplaceAll(string(letters[i:i+3]), `"`, `""`)+`"`)
	}
	return strings.Join(all, " AND ")
}

// verify keeps the numbers whose text really holds the words: the trigrams
// may have stood apart.
func (h *hunt) verify(ctx context.Context, dict string, ids []int64) ([]int64, error) {
	var sure []int64
	for chunk := range slices.Chunk(ids, 1000) {
		found, err := h.fitting(ctx, dict, `id IN (`+listed(chunk)+`)`)
		if err != nil {
			return nil, err
		}
		sure = append(sure, found...)
	}
	return sure, nil
}

// scanned is the numbers above upto whose text holds the words.
func (h *hunt) scanned(ctx context.Context, dict string, upto int64) ([]int64, error) {
	return h.fitting(ctx, dict, `id > `+strconv.FormatInt(upto, 10))
}

// fitting is the numbers of those entries whose text holds the words, in any
// case. SQLite compares ASCII itself; other letters are compared here.
func (h *hunt) fitting(ctx context.Context, dict, where string) ([]int64, error) {
	text := `text`
	if dict == dictSearches {
		text = `substr(text, instr(text, char(31)) + 1)` // without the engine
	}
	if plain(h.q.Text) {
		return column[int64](ctx, h.db, `SELECT id FROM `+dict+` WHERE `+where+` AND `+text+` LIKE $1 ESCAPE '\' ORDER BY id`,
			"%"+escapeLike(h.q.Text)+"%")
	}
	rows, err := h.db.QueryContext(ctx, `SELECT id, `+text+` FROM `+dict+` WHERE `+where+` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	want := strings.ToLower(h.q.Text)
	var ids []int64
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, err
		}
		if strings.Contains(strings.ToLower(text), want) {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}
