package meaning

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/school/policies/document"
)

// Given parses every value of a document by its setting's kind.
func (k Reader) Given(doc *document.Doc) ([]setting.Value, []Problem) {
	g := &giver{k: k, at: map[placed]document.Placed{}, was: map[placed]setting.Value{}}
	for _, v := range doc.Values() {
		g.take(v)
	}
	return g.out, g.problems
}

type placed struct {
	key   string
	scope setting.Scope
}

type giver struct {
	k        Reader
	out      []setting.Value
	at       map[placed]document.Placed
	was      map[placed]setting.Value
	problems []Problem
}

func (g *giver) problem(level document.Level, v document.Placed, code, words string) {
	g.problems = append(g.problems, Problem{Level: level, Line: v.Line, Clause: v.Clause, Code: code, Words: words})
}

func (g *giver) take(v document.Placed) {
	s, ok := g.k.Book.Get(v.Key)
	if !ok {
		words := fmt.Sprintf("there is no setting %q; see the settings page for those there are", v.Key)
		if near := document.Nearest(v.Key, g.k.Book.Keys()); near != "" {
			words = fmt.Sprintf("there is no setting %q; did you mean %q?", v.Key, near)
		}
		g.problem(document.Error, v, "unknown-setting", words)
		return
	}
	scope, err := readScope(s, v.Scope)
	if err != nil {
		g.problem(document.Error, v, "scope", fmt.Sprintf("%s: %s", v.Key, err))
		return
	}
	val, err := s.Parse(v.Words)
	if err != nil {
		g.problem(document.Error, v, "value", fmt.Sprintf("%s cannot be read: %s", v.Key, err))
		return
	}
	val.Scope, val.Confirmed, val.Clause = scope, true, v.Clause
	if val.Off && (v.Reason == "" || v.Review == "") {
		g.problem(document.Warning, v, "off",
			fmt.Sprintf("%s is switched off; write reason=\"…\" and review=2027-09-01 beside it, or its control shows as unknown", v.Key))
	}
	p := placed{v.Key, scope}
	if first, twice := g.at[p]; twice {
		if !Same(g.was[p], val) {
			g.problem(document.Error, v, "contradiction", fmt.Sprintf("%s is %q here and %q on line %d, for the same people and place; keep one",
				v.Key, v.Words, first.Words, first.Line))
		}
		return
	}
	g.at[p], g.was[p] = v, val
	g.out = append(g.out, val)
}

// Same compares what two values mean, not how they are worded.
func Same(a, b setting.Value) bool {
	x, y := slices.Clone(a.Items), slices.Clone(b.Items)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y) && a.Duration == b.Duration && a.From == b.From && a.To == b.To &&
		a.Choice == b.Choice && a.Bool == b.Bool && a.Number == b.Number && a.Text == b.Text && a.Off == b.Off
}

var scopeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,60}$`)

var keyStages = []string{"eyfs", "ks1", "ks2", "ks3", "ks4", "ks5"}

var audiences = []string{
	string(actor.Pupil), string(actor.Staff), string(actor.Parent), string(actor.Governor), string(actor.Visitor), string(actor.Contractor),
}

// readScope checks that the setting may be narrowed so, and writes each part
// in one way.
func readScope(s setting.Setting, in setting.Scope) (setting.Scope, error) {
	out := in
	for _, p := range []struct {
		name  string
		value *string
		known []string
	}{
		{"group", &out.Group, nil},
		{"place", &out.Place, nil},
		{"time", &out.Time, nil},
		{"keystage", &out.KeyStage, keyStages},
		{"audience", &out.Audience, audiences},
		{"site", &out.Site, nil},
	} {
		if *p.value == "" {
			continue
		}
		if !slices.Contains(s.Scopes, p.name) {
			return out, fmt.Errorf("it cannot be narrowed by %s=%s", p.name, allowedScopes(s))
		}
		v, err := readScopePart(p.name, *p.value, p.known)
		if err != nil {
			return out, err
		}
		*p.value = v
	}
	return out, nil
}

func allowedScopes(s setting.Setting) string {
	if len(s.Scopes) == 0 {
		return "; it holds for the whole school"
	}
	return ", only by " + strings.Join(s.Scopes, "=, ") + "="
}

func readScopePart(name, value string, known []string) (string, error) {
	v := strings.Join(strings.Fields(strings.ToLower(value)), "-")
	if known != nil && !slices.Contains(known, v) {
		return "", fmt.Errorf("%s=%s is not known; it may be %s", name, value, strings.Join(known, ", "))
	}
	if name == "time" {
		span, err := setting.Setting{Kind: setting.Span}.Parse(value)
		if err == nil {
			return fmt.Sprintf("%02d:%02d-%02d:%02d", span.From/60, span.From%60, span.To/60, span.To%60), nil
		}
		if strings.ContainsAny(value, "0123456789") {
			return "", err
		}
	}
	if !scopeName.MatchString(v) {
		return "", fmt.Errorf("%s=%q is not a name; use letters, digits and hyphens", name, value)
	}
	return v, nil
}
