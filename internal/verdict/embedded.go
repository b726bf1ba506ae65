package verdict

import (
	"net/url"
	"strings"

	"belisha/internal/verdict/canon"
)

// carriers are the services that show another site's page under their own
// name, and the parameters in which they are told which.
var carriers = map[string]string{
	"translate.google.com":            "u",
	"translate.googleusercontent.com": "u",
	"www.bing.com":                    "url mediaurl imgurl",
	"www.microsofttranslator.com":     "a",
	"www.translatetheweb.com":         "a",
	"translate.yandex.com":            "url",
	"webcache.googleusercontent.com":  "q",
	"www.google.com":                  "imgurl url",
	"images.google.com":               "imgurl url",
}

const goog = ".translate.goog"

// embedded returns the site that is shown inside this one, "" if there is
// none to be seen: the name of a translated site is in the name that
// translates it, or in a parameter; that of an archived page in the path.
func embedded(host, path string) string {
	if strings.HasSuffix(host, goog) {
		return untranslated(strings.TrimSuffix(host, goog))
	}
	if path == "" {
		return ""
	}
	if host == "web.archive.org" {
		return archived(path)
	}
	names, ok := carriers[host]
	if !ok {
		return ""
	}
	_, query, _ := strings.Cut(path, "?")
	for p := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(p, "=")
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		if !strings.Contains(" "+names+" ", " "+strings.ToLower(name)+" ") {
			continue
		}
		if u := site(strings.TrimPrefix(value, "cache:")); u != "" {
			return u
		}
	}
	return ""
}

// untranslated turns bad--site-test back into bad-site.test.
func untranslated(label string) string {
	return site(strings.NewReplacer("--", "-", "-", ".").Replace(label))
}

// archived finds the address after the time in /web/2020/http://bad.test/.
func archived(path string) string {
	rest, ok := strings.CutPrefix(path, "/web/")
	if !ok {
		return ""
	}
	_, address, _ := strings.Cut(rest, "/")
	return site(address)
}

// site is the canonical host of an address inside another one, which may be
// escaped once more.
func site(address string) string {
	if len(address) > 4096 {
		address = address[:4096]
	}
	if plain, err := url.PathUnescape(address); err == nil {
		address = plain
	}
	u, err := canon.URL(address)
	if err != nil {
		return ""
	}
	return u.Host
}
