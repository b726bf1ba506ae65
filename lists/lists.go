// Package lists holds what ships inside the program: the starter categories,
// where search words stand in addresses, the names that keep search services
// safe, the help floor and the names that devices need.
//
// The starter categories were written by hand from general knowledge. They are
// a beginning, not a filter on their own, and every report says so while
// nothing larger is loaded. One file is one category:
//
//	# title: Games
//	# area: conduct
//	# alert: none
//	# pupil: a sentence for a child of eight, shown on the block page
//	# teacher: a sentence that says what the category holds
//	example.com          the name and all names below it
//	=www.example.com     this name only
//	example.com/page     pages that begin so, on the host and names below it
//
// The pupil's sentence never names a distressing theme: a classmate may see
// the screen. Everything is parsed on each call and nothing is kept.
package lists

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.txt *.tsv
var files embed.FS

// Kind says what an entry matches.
type Kind string

// The kinds of entry.
const (
	Name  Kind = "name"  // the name and every name below it
	Exact Kind = "exact" // this name only
	URL   Kind = "url"   // host/path: the host and names below it, paths that begin so
)

// Entry is one line of a category, in canonical text: lower-case A-labels
// without a dot at the end.
type Entry struct {
	Kind Kind
	Text string
}

// Category is one starter category.
type Category struct {
	Slug    string // fixed for ever: rules name it
	Title   string
	Area    string // one of Areas
	Alert   string // one of Alerts
	Pupil   string // why the page is closed, for a child of eight
	Teacher string // what the category holds
	Entries []Entry
}

// Areas are the risk areas that a category may lie in.
var Areas = []string{"content", "contact", "conduct", "commerce", "security", "distress", "illegal", "neutral"}

// Alerts are what a block in a category may tell the safeguarding lead.
var Alerts = []string{"none", "selfharm", "suicide", "exploitation", "extremism"}

// notCategories are the text files of another kind.
var notCategories = []string{"help.txt", "essentials.txt", "google-suffixes.txt", "pinned.txt"}

// Starter gives the starter categories, sorted by slug.
func Starter() ([]Category, error) {
	names, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list the starter categories: %w", err)
	}
	var out []Category
	for _, f := range names {
		slug, isText := strings.CutSuffix(f.Name(), ".txt")
		if !isText || slices.Contains(notCategories, f.Name()) {
			continue
		}
		text, err := files.ReadFile(f.Name())
		if err != nil {
			return nil, fmt.Errorf("read a starter category: %w", err)
		}
		c, err := parseCategory(slug, string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Category) int { return strings.Compare(a.Slug, b.Slug) })
	return out, nil
}

func parseCategory(slug, text string) (Category, error) {
	c := Category{Slug: slug}
	head := map[string]*string{"title": &c.Title, "area": &c.Area, "alert": &c.Alert, "pupil": &c.Pupil, "teacher": &c.Teacher}
	seen := map[string]bool{}
	err := eachLine(text, func(no int, line string) error {
		if strings.HasPrefix(line, "#") {
			key, value, ok := strings.Cut(strings.TrimSpace(line[1:]), ":")
			if at := head[key]; ok && at != nil {
				*at = strings.TrimSpace(value)
			}
			return nil
		}
		e, err := parseEntry(line)
		if err != nil {
			return fmt.Errorf("%s.txt, line %d: %q %w", slug, no, line, err)
		}
		if seen[line] {
			return fmt.Errorf("%s.txt, line %d: %q stands there twice", slug, no, line)
		}
		seen[line] = true
		c.Entries = append(c.Entries, e)
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, c.check()
}

func (c Category) check() error {
	switch {
	case c.Title == "" || c.Pupil == "" || c.Teacher == "":
		return fmt.Errorf("%s.txt: title, pupil or teacher is missing", c.Slug)
	case !slices.Contains(Areas, c.Area):
		return fmt.Errorf("%s.txt: %q is no risk area", c.Slug, c.Area)
	case !slices.Contains(Alerts, c.Alert):
		return fmt.Errorf("%s.txt: %q is no alert", c.Slug, c.Alert)
	case len(c.Entries) == 0:
		return fmt.Errorf("%s.txt: the category is empty", c.Slug)
	}
	return nil
}

func parseEntry(line string) (Entry, error) {
	e := Entry{Kind: Name, Text: line}
	if rest, ok := strings.CutPrefix(line, "="); ok {
		e = Entry{Kind: Exact, Text: rest}
	}
	host, path, hasPath := strings.Cut(e.Text, "/")
	if err := checkHost(host); err != nil {
		return e, err
	}
	if !hasPath {
		return e, nil
	}
	// Compiled lists leave "www." off pages, as requests are compared without it.
	if e.Kind == Exact || path == "" || strings.HasPrefix(host, "www.") || path != strings.ToLower(path) || strings.ContainsAny(path, " \t#") || strings.HasSuffix(path, "/") {
		return e, errPath
	}
	e.Kind = URL
	return e, nil
}

type fault string

func (f fault) Error() string { return string(f) }

const (
	errPath = fault("is not a path in its one spelling")
	errHost = fault("is not a host name in its one spelling")
)

// checkHost holds the files to lower-case ASCII names of two labels or more.
// They are our own, so there is nothing to map.
func checkHost(host string) error {
	labels := strings.Split(host, ".")
	if len(host) > 253 || len(labels) < 2 {
		return errHost
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errHost
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return errHost
	}
	return nil
}

// eachLine calls f for every line that is not blank, trimmed.
func eachLine(text string, f func(no int, line string) error) error {
	s := bufio.NewScanner(strings.NewReader(text))
	for no := 1; s.Scan(); no++ {
		line := strings.TrimRight(s.Text(), " \r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := f(no, line); err != nil {
			return err
		}
	}
	return s.Err()
}

// eachRow calls f for every row of a table, without comments and the heading
// if it has one.
func eachRow(name, heading string, columns int, f func(cols []string) error) error {
	text, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return eachLine(string(text), func(no int, line string) error {
		if strings.HasPrefix(line, "#") || heading != "" && strings.HasPrefix(line, heading+"\t") {
			return nil
		}
		cols := strings.Split(line, "\t")
		for len(cols) < columns {
			cols = append(cols, "")
		}
		if len(cols) > columns {
			return fmt.Errorf("%s, line %d: more than %d columns", name, no, columns)
		}
		if err := f(cols); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, no, err)
		}
		return nil
	})
}
