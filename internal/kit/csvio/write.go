package csvio

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Writer writes CSV as UTF-8 with a byte order mark, so that spreadsheets
// show every letter, with cells that no spreadsheet takes for a formula.
type Writer struct {
	w *csv.Writer
}

// NewWriter begins a file on w.
func NewWriter(w io.Writer) (*Writer, error) {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return nil, fmt.Errorf("writing CSV: %w", err)
	}
	cw := csv.NewWriter(w)
	cw.UseCRLF = true
	return &Writer{cw}, nil
}

// Row writes one row.
func (w *Writer) Row(cells ...string) error {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = Safe(c)
	}
	if err := w.w.Write(safe); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// Close writes what is left. It does not close the writer below.
func (w *Writer) Close() error {
	w.w.Flush()
	if err := w.w.Error(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// Safe returns a cell that a spreadsheet shows and does not run: one that
// begins like a formula gets an apostrophe before it. Numbers stay as they
// are.
func Safe(cell string) string {
	lead := strings.TrimLeft(cell, " \u00a0")
	if lead == "" || !strings.ContainsRune("=+-@\t\r\n|＝＋－＠", []rune(lead)[0]) {
		return cell
	}
	if _, err := strconv.ParseFloat(lead, 64); err == nil && (lead[0] == '-' || lead[0] == '+') {
		return cell
	}
	return "'" + cell
}
