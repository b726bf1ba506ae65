package csvio

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"unicode"
)

// Field is something that a reader looks for in a file, with every name that
// its column goes by. Name counts as one of them.
type Field struct {
	Name  string
	Names []string
}

// Plain reduces a column's name to what is compared: letters and figures,
// lower case. "Date of birth", "date_of_birth" and "DateOfBirth" are one.
func Plain(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// Match finds the column of each field in the header: where two columns fit
// one field, the one whose name stands earlier in the field's list.
func Match(header []string, fields []Field) map[string]int {
	at := map[string]int{}
	for i, h := range header {
		if p := Plain(h); p != "" {
			at[p] = i
		}
	}
	out := map[string]int{}
	taken := map[int]bool{}
	for _, f := range fields {
		for _, name := range append([]string{f.Name}, f.Names...) {
			if i, ok := at[Plain(name)]; ok && !taken[i] {
				out[f.Name] = i
				taken[i] = true
				break
			}
		}
	}
	return out
}

// Choose finds the columns that a person named: field to column name. A
// column that is not in the header is an error that lists what is.
func Choose(header []string, names map[string]string) (map[string]int, error) {
	at := map[string]int{}
	for i, h := range header {
		at[Plain(h)] = i
	}
	out := map[string]int{}
	fields := make([]string, 0, len(names))
	for f := range names {
		fields = append(fields, f)
	}
	sort.Strings(fields)
	for _, f := range fields {
		i, ok := at[Plain(names[f])]
		if !ok {
			return nil, Error(fmt.Sprintf("the file has no column “%s” for %s; its columns are: %s", clip(names[f]), f, listHeader(header)))
		}
		out[f] = i
	}
	return out, nil
}

func listHeader(header []string) string {
	const most = 40
	var names []string
	for _, h := range header {
		if h != "" {
			names = append(names, clip(h))
		}
	}
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// Fingerprint tells files with the same columns from others, whatever their
// order.
func Fingerprint(header []string) string {
	names := make([]string, 0, len(header))
	for _, h := range header {
		if p := Plain(h); p != "" {
			names = append(names, p)
		}
	}
	sort.Strings(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:16])
}
