package proxy

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cases of another server's makers, and where this door differs. doc/http-cases.md
// says the same to readers.
var (
	// stricter are the grounds on which a request is refused here that others
	// take: each could be read in two ways by two programs.
	stricter = map[error]string{
		errHostField: "a request of HTTP/1.1 names its host",
		errFold:      "no value goes on in the next line",
		errName:      "no space stands before a colon",
		errTransfer:  "a request's body has no coding but chunked, once",
		errVersion:   "no line of another protocol comes before a request",
		errLine:      "nor bytes of one",
	}
	// milder are requests that others refuse and this reading passes on.
	milder = map[string]string{
		"invalid/001.http":                                    "it is not whole, and nothing of it goes on",
		"invalid/006.http":                                    "its length is bounded by the whole head",
		"invalid/007.http":                                    "as above",
		"invalid/008.http":                                    "as above",
		"invalid/009.http":                                    "the number of headers is bounded by the whole head",
		"invalid/011.http":                                    "as above",
		"invalid/012.http":                                    "as above",
		"invalid/limit_header_default_01.http":                "as above",
		"invalid/rfc9110_field_value_ctl_bel_01.http":         "the file holds the letters of an escape, no control character",
		"invalid/rfc9110_field_value_ctl_del_01.http":         "as above",
		"invalid/rfc9112_chunked_missing_final_crlf_01.http":  "it is not whole: the body never ends, and the site sees that",
		"invalid/rfc9112_target_asterisk_non_options_01.http": "it is well formed; the door answers that it is for no site",
	}
)

func TestRequestsThatAnotherServerWasTriedWith(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "http", "gunicorn")
	text, err := os.ReadFile(filepath.Join(dir, "expectations.tsv"))
	if err != nil {
		t.Skip("../shared not there")
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] == "file" {
			continue
		}
		n++
		raw, err := os.ReadFile(filepath.Join(dir, f[0]))
		if err != nil {
			t.Error(err)
			continue
		}
		why := refusal(unescaped(raw))
		_, mild := milder[f[0]]
		_, strict := stricter[why]
		switch {
		case f[1] == "invalid" && why == nil && !mild:
			t.Errorf("%s is let through", f[0])
		case f[1] == "invalid" && why != nil && mild:
			t.Errorf("%s is refused after all: %v", f[0], why)
		case f[1] == "valid" && why != nil && !strict:
			t.Errorf("%s is refused: %v", f[0], why)
		}
	}
	if n < 100 {
		t.Errorf("only %d cases are there", n)
	}
}

// unescaped is a case's bytes: escapes stand for line ends, and real line ends
// for nothing.
func unescaped(raw []byte) []byte {
	return []byte(strings.NewReplacer("\n", "", `\r`, "\r", `\n`, "\n", `\t`, "\t", `\x00`, "\x00").Replace(string(raw)))
}

// refusal is why the strict reader ends a connection, or nil.
func refusal(raw []byte) (why error) {
	c := newStrictConn(&pieces{rest: raw, n: len(raw) + 1}, func(err error) { why = err })
	if _, err := new(bytes.Buffer).ReadFrom(c); err != nil && why == nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return why
}
