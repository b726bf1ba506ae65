// Package phraselist reads phrase lists as e2guardian and DansGuardian have
// them, and tells line by line what became of them. It takes them from a
// folder, from a packed file or from a tree in memory, follows .Include only
// inside of that, and hands every line to a scan.Builder.
package phraselist

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"belisha/internal/verdict/scan"
)

// Role is what the unweighted lines of a list do.
type Role uint8

// The roles.
const (
	Weighted Role = iota // as Banned: an unweighted line in a list of weights closes the page
	Banned
	Exception
)

// String returns the role's word.
func (r Role) String() string {
	return [...]string{"weighted", "banned", "exception"}[min(r, Exception)]
}

// Root is a file to begin with.
type Root struct {
	Path string
	Role Role
	// Category of lines above the first that names one.
	Category string
}

// Refused is a line that could not be used, and why.
type Refused struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// FileReport is what one file gave, over all the times it was included.
type FileReport struct {
	File       string    `json:"file"`
	Role       string    `json:"role"`
	Lines      int       `json:"lines"`
	Accepted   int       `json:"accepted"`
	Duplicates int       `json:"duplicates"`
	Invalid    int       `json:"invalid"`
	Refused    []Refused `json:"refused,omitempty"` // the first hundred
}

// Report is what reading gave.
type Report struct {
	Files      []FileReport `json:"files"`
	Lines      int          `json:"lines"`
	Accepted   int          `json:"accepted"`
	Duplicates int          `json:"duplicates"`
	Invalid    int          `json:"invalid"`
}

// Bounds of what is read.
const (
	maxRefused  = 100
	maxLine     = 4096
	maxDepth    = 16
	maxLines    = 2_000_000
	maxIncludes = 5_000
	quoted      = 120 // bytes of a refused line that are told
)

// Read reads the roots and all that they include into b.
func Read(t Tree, roots []Root, b *scan.Builder) (Report, error) {
	r := &reader{tree: t, names: newNames(t), b: b, files: map[string]*FileReport{}}
	for _, root := range roots {
		if _, ok := t[root.Path]; !ok {
			return r.report(), fmt.Errorf("the list %s is not there", root.Path)
		}
		if err := r.file(root.Path, state{role: root.Role, category: root.Category}, nil); err != nil {
			return r.report(), err
		}
	}
	return r.report(), nil
}

// Roots finds the files to begin with. Where the tree has lists that include
// others (bannedphraselist, exceptionphraselist, weightedphraselist) it is
// those; else every file, and its name says its role.
func Roots(t Tree) []Root {
	var mains, all []Root
	for name := range t {
		base := strings.ToLower(path.Base(name))
		switch strings.TrimSuffix(base, ".in") {
		case "bannedphraselist":
			mains = append(mains, Root{Path: name, Role: Banned})
		case "exceptionphraselist":
			mains = append(mains, Root{Path: name, Role: Exception})
		case "weightedphraselist":
			mains = append(mains, Root{Path: name})
		default:
			if role, ok := roleOf(base); ok {
				all = append(all, Root{Path: name, Role: role})
			}
		}
	}
	if len(mains) > 0 {
		all = mains
	}
	slices.SortFunc(all, func(a, b Root) int {
		if a.Role != b.Role { // exceptions and banned ones first, as e2guardian reads them
			return int(b.Role) - int(a.Role)
		}
		return strings.Compare(a.Path, b.Path)
	})
	return all
}

func roleOf(base string) (Role, bool) {
	switch {
	case strings.HasPrefix(base, "readme"), strings.HasPrefix(base, "regexp"), strings.HasPrefix(base, "."), strings.HasPrefix(base, "licen"):
		return 0, false
	case strings.HasPrefix(base, "banned"):
		return Banned, true
	case strings.HasPrefix(base, "exception"):
		return Exception, true
	default:
		return Weighted, true
	}
}

// state is what holds for the lines that follow, and what a file inherits.
type state struct {
	role     Role
	category string
	band     *scan.Band
	unknown  bool // the time that should hold could not be read
}

type reader struct {
	tree     Tree
	names    *names
	b        *scan.Builder
	files    map[string]*FileReport
	order    []string
	lines    int
	includes int
}

func (r *reader) report() Report {
	var out Report
	for _, name := range r.order {
		f := r.files[name]
		out.Files = append(out.Files, *f)
		out.Lines += f.Lines
		out.Accepted += f.Accepted
		out.Duplicates += f.Duplicates
		out.Invalid += f.Invalid
	}
	return out
}

// file reads one file; above are those that are being read and led to it.
func (r *reader) file(name string, st state, above []string) error {
	rep := r.files[name]
	if rep == nil {
		rep = &FileReport{File: name, Role: st.role.String()}
		r.files[name] = rep
		r.order = append(r.order, name)
	}
	if isPage(r.tree[name]) {
		return fmt.Errorf("the file %s is a web page and no list", name)
	}
	keepCase := false
	above = append(above, name)
	rest, number := strings.TrimPrefix(string(r.tree[name]), "\ufeff"), 0
	for rest != "" {
		var line string
		line, rest = cutLine(rest)
		number++
		if r.lines++; r.lines > maxLines {
			return fmt.Errorf("the lists have more than %d lines with all that they include", maxLines)
		}
		rep.Lines++
		x := lineAt{reader: r, report: rep, number: number, above: above}
		if err := x.take(line, &st, &keepCase); err != nil {
			return err
		}
	}
	return nil
}

// isPage tells a web page, such as a server's error, from a list: both are full
// of angle brackets.
func isPage(b []byte) bool {
	head := lower(strings.TrimLeft(string(b[:min(len(b), 512)]), "\ufeff \t\r\n"))
	return strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<?xml")
}

// cutLine cuts the first line off, whichever way lines end.
func cutLine(s string) (line, rest string) {
	i := strings.IndexAny(s, "\r\n")
	if i < 0 {
		return s, ""
	}
	if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
		return s[:i], s[i+2:]
	}
	return s[:i], s[i+1:]
}
