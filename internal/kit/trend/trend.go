// Package trend is how a room tells head and governors what became more and
// what less: counts by month or week, never a person.
package trend

// Hidden is the largest count that is not shown where few could be known by
// it: one to four are "under 5".
const Hidden = 4

// Point is one count: "September", 12.
type Point struct {
	Label string
	N     int
}

// Trend is one row of counts.
type Trend struct {
	// Title says what is counted: "Concerns about online contact".
	Title string
	Unit  string // "concerns"
	// Points are in the order of time.
	Points []Point
	// Level: the points are how things stood ("per cent signed"), not how often
	// something happened, so that the last one counts and no sum does.
	Level bool
	// Pupils: the counts are of what children did or met, so that small ones
	// are hidden from governors.
	Pupils bool
	// Link is the page behind it for those who may open it, "" for none.
	Link string
}

// Guarded returns the trend as it is shown to those who must not know a child
// by a count: a count from one to Hidden becomes -1, which pages say as "under
// 5". Nought stays nought. Where only one count would be hidden, the next
// smallest is hidden with it, so that it cannot be worked out from a total.
func (t Trend) Guarded() Trend {
	if !t.Pupils {
		return t
	}
	out := t
	out.Points = append([]Point(nil), t.Points...)
	hidden, next := 0, -1
	for i, p := range out.Points {
		switch {
		case p.N > 0 && p.N <= Hidden:
			out.Points[i].N = -1
			hidden++
		case p.N > Hidden && (next < 0 || p.N < out.Points[next].N):
			next = i
		}
	}
	if hidden == 1 && next >= 0 {
		out.Points[next].N = -1
	}
	return out
}

// Total is the sum, of a level the last point; -1 where a count is hidden.
func (t Trend) Total() int {
	n := 0
	if t.Level && len(t.Points) > 0 {
		return t.Points[len(t.Points)-1].N
	}
	for _, p := range t.Points {
		if p.N < 0 {
			return -1
		}
		n += p.N
	}
	return n
}
