// Command table makes one table of the raw rows of a comparison with other
// filters: each figure, the peer's in the same run, what is wanted, and whether
// it is met. Ratios are of medians over interleaved rounds; beside them stand
// the lowest and highest ratio of a single round.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const name = "belisha" // as the scripts call the filter

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "table: say the folder of the raw rows")
		os.Exit(1)
	}
	r, err := readRows(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
	fmt.Println("| figure | wanted | here | beside it in the same run | |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	for _, row := range figures(r) {
		fmt.Printf("| %s | %s | %s | %s | %s |\n", row.what, row.wanted, row.here, row.beside, row.verdict())
	}
}

// figure is one row.
type figure struct {
	what, wanted, here, beside string
	value, limit               float64
	most                       bool // the value may be at most the limit
	told                       bool // it is told and nothing is wanted
}

func (f *figure) verdict() string {
	switch {
	case f.here == "":
		return "not measured"
	case f.told:
		return ""
	case f.most && f.value <= f.limit, !f.most && f.value >= f.limit:
		return "met"
	}
	return "**not met**"
}

// rows are all raw rows: by file, then by peer and load, then by column.
type rows struct {
	files map[string][][]string
	own   map[string][]float64
	scan  string
}

func readRows(dir string) (*rows, error) {
	r := &rows{files: map[string][][]string{}, own: map[string][]float64{}}
	for _, of := range []string{"proxy", "names", "dns", "tls", "own"} {
		b, err := os.ReadFile(filepath.Join(dir, of+".tsv"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			r.files[of] = append(r.files[of], strings.Split(strings.TrimSpace(line), "\t"))
		}
	}
	for _, f := range r.files["own"] {
		if len(f) == 2 {
			r.own[f[0]] = append(r.own[f[0]], number(f[1]))
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "scan.txt")); err == nil {
		r.scan = string(b)
	}
	return r, nil
}
