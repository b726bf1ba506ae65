package porter

import (
	"strings"
	"testing"
)

func TestSecretsAreTakenOutOfPathsAndTheRestIsKept(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"no query", "/a/b", "/a/b"},
		{"a search stays", "/s?q=red+fox&page=2", "/s?q=red+fox&page=2"},
		{"a password goes", "/l?user=a&password=x", "/l?user=a&password=…"},
		{"whatever its case", "/l?PassWd=x&next=/b", "/l?PassWd=…&next=/b"},
		{"an escaped name", "/l?p%61ssword=x", "/l?p%61ssword=…"},
		{"tokens and codes", "/cb?code=1&access_token=2&sig=3", "/cb?code=…&access_token=…&sig=…"},
		{"a name without a value", "/l?token", "/l?token"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := redact(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := redact("/" + strings.Repeat("é", 5000)); len(got) > maxPath {
		t.Errorf("%d bytes are kept", len(got))
	}
}

func TestThemesAreFoundInWordsAsPeopleTypeThem(t *testing.T) {
	themes := compileThemes(map[string][]string{"suicide": {"want to vanish", "don't want to be here"}, "selfharm": {"hurt myself"}})
	cases := []struct{ words, want string }{
		{"I want to VANISH", "suicide"},
		{"i dont want to be here", "suicide"},
		{"i don’t  want-to be here any more", "suicide"},
		{"how to hurt myself", "selfharm"},
		{"want to vanishing cream", ""},
		{"magic tricks: coins that vanish", ""},
		{"", ""},
	}
	for _, c := range cases {
		if got := themeOf(themes, c.words); got != c.want {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}
