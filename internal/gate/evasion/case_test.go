package evasion

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tried is one file of cases: a way round the filter, in one or more
// spellings, modes and steps.
type tried struct {
	id    string // the file's name
	rows  []string
	what  string
	want  string
	group string
	modes []string
	each  string // the name of what is put in for each of
	of    []string
	steps []step
	only  map[string]bool // "slow", "scanner"
	other []string        // "package TestName": where else it is tried
}

type step struct {
	line int
	verb string
	args string
}

// modesKnown are how a request reaches the gate: in the clear, in a tunnel
// that is left closed, in TLS that is looked into.
var modesKnown = []string{"plain", "T", "M"}

func readCases(t testing.TB) []*tried {
	t.Helper()
	files, err := filepath.Glob("cases/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no cases: %v", err)
	}
	var out []*tried
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCase(strings.TrimSuffix(filepath.Base(f), ".txt"), string(b))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, c)
	}
	// What puts the scanner into trouble comes last: it is not asked for a while.
	slices.SortStableFunc(out, func(a, b *tried) int { return last(a) - last(b) })
	return out
}

func last(c *tried) int {
	if c.only["scanner"] {
		return 1
	}
	return 0
}

func parseCase(id, text string) (*tried, error) {
	c := &tried{id: id, group: "pupils", modes: []string{"plain"}, of: []string{""}, only: map[string]bool{}}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		verb, args, _ := strings.Cut(line, " ")
		args = strings.TrimSpace(args)
		if err := c.take(i+1, verb, args); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(c.rows) == 0 || c.what == "" || c.want == "" || len(c.steps)+len(c.other) == 0 {
		return nil, fmt.Errorf("a case has row, try, want and something to do")
	}
	return c, nil
}

func (c *tried) take(line int, verb, args string) error {
	switch verb {
	case "row":
		c.rows = strings.Fields(args)
	case "try":
		c.what = args
	case "want":
		c.want = args
	case "as":
		c.group = args
	case "only":
		for f := range strings.FieldsSeq(args) {
			c.only[f] = true
		}
	case "in":
		c.modes = strings.Fields(args)
		for _, m := range c.modes {
			if !slices.Contains(modesKnown, m) {
				return fmt.Errorf("the mode %q is none of %v", m, modesKnown)
			}
		}
	case "each":
		name, list, ok := strings.Cut(args, " ")
		if !ok {
			return fmt.Errorf("each has a name and values with ;; between")
		}
		c.each, c.of = name, nil
		for v := range strings.SplitSeq(list, ";;") {
			c.of = append(c.of, strings.TrimSpace(v))
		}
	case "elsewhere":
		c.other = append(c.other, args)
	default:
		if verbs[verb] == nil {
			return fmt.Errorf("nobody knows how to %q", verb)
		}
		c.steps = append(c.steps, step{line, verb, args})
	}
	return nil
}

var repeated = regexp.MustCompile(`\{(\d+) ([^{}]+)\}`)

// fill puts the values of a run into a text: {name}, and {70000 a} for so
// many of a.
func fill(text string, values map[string]string) string {
	for range 2 { // a value may hold another
		for k, v := range values {
			text = strings.ReplaceAll(text, "{"+k+"}", v)
		}
	}
	return repeated.ReplaceAllStringFunc(text, func(m string) string {
		p := repeated.FindStringSubmatch(m)
		n, err := strconv.Atoi(p[1])
		if err != nil || n*len(p[2]) > 64<<20 {
			return m
		}
		s, err := unescape(p[2])
		if err != nil {
			s = p[2]
		}
		return strings.Repeat(s, n)
	})
}

// unescape reads \r \n \t \\ \" and \xNN; everything else stands for itself.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		switch s[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '\\', '"':
			b.WriteByte(s[i])
		case 'x':
			if i+2 >= len(s) {
				return "", fmt.Errorf("%q ends within an escape", s)
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q has an odd escape", s)
			}
			b.WriteByte(byte(v))
			i += 2
		default:
			return "", fmt.Errorf("%q has the unknown escape \\%c", s, s[i])
		}
	}
	return b.String(), nil
}

// quoted takes one "text" from the beginning of args and returns the rest.
func quoted(args string) (text, rest string, err error) {
	args = strings.TrimSpace(args)
	if !strings.HasPrefix(args, `"`) {
		return "", "", fmt.Errorf("%.60q does not begin with a quoted text", args)
	}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case '\\':
			i++
		case '"':
			text, err = unescape(args[1:i])
			return text, strings.TrimSpace(args[i+1:]), err
		}
	}
	return "", "", fmt.Errorf("%.60q has no closing quotation mark", args)
}

// elsewhere checks that a test that a case names is there.
func (c *tried) elsewhere(t testing.TB) {
	for _, at := range c.other {
		dir, name, ok := strings.Cut(at, " ")
		if !ok {
			t.Errorf("%s: elsewhere has a package and a test", c.id)
			continue
		}
		files, _ := filepath.Glob(filepath.Join("../../..", dir, "*_test.go"))
		found := false
		for _, f := range files {
			b, err := os.ReadFile(f)
			found = found || err == nil && regexp.MustCompile(`(?m)^func `+regexp.QuoteMeta(name)+`\(`).Match(b)
		}
		if !found {
			t.Errorf("%s: there is no %s in %s any more", c.id, name, dir)
		}
	}
}
