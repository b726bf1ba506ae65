package evasion

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
)

const document = "../../../doc/evasion.md"

// catalogue are the rows that must each have a case.
const catalogue = "N1 N2 N3 N4 N5 N6 N7 N9 N10 N11 N12 N14 N15 N16 N18 N19 N20 N22 " +
	"T1 T2 T3 T4 T5 T6 T8 T9 T10 T11 T12 T13 T15 T16 T17 T18 T19 T20 " +
	"H1 H2 H3 H4 H6 H7 H9 H10 H11 H13 H14 H15 H16 H17 " +
	"C1 C2 C4 C5 C6 C7 C8 C9 C10 C12 C13 C15 C16 C17 C18 C19 C20 " +
	"F1 F2 F3 F4 F7 F8 F9 F10 " +
	"D1 D3 D4 D5 D6 D7 D8 D9 D10 D11 D12 D13 D14 D15 D17 " +
	"P1 P4 P5 P6 P7 P8 P10 P12 P13 P14 P15 P16 P17 " +
	"A1 A2 A3 A4 A6 A8 A9 A10 A12 A14 A15 A16 A17 A18"

func TestEveryRowOfTheCatalogueHasItsCase(t *testing.T) {
	have := map[string]bool{}
	for _, c := range readCases(t) {
		for _, r := range c.rows {
			have[r] = true
			if !strings.Contains(" "+catalogue+" ", " "+r+" ") {
				t.Errorf("%s: there is no row %q", c.id, r)
			}
		}
	}
	for r := range strings.FieldsSeq(catalogue) {
		if !have[r] {
			t.Errorf("the row %s has no case", r)
		}
	}
}

func TestTheListOfCasesIsTheOneInTheDocuments(t *testing.T) {
	if *update {
		t.Skip("it is being written")
	}
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if want := list(readCases(t)); !strings.Contains(string(b), want) {
		t.Error("doc/evasion.md is not what cases/ says: run UPDATE=1 make evasion")
	}
}

// list is the table of all cases.
func list(cases []*tried) string {
	sort.SliceStable(cases, func(i, j int) bool { return cases[i].id < cases[j].id })
	var b strings.Builder
	b.WriteString("| case | row | what is tried | expected | mode | spellings |\n|---|---|---|---|---|---|\n")
	for _, c := range cases {
		modes := strings.Join(c.modes, " ")
		n := fmt.Sprint(len(c.of))
		if len(c.steps) == 0 {
			modes, n = "elsewhere", "`"+strings.Join(c.other, "`, `")+"`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.id, strings.Join(c.rows, " "), cell(c.what), cell(c.want), modes, n)
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// document is the whole of doc/evasion.md after a run.
func (b *book) document() string {
	var cases []*tried
	seen := map[string]bool{}
	runs, otherwise := 0, 0
	for _, r := range b.results {
		runs += r.runs
		otherwise += len(r.failed)
		if !seen[r.c.id] {
			seen[r.c.id] = true
			cases = append(cases, r.c)
		}
	}
	return fmt.Sprintf(`# Ways round the filter, and ways to break it

What pupils, sites and programs have been seen to do, each tried against the whole gate over real sockets: %d cases, %d runs with all spellings and modes; in the run that wrote this, %d went otherwise than expected. `+"`make evasion`"+` runs them all, also what takes long; the quick part is in `+"`make test`"+`. How a case is written: `+"`internal/gate/evasion/cases/README.md`"+`. This list is made from the cases, and a test sees that it is the same.

Modes: **plain** is HTTP in the clear, **T** a tunnel that stays closed to us, **M** TLS that is looked into on a device with the school's certificate. After every run the gate must still serve somebody else, must not have panicked, and must have left no goroutine; what is written down of it must be there, with reason and group, and hold no control character.

%s`, len(cases), runs, otherwise, list(cases))
}
