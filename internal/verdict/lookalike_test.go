package verdict

import (
	"testing"

	"golang.org/x/net/idna"
)

func TestNamesThatLookLikeOthers(t *testing.T) {
	for name, want := range map[string]bool{
		"bаd.test":          true, // Cyrillic а
		"gοοgle.com":        true, // Greek ο
		"gооgle.com":        true, // Cyrillic о
		"раураӏ.com":        true, // none but Cyrillic letters
		"www.аррӏе.co.uk":   true,
		"аррӏе2.com":        true,
		"micrօsoft.com":     true, // Armenian օ
		"сахар.ru":          false,
		"сахар.рф":          false,
		"новости.com":       false,
		"bücher.de":         false,
		"école.fr":          false,
		"ελλάδα.gr":         false,
		"日本語.jp":            false,
		"日本ひらがなabc.jp":      false,
		"한국어a.kr":           false,
		"السعودية.com":      false,
		"plain.test":        false,
		"xn--no-puny-.test": true, // nobody can read it
	} {
		host, err := idna.Punycode.ToASCII(name)
		if err != nil {
			host = name
		}
		if got := mixedScript(host); got != want {
			t.Errorf("%s (%s): %v", name, host, got)
		}
	}
}
