package control_test

import (
	"testing"

	"belisha/internal/kit/control"
)

func TestAClauseIsAsBadAsItsWorstControl(t *testing.T) {
	const (
		b, u, r, k, n = control.Broken, control.Unknown, control.AtRisk, control.Kept, control.NotApplicable
	)
	for _, c := range []struct {
		name string
		in   []control.State
		want control.State
	}{
		{"no control is words only", nil, control.WordsOnly},
		{"all kept is kept", []control.State{k, k}, k},
		{"unknown never counts as kept", []control.State{k, u}, u},
		{"unknown is worse than at risk", []control.State{r, u}, u},
		{"broken beats all", []control.State{u, r, k, b, n}, b},
		{"not applicable is left out", []control.State{n, k}, k},
		{"unless all are", []control.State{n, n}, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := control.Worst(c.in); got != c.want {
				t.Errorf("Worst(%v) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}
