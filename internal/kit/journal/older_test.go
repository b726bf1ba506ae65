package journal

import "testing"

func TestANoteOfEveryColumnTellsOfARowWithLaterColumns(t *testing.T) {
	cols, vals := []string{"id", "title", "at", "open"}, []any{"c1", "Lost tablet", int64(7), false}
	n := note{salt: "s", digest: digest("s", []byte(canonical(cols, vals, true)))}
	for _, c := range []struct {
		name  string
		added []any
		title any
		want  bool
	}{
		{"no later column", nil, "Lost tablet", true},
		{"later columns at zero", []any{int64(0), "", false}, "Lost tablet", true},
		{"a later column that was written", []any{int64(0), "x", false}, "Lost tablet", false},
		{"another title", []any{int64(0), "", false}, "Found tablet", false},
		{"a column that became empty", nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cols := append([]string{}, cols...)
			vals := append([]any{}, vals...)
			vals[1] = c.title
			for i, v := range c.added {
				cols, vals = append(cols, string(rune('p'+i))), append(vals, v)
			}
			if got := n.tells(cols, vals); got != c.want {
				t.Errorf("as noted: %v", got)
			}
		})
	}
}
