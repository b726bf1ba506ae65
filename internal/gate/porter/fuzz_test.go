package porter

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPath has any path written down: what a secret is given as never is, and
// what is written down is bounded.
func FuzzPath(f *testing.F) {
	f.Add("/a?password=x&b=c", "token")
	f.Add("/a?%70assword=x", "SID")
	f.Add("/?"+strings.Repeat("a=b&", 1000), "apikey")
	f.Add("/a?b;c=d?e=f&&=", "otp")
	f.Fuzz(func(t *testing.T, path, name string) {
		kept := redact(path)
		if len(kept) > maxPath || utf8.ValidString(path) && !utf8.ValidString(kept) {
			t.Fatalf("%q is kept as %q", path, kept)
		}
		if !isSecret(name) || strings.ContainsAny(name, "&=?#") {
			return
		}
		for _, written := range []string{name, url.QueryEscape(name), strings.ToUpper(url.QueryEscape(name))} {
			if kept := redact("/x?a=b&" + written + "=zq7secret&c=d"); strings.Contains(kept, "zq7secret") {
				t.Fatalf("%q is kept as %q", written, kept)
			}
		}
	})
}

// FuzzThemes looks for what must be heard of in any words.
func FuzzThemes(f *testing.F) {
	f.Add("i WANT  to vanish", "want to vanish")
	f.Add("wa\u0301nt\u00a0to\tvanish", "wánt")
	f.Fuzz(func(t *testing.T, words, phrase string) {
		themes := compileThemes(map[string][]string{"x": {phrase}})
		if got := themeOf(themes, words); got != "" && got != "x" {
			t.Fatalf("%q is of %q", words, got)
		}
		if len(themes) > 0 && normalise(phrase) != "" && themeOf(themes, "zz "+phrase+" zz") != "x" && strings.TrimSpace(normalise(phrase)) != "" {
			t.Fatalf("%q is not found in itself", phrase)
		}
	})
}
