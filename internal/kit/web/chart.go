package web

import (
	"fmt"
	"strconv"
	"strings"

	"belisha/internal/kit/words"
)

// Bars is a bar chart made on the server, with its table: partial "bars". It
// prints and reads aloud.
type Bars struct {
	Title string
	Unit  string // "blocks"
	Rows  []Bar
}

// Bar is one bar as shown.
type Bar struct {
	Label string
	Said  string
	Link  string
	// Width is of 100.
	Width string
}

// NewBars draws the points. The longest bar is the whole width; a bar of any
// size can be seen.
func NewBars(title, unit string, points []Point) Bars {
	b := Bars{Title: title, Unit: unit}
	top := 0.0
	for _, p := range points {
		top = max(top, p.Value)
	}
	for _, p := range points {
		w := 0.0
		if top > 0 && p.Value > 0 {
			w = max(1, 100*p.Value/top)
		}
		b.Rows = append(b.Rows, Bar{Label: p.Label, Said: said(p), Width: strconv.FormatFloat(w, 'f', 1, 64)})
	}
	return b
}

func said(p Point) string {
	if p.Said != "" {
		return p.Said
	}
	if p.Value == float64(int(p.Value)) {
		return words.Number(int(p.Value))
	}
	return strconv.FormatFloat(p.Value, 'f', 1, 64)
}

// The size of a sparkline's box.
const (
	sparkWidth  = 120
	sparkHeight = 28
)

// Spark is a small line of figures over time, with its words: partial
// "spark".
type Spark struct {
	Words string // "Blocks a day over four weeks: 12 at first, 31 at last, 40 at most"
	Line  string // the points of the line
	EndX  string
	EndY  string
	Last  string
	Rows  []Point
}

// NewSpark draws the points from left to right. Nought is at the bottom.
func NewSpark(what string, points []Point) Spark {
	s := Spark{Rows: make([]Point, 0, len(points))}
	if len(points) == 0 {
		s.Words = what + ": no figures yet"
		return s
	}
	top, peak := 0.0, points[0]
	for _, p := range points {
		if p.Value > top {
			top, peak = p.Value, p
		}
	}
	var line strings.Builder
	for i, p := range points {
		x, y := 2.0, float64(sparkHeight-3)
		if len(points) > 1 {
			x = 2 + float64(i)*(sparkWidth-6)/float64(len(points)-1)
		}
		if top > 0 {
			y -= max(0, p.Value) / top * (sparkHeight - 6)
		}
		fmt.Fprintf(&line, "%.1f,%.1f ", x, y)
		s.EndX, s.EndY = fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", y)
		p.Said = said(p)
		s.Rows = append(s.Rows, p)
	}
	first, last := s.Rows[0], s.Rows[len(s.Rows)-1]
	s.Line, s.Last = strings.TrimSpace(line.String()), last.Said
	s.Words = fmt.Sprintf("%s: %s at first, %s at last, %s at most", what, first.Said, last.Said, said(peak))
	return s
}
