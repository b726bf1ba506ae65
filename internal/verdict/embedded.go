package verdict

import (
	"net/url"
	"strings"

	"belisha/internal/verdict/canon"
)

// carriers are the services that show another site's page under their own
// name, and the parameters in which they are told which. Google's stand for
// those of every country.
var carriers = map[string]string{
	"translate.google.com":            "u",
	"translate.googleusercontent.com": "u",
	"bing.com":                        "url mediaurl imgurl",
	"www.bing.com":                    "url mediaurl imgurl",
	"www.microsofttranslator.com":     "a",
	"www.translatetheweb.com":         "a",
	"translate.yandex.com":            "url",
	"translate.yandex.ru":             "url",
	"papago.naver.net":                "url",
	"fanyi.baidu.com":                 "query",
	"webcache.googleusercontent.com":  "q",
	"www.google.com":                  "imgurl url",
	"images.google.com":               "imgurl url",
	"docs.google.com":                 "url",
	"view.officeapps.live.com":        "src",
	"external-content.duckduckgo.com": "u",
	"proxy.duckduckgo.com":            "u",
	"images.weserv.nl":                "url",
	"wsrv.nl":                         "url",
}

// shelves are the services that name the other site's page in their path, and
// what stands before it.
var shelves = map[string]string{
	"web.archive.org": "/web/",
	"archive.ph":      "/", "archive.today": "/", "archive.is": "/", "archive.li": "/", "archive.vn": "/", "archive.fo": "/", "archive.md": "/",
	"12ft.io":                   "/",
	"r.jina.ai":                 "/",
	"translated.turbopages.org": "/proxy_u/",
	"www.google.com":            "/amp/",
}

const (
	goog = ".translate.goog"
	amp  = ".cdn.ampproject.org"
	// maxInside is how many sites inside one another are looked through.
	maxInside = 3
)

// embedded returns the page that is shown inside this one, without a host if
// there is none to be seen: the name of a translated site is in the name that
// translates it, or in a parameter; that of an archived page in the path.
func embedded(host, path string) canon.Parts {
	if label, ok := strings.CutSuffix(host, goog); ok {
		return canon.Parts{Host: untranslated(label), Path: path}
	}
	if path == "" {
		return canon.Parts{}
	}
	if _, country, ok := strings.Cut(host, ".google."); ok && country != "com" {
		host = strings.TrimSuffix(host, country) + "com"
	}
	if strings.HasSuffix(host, amp) {
		if inside := shelved(path, "/"); inside.Host != "" {
			return inside
		}
	}
	if before, ok := shelves[host]; ok {
		if inside := shelved(path, before); inside.Host != "" {
			return inside
		}
	}
	if names, ok := carriers[host]; ok {
		return carried(names, path)
	}
	return canon.Parts{}
}

// carried is the page that a parameter names.
func carried(names, path string) canon.Parts {
	_, query, _ := strings.Cut(path, "?")
	for p := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(p, "=")
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		if !strings.Contains(" "+names+" ", " "+strings.ToLower(name)+" ") {
			continue
		}
		if u := site(strings.TrimPrefix(value, "cache:")); u.Host != "" {
			return u
		}
	}
	return canon.Parts{}
}

// untranslated turns bad--site-test back into bad-site.test.
func untranslated(label string) string {
	return site(strings.NewReplacer("--", "-", "-", ".").Replace(label)).Host
}

// shelved finds the address in a path, behind what the service writes before
// it: a time, a language, letters for its kind. A part that names a scheme
// begins it, or else the first that can be the name of a site.
func shelved(path, before string) canon.Parts {
	rest, ok := strings.CutPrefix(path, before)
	if !ok {
		return canon.Parts{}
	}
	named := ""
	for range 4 {
		part, after, more := strings.Cut(rest, "/")
		switch word := strings.ToLower(part); {
		case word == "http" || word == "https": // a part by itself
			return site(after)
		case strings.HasPrefix(word, "http:"), strings.HasPrefix(word, "https:"), strings.HasPrefix(word, "http%3a"), strings.HasPrefix(word, "https%3a"):
			return site(rest)
		case named == "" && strings.Contains(part, "."):
			named = rest
		}
		if rest = after; !more {
			break
		}
	}
	if named == "" {
		return canon.Parts{}
	}
	return site(named)
}

// site is the address inside another one, which may be escaped once more.
func site(address string) canon.Parts {
	if len(address) > 4096 {
		address = address[:4096]
	}
	if plain, err := url.PathUnescape(address); err == nil {
		address = plain
	}
	u, err := canon.URL(address)
	if err != nil || u.Kind == canon.Name && !strings.Contains(u.Host, ".") {
		return canon.Parts{}
	}
	return u
}
