package proxy

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// restrict sets the headers that the rules ask for on the request as it goes
// on. What the client sent under these names is taken away first.
func (x *exchange) restrict() {
	h := x.r.Header
	x.answer.Headers(func(name, value string) {
		if value == "" {
			removeHeader(h, name)
			return
		}
		h.Set(name, value)
	})
	if !youTube(x.to.host) {
		return
	}
	switch x.answer.SafeMode("youtube") {
	case "strict":
		removeHeader(h, "YouTube-Restrict")
		h["Youtube-Restrict"] = []string{"Strict"}
	case "moderate":
		removeHeader(h, "YouTube-Restrict")
		h["Youtube-Restrict"] = []string{"Moderate"}
	}
}

// removeHeader takes a header away in every spelling that a server might take
// for it: some do not tell a line below from a hyphen.
func removeHeader(h http.Header, name string) {
	for have := range h {
		if len(have) == len(name) && strings.EqualFold(strings.ReplaceAll(have, "_", "-"), strings.ReplaceAll(name, "_", "-")) {
			delete(h, have)
		}
	}
}

// youTube are the hosts on which YouTube heeds the header of its restricted
// mode.
func youTube(host string) bool {
	switch host {
	case "www.youtube.com", "m.youtube.com", "youtubei.googleapis.com", "youtube.googleapis.com", "www.youtube-nocookie.com":
		return true
	}
	return false
}

const advicePath = "/.well-known/traffic-advice"

// advised answers who asks whether pages may be fetched ahead past the filter.
func (x *exchange) advised() bool {
	if x.r.URL.Path != advicePath || x.r.Method != http.MethodGet {
		return false
	}
	x.porter.Record(x.r.Context(), &x.answer)
	x.w.Header().Set("Content-Type", "application/trafficadvice+json")
	x.w.Header().Set("Cache-Control", "max-age=3600")
	// A browser that has gone away asks again.
	_, _ = io.WriteString(x.w, `[{"user_agent":"prefetch-proxy","disallow":true}]`)
	return true
}

// steered sees to it that a search is asked for in its safe mode. Bare names,
// which have no safe twin, lead to those that have.
func (x *exchange) steered() bool {
	e := engineOf(x.to.host)
	if e == nil {
		return false
	}
	mode := x.answer.SafeMode(e.service)
	if mode == "off" {
		return false
	}
	r := x.r
	if e.bare != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		x.porter.Record(r.Context(), &x.answer)
		to := x.to
		to.host = e.bare
		x.w.Header().Set("Cache-Control", "no-store")
		http.Redirect(x.w, r, to.url(r), http.StatusFound)
		return true
	}
	if e.fits(r.URL) {
		r.URL.RawQuery = e.safe(r.URL.RawQuery, mode)
	}
	if e.service == "bing" {
		safeCookie(r.Header)
	}
	return false
}

// ledAstray shows the page in place of an answer that leads the browser to
// another site that is closed.
func (x *exchange) ledAstray(res *http.Response) bool {
	to := ""
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		to = res.Header.Get("Location")
	} else if refresh := res.Header["Refresh"]; len(refresh) > 0 {
		to = refreshTarget(refresh[0])
	}
	at, ok := followed(x.to.scheme(), to)
	if !ok || at.Host == x.to.host {
		return false
	}
	q := porter.Question{Door: verdict.DoorProxy, Host: at.Host, Path: at.Path, Port: at.Port, PrivateOpen: x.privateOpen(at.Host, at.Port)}
	if q.Path == "" {
		q.Path = "/"
	}
	there := x.porter.Judge(&x.answer.Who, q)
	if there.Verdict.Action != verdict.Block {
		return false // asked for on its own, it is judged again
	}
	x.porter.Record(x.r.Context(), &x.answer)
	x.closed(&there, "")
	return true
}

// followed reads where a browser goes from a page of a scheme; false is the
// site itself, or nowhere.
func followed(scheme, to string) (verdict.URLParts, bool) {
	to = strings.TrimFunc(to, func(r rune) bool { return r <= ' ' })
	if len(to) < 2 {
		return verdict.URLParts{}, false
	}
	if isSlash(to[0]) && isSlash(to[1]) {
		to = scheme + ":" + to
	}
	name, _, ok := strings.Cut(to, ":")
	if !ok || !strings.EqualFold(name, "http") && !strings.EqualFold(name, "https") {
		return verdict.URLParts{}, false
	}
	at, err := verdict.CanonicalURL(to)
	return at, err == nil
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// refreshTarget reads "5; url=…".
func refreshTarget(v string) string {
	i := strings.IndexAny(v, ";,")
	if i < 0 {
		return ""
	}
	rest := strings.TrimSpace(v[i+1:])
	if len(rest) > 3 && strings.EqualFold(rest[:3], "url") {
		if after, ok := strings.CutPrefix(strings.TrimSpace(rest[3:]), "="); ok {
			rest = strings.TrimSpace(after)
		}
	}
	return strings.Trim(rest, `"'`)
}

// engine is a search service that can be asked for its safe mode in the
// address of a search.
type engine struct {
	service string // whose level of the rules counts
	bare    string // where this host's pages are moved to, "" if they stay
	paths   string // a search's paths begin so, any of them
	drop    []string
	strict  string
	mild    string // "" as strict
}

// engineOf finds the service by host. Those without a safe twin of their own
// in DNS follow the level of Google.
func engineOf(host string) *engine {
	if rest, ok := strings.CutPrefix(host, "www.google."); ok && rest != "" {
		return &engine{service: "google", paths: "/search /images /imghp /webhp /complete/search", drop: []string{"safe", "ssui"}, strict: "safe=active&ssui=on"}
	}
	for _, bare := range []string{"google.", "images.google."} {
		if ending, ok := strings.CutPrefix(host, bare); ok && googleEnding(ending) {
			return &engine{service: "google", bare: "www.google." + ending}
		}
	}
	if strings.HasSuffix(host, ".search.yahoo.com") || host == "search.yahoo.com" {
		return &engine{service: "google", paths: "/", drop: []string{"vm"}, strict: "vm=r"}
	}
	switch host {
	case "bing.com":
		return &engine{service: "bing", bare: "www.bing.com"}
	case "www.bing.com", "cn.bing.com", "cc.bing.com", "www2.bing.com", "www3.bing.com", "www4.bing.com", "m.bing.com":
		return &engine{service: "bing", paths: "/", drop: []string{"adlt", "adlt_set", "safesearch"}, strict: "adlt=strict"}
	case "duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com", "html.duckduckgo.com", "lite.duckduckgo.com", "noai.duckduckgo.com", "links.duckduckgo.com", "duck.com", "www.duck.com":
		return &engine{service: "duckduckgo", paths: "/", drop: []string{"kp"}, strict: "kp=1", mild: "kp=-1"}
	case "yandex.com", "www.yandex.com", "yandex.ru", "www.yandex.ru", "ya.ru":
		return &engine{service: "yandex", paths: "/search /images /video", drop: []string{"family"}, strict: "family=yes"}
	case "pixabay.com", "www.pixabay.com":
		return &engine{service: "pixabay", paths: "/", drop: []string{"safesearch"}, strict: "safesearch=true"}
	case "search.brave.com":
		return &engine{service: "brave", paths: "/", drop: []string{"safesearch"}, strict: "safesearch=strict", mild: "safesearch=moderate"}
	case "www.qwant.com", "api.qwant.com", "lite.qwant.com":
		return &engine{service: "qwant", paths: "/", drop: []string{"s", "safesearch"}, strict: "s=2&safesearch=2", mild: "s=1&safesearch=1"}
	case "www.startpage.com", "startpage.com":
		return &engine{service: "google", paths: "/", drop: []string{"qadf"}, strict: "qadf=heavy"}
	}
	return nil
}

// googleEnding reports "com", "de", "co.uk" and the like.
func googleEnding(s string) bool {
	first, rest, two := strings.Cut(s, ".")
	if !two {
		return len(first) == 2 || first == "com" || first == "cat"
	}
	return (first == "co" || first == "com") && len(rest) == 2
}

// fits reports an address that is a search.
func (e *engine) fits(u *url.URL) bool {
	if u.RawQuery == "" || e.strict == "" {
		return false
	}
	for p := range strings.FieldsSeq(e.paths) {
		if strings.HasPrefix(u.Path, p) {
			return true
		}
	}
	return false
}

// safe puts the safe mode in place of what the query says of it.
func (e *engine) safe(query, mode string) string {
	kept := make([]string, 0, 8)
	for part := range strings.SplitSeq(query, "&") {
		if !e.drops(part) {
			kept = append(kept, part)
		}
	}
	add := e.strict
	if mode == "moderate" && e.mild != "" {
		add = e.mild
	}
	return strings.Join(append(kept, add), "&")
}

func (e *engine) drops(part string) bool {
	// Some servers take a semicolon for an ampersand.
	for piece := range strings.SplitSeq(part, ";") {
		name, _, _ := strings.Cut(piece, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		for _, d := range e.drop {
			if strings.EqualFold(strings.TrimSpace(name), d) {
				return true
			}
		}
	}
	return false
}

// safeCookie turns the level that Bing keeps in a cookie back on.
func safeCookie(h http.Header) {
	for i, line := range h["Cookie"] {
		parts := strings.Split(line, ";")
		for j, part := range parts {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(name, "SRCHHPGUSR") {
				continue
			}
			settings := strings.Split(value, "&")
			for k, s := range settings {
				if n, _, ok := strings.Cut(s, "="); ok && strings.EqualFold(n, "ADLT") {
					settings[k] = "ADLT=STRICT"
				}
			}
			parts[j] = " " + name + "=" + strings.Join(settings, "&")
		}
		h["Cookie"][i] = strings.TrimSpace(strings.Join(parts, ";"))
	}
}
