package verdict

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestEverySetOfOneCategoryHasASlotOfItsOwn(t *testing.T) {
	seen := map[int]int{}
	for c := -1; c < MaxCategories; c++ {
		var set CategorySet
		if c >= 0 {
			set.Add(uint8(c))
		}
		at, single := outcomeSlot(&set)
		if !single || at < 0 || at >= outcomeSlots {
			t.Fatalf("category %d: slot %d, single %v", c, at, single)
		}
		if other, taken := seen[at]; taken {
			t.Fatalf("categories %d and %d share slot %d", other, c, at)
		}
		seen[at] = c
		if c >= 0 && at != c>>6*65+c&63 {
			t.Fatalf("category %d is looked for in slot %d and kept in another", c, at)
		}
	}
}

func TestASetOfSeveralCategoriesIsNeverTakenForOne(t *testing.T) {
	check := func(set CategorySet) {
		t.Helper()
		n := 0
		for _, w := range set {
			n += bits.OnesCount64(w)
		}
		if _, single := outcomeSlot(&set); single != (n <= 1) {
			t.Fatalf("%v has %d categories, and single is %v", set, n, single)
		}
	}
	for a := range MaxCategories {
		for b := range MaxCategories {
			var set CategorySet
			set.Add(uint8(a))
			set.Add(uint8(b))
			check(set)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var set CategorySet
		for range r.IntN(6) {
			set.Add(uint8(r.IntN(4)<<6 + r.IntN(2)*63))
		}
		check(set)
	}
}
