package trend_test

import (
	"testing"

	"belisha/internal/kit/trend"

	"github.com/google/go-cmp/cmp"
)

func TestGuardedHidesWhatCouldNameAChild(t *testing.T) {
	counts := func(n ...int) []trend.Point {
		out := make([]trend.Point, len(n))
		for i, v := range n {
			out[i].N = v
		}
		return out
	}
	for name, c := range map[string]struct{ in, want []int }{
		"one to four are hidden, nought and five are not":             {[]int{0, 1, 4, 5, 20}, []int{0, -1, -1, 5, 20}},
		"a single hidden count takes the next smallest with it":       {[]int{3, 9, 20}, []int{-1, -1, 20}},
		"nothing is hidden where nothing is small":                    {[]int{0, 9, 20}, []int{0, 9, 20}},
		"a single small count with nothing but noughts is hidden too": {[]int{0, 2, 0}, []int{0, -1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			in := trend.Trend{Points: counts(c.in...), Pupils: true}
			got := in.Guarded()
			if d := cmp.Diff(counts(c.want...), got.Points); d != "" {
				t.Error(d)
			}
			if in.Points[0].N != c.in[0] {
				t.Error("the trend itself was changed")
			}
		})
	}
}

func TestWhatIsNotAboutPupilsIsShownWhole(t *testing.T) {
	got := trend.Trend{Points: []trend.Point{{"May", 2}}}.Guarded()
	if got.Points[0].N != 2 || got.Total() != 2 {
		t.Errorf("got %+v, total %d", got.Points, got.Total())
	}
}

func TestTheLastPointOfALevelCounts(t *testing.T) {
	level := trend.Trend{Level: true, Points: []trend.Point{{"September", 90}, {"October", 95}}}
	if got := level.Total(); got != 95 {
		t.Errorf("90 per cent, then 95 per cent is %d per cent, want 95", got)
	}
	if got := (trend.Trend{Level: true}).Total(); got != 0 {
		t.Errorf("a level without points is %d", got)
	}
}
