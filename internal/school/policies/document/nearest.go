package document

// Nearest returns the name most like word, or "" when none is near enough to
// be worth asking "did you mean?".
func Nearest(word string, names []string) string {
	best, bestAt := "", 0
	limit := 1 + len([]rune(word))/4
	for _, n := range names {
		d := distance(word, n)
		if d <= limit && (best == "" || d < bestAt) {
			best, bestAt = n, d
		}
	}
	return best
}

// distance is Levenshtein's, over runes, with a bound on length.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 80 || len(y) > 80 {
		return 1 << 20
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diag := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diag+cost)
		}
	}
	return row[len(y)]
}
