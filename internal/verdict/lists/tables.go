package lists

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// table is what is known of a table's columns.
type table struct {
	known         bool
	sep           rune
	entry, labels int    // columns; labels is -1 without one
	text          string // of a squidGuard.conf, which is read whole
}

var (
	entryWords = []string{"url", "domain", "host", "hostname", "site", "name", "fqdn", "ip", "address"}
	// groupWords name a whole document, and no category of it.
	groupWords = []string{"domains", "urls", "hosts", "sites", "names", "ips", "addresses", "entries", "items", "list", "lists", "data", "result", "results", "rules", "blocklist", "blacklist", "denylist"}
	labelWords = []string{"category", "categories", "label", "class", "type", "group"}
)

// tableLine reads a line of a table with addresses and their categories.
func (f *file) tableLine(line string) error {
	if line[0] == '#' {
		f.rep.Skipped++
		return nil
	}
	t := &f.table
	if !t.known {
		t.sep = ','
		for _, sep := range []rune{'\t', ';'} {
			if !strings.ContainsRune(line, ',') && strings.ContainsRune(line, sep) {
				t.sep = sep
			}
		}
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.LazyQuotes, r.TrimLeadingSpace, r.FieldsPerRecord = t.sep, true, t.sep != '\t', -1
	row, err := r.Read()
	if err != nil || len(row) == 0 {
		f.refuse([]byte(line), "the line is no row of a table")
		return nil
	}
	if !t.known && t.learn(row) {
		f.rep.Skipped++
		return nil
	}
	if t.entry >= len(row) {
		f.refuse([]byte(line), "the row has too few columns")
		return nil
	}
	labels := ""
	if t.labels >= 0 && t.labels < len(row) {
		labels = row[t.labels]
	}
	return f.labelled(line, row[t.entry], strings.FieldsFunc(labels, func(r rune) bool { return r == '|' || r == ';' }))
}

// learn finds the columns from the first row, and reports whether that is a
// heading.
func (t *table) learn(row []string) bool {
	t.known, t.entry, t.labels = true, 0, -1
	if len(row) > 1 {
		t.labels = 1
	}
	heading := false
	if t.guess(row) {
		return false
	}
	for i, c := range row {
		word := strings.ToLower(strings.TrimSpace(c))
		switch {
		case slices.Contains(entryWords, word):
			t.entry, heading = i, true
		case slices.Contains(labelWords, word):
			t.labels, heading = i, true
		}
	}
	if heading && t.labels == t.entry {
		t.labels = -1
	}
	return heading
}

// guess takes the first column with a name or an address for the entries,
// where no heading tells.
func (t *table) guess(row []string) bool {
	for i, c := range row {
		if _, _, err := One(strings.TrimSpace(c)); err == nil {
			if t.entry = i; i > 0 {
				t.labels = -1
			}
			return true
		}
	}
	return false
}

// labelled hands an entry over in each of its categories, or in the list's.
func (f *file) labelled(line, entry string, labels []string) error {
	kind, text, err := One(strings.TrimSpace(entry))
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	const mostLabels = 16
	defer func() { f.category = "" }()
	n := 0
	for _, label := range labels {
		label = strings.ToLower(strings.TrimSpace(label))
		if label == "" || len(label) > 100 || f.run.opt.Category != "" || isAddress(label) {
			continue // an address is what some lists answer with, and no category
		}
		if n++; n > mostLabels {
			break
		}
		f.category = label
		if err := f.accept(kind, text); err != nil {
			return err
		}
	}
	if n > 0 {
		return nil
	}
	f.category = ""
	return f.accept(kind, text)
}

// jsonLine reads one JSON value: an address alone, or an object with an
// address and its categories.
func (f *file) jsonLine(line string) error {
	line = strings.TrimSuffix(line, ",")
	if line == "[" || line == "]" || line == "{" || line == "}" {
		f.rep.Skipped++
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		f.refuse([]byte(line), "the line is not one JSON value")
		return nil
	}
	if s, ok := v.(string); ok {
		return f.labelled(line, s, nil)
	}
	return f.jsonValue(line, v)
}

// jsonValue reads an object with an address and its categories.
func (f *file) jsonValue(line string, v any) error {
	obj, _ := v.(map[string]any)
	entry := ""
	for _, w := range entryWords {
		if s, ok := obj[w].(string); ok && entry == "" {
			entry = s
		}
	}
	if entry == "" {
		f.refuse([]byte(line), "there is no url, domain, host or ip in it")
		return nil
	}
	var labels []string
	for _, w := range labelWords {
		switch x := obj[w].(type) {
		case string:
			labels = append(labels, x)
		case []any:
			for _, one := range x {
				if s, ok := one.(string); ok {
					labels = append(labels, s)
				}
			}
		}
	}
	return f.labelled(line, entry, labels)
}

var (
	redwoodExpr  = regexp.MustCompile(`^/(.*)/([hdpq]*)\s+(-?[0-9]+)(\s+-?[0-9]+)?$`)
	redwoodScore = regexp.MustCompile(`^(\S+)\s+(-?[0-9]+)(\s+-?[0-9]+)?$`)
)

// redwoodLine reads a line of one of Redwood's lists: an address or expression
// with its score. Phrases belong to phrase lists.
func (f *file) redwoodLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	line = dropComment(line)
	switch {
	case line[0] == '<':
		f.skip(line, "a phrase; phrases are read from phrase lists")
		return nil
	case strings.HasPrefix(line, "default "):
		f.skip(line, "what addresses without a score count is not kept")
		return nil
	}
	if m := redwoodExpr.FindStringSubmatch(line); m != nil {
		return f.redwoodExpression(line, m)
	}
	m := redwoodScore.FindStringSubmatch(line)
	if m == nil {
		f.refuse([]byte(line), "the line is not an address with a score")
		return nil
	}
	if !scores(m[2]) {
		f.skip(line, "a score of 0 or less; only what adds to a score is listed")
		return nil
	}
	kind, text, err := One(m[1])
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.accept(kind, text)
}

func scores(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0
}

func (f *file) redwoodExpression(line string, m []string) error {
	kind, text := Expression, m[1]
	switch {
	case !scores(m[3]):
		f.skip(line, "a score of 0 or less; only what adds to a score is listed")
		return nil
	case m[2] == "":
	case m[2] == "h" || m[2] == "d":
		kind = HostExpression
	case strings.ContainsAny(text, "^$"):
		f.refuse([]byte(line), "the expression is about a part of the address, from its beginning or to its end")
		return nil
	default:
		text = `^https?://[^/]*/.*(?:` + text + `)`
	}
	return f.expression(kind, text, line, 0, false)
}

// hashedLine reads a digest of a licensed list. What it stands for is not
// known here, and no line of it is ever kept for a report.
func (f *file) hashedLine(line string) error {
	if isComment(line) {
		f.rep.Skipped++
		return nil
	}
	word, _, _ := strings.Cut(line, ",")
	word = strings.ToLower(strings.Trim(strings.TrimSpace(word), `"`))
	b, err := hex.DecodeString(word)
	if err != nil || len(b) != 16 && len(b) != 20 && len(b) != 32 {
		f.refuse(nil, "the line is not a digest of 32, 40 or 64 letters and figures")
		return nil
	}
	return f.accept(Digest, word)
}
