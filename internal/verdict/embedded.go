package verdict

import (
	"net/url"
	"strings"

	"belisha/internal/verdict/canon"
)

// carrier is a service that shows another site's page under its own name: the
// parameters in which it is told which, and what stands before the page in its
// path.
type carrier struct{ names, before string }

// carriers are such services. Google's stand for those of every country.
var carriers = map[string]carrier{
	"translate.google.com":            {names: "u"},
	"translate.googleusercontent.com": {names: "u"},
	"bing.com":                        {names: "url mediaurl imgurl"},
	"www.bing.com":                    {names: "url mediaurl imgurl"},
	"www.microsofttranslator.com":     {names: "a"},
	"www.translatetheweb.com":         {names: "a"},
	"translate.yandex.com":            {names: "url"},
	"translate.yandex.ru":             {names: "url"},
	"papago.naver.net":                {names: "url"},
	"fanyi.baidu.com":                 {names: "query"},
	"webcache.googleusercontent.com":  {names: "q"},
	"www.google.com":                  {names: "imgurl url", before: "/amp/"},
	"images.google.com":               {names: "imgurl url"},
	"docs.google.com":                 {names: "url"},
	"view.officeapps.live.com":        {names: "src"},
	"external-content.duckduckgo.com": {names: "u"},
	"proxy.duckduckgo.com":            {names: "u"},
	"images.weserv.nl":                {names: "url"},
	"wsrv.nl":                         {names: "url"},
	"web.archive.org":                 {before: "/web/"},
	"archive.ph":                      {before: "/"},
	"archive.today":                   {before: "/"},
	"archive.is":                      {before: "/"},
	"archive.li":                      {before: "/"},
	"archive.vn":                      {before: "/"},
	"archive.fo":                      {before: "/"},
	"archive.md":                      {before: "/"},
	"12ft.io":                         {before: "/"},
	"r.jina.ai":                       {before: "/"},
	"translated.turbopages.org":       {before: "/proxy_u/"},
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
	if strings.HasSuffix(host, amp) {
		return shelved(path, "/")
	}
	c, ok := carriers[host]
	if !ok {
		before, country, google := strings.Cut(host, ".google.")
		if !google || country == "com" {
			return canon.Parts{}
		}
		c = carriers[before+".google.com"]
	}
	if c.before != "" {
		if inside := shelved(path, c.before); inside.Host != "" {
			return inside
		}
	}
	return carried(c.names, path)
}

// carried is the page that a parameter names.
func carried(names, path string) canon.Parts {
	if names == "" {
		return canon.Parts{}
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
