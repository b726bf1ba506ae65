package verdict

import (
	"net/netip"
	"strings"

	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/segment"
)

// facts is what the lists and the rules' places say of one ask, whoever asks.
type facts struct {
	cats    CategorySet
	address netip.Addr  // valid if the host is an address
	private bool        // an address nobody may reach
	placed  bool        // the rules name the host or a parent
	pages   bool        // pages of the host are listed
	weighed bool        // a list that excepts some of what it lists has a say
	licence uint8       // a licensed list names it: the list's number
	path    string      // canonical, if anything depends on it
	again   string      // the path decoded once more, if that differs
	inside  canon.Parts // the page that is shown inside this one
}

// look gathers the facts. It reports false if the host is not canonical.
func (s *Snapshot) look(a *Ask, f *facts, tr *trace) bool {
	if endsLikeNumber(a.Host) && canon.EndsInNumber(a.Host) {
		return s.lookAddress(a, f, tr) // a resolver takes it for an address, whatever it is
	}
	if !s.lookName(a.Host, f, tr) {
		return strings.IndexByte(a.Host, ':') >= 0 && s.lookAddress(a, f, tr)
	}
	if f.pages || f.placed || len(s.patterns) > 0 || (s.images >= 0 || len(s.licensed) > 0) && a.Path != "" || s.weighPatterns {
		s.lookPages(a, f, tr)
	}
	if f.weighed || s.weighPatterns {
		s.weighSources(a.Host, f, tr)
	}
	if len(s.licensed) > 0 {
		s.lookLicensed(a.Host, f, tr)
	}
	if inside := embedded(a.Host, a.Path); inside.Host != "" && a.inside < maxInside {
		s.lookInside(inside, f, tr)
	}
	if s.mixed >= 0 && strings.Contains(a.Host, "xn--") && mixedScript(a.Host) {
		f.cats.Add(uint8(s.mixed))
		tr.note("mixed-script", "letters of several scripts in one name", uint8(s.mixed), a.Host)
	}
	return true
}

// lookInside adds the categories of the page that is shown inside another.
func (s *Snapshot) lookInside(page canon.Parts, f *facts, tr *trace) {
	var in facts
	if s.look(&Ask{Host: page.Host, Path: page.Path, PrivateOpen: true, inside: maxInside}, &in, tr) {
		f.inside = page
		if tr != nil && in.licence == 0 {
			tr.steps = append(tr.steps, Step{What: "inside", Via: page.Host, Says: "It shows a page of " + page.Host + ", which is judged as well."})
		}
		f.licence = max(f.licence, in.licence)
		f.cats = f.cats.Union(in.cats)
	}
}

// endsLikeNumber is quick and says no for most names.
func endsLikeNumber(host string) bool {
	if host == "" {
		return false
	}
	c := host[len(host)-1]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == 'x'
}

// lookName asks every source for the name and all its parents.
func (s *Snapshot) lookName(host string, f *facts, tr *trace) bool {
	var b segment.Batch
	for ok := b.Begin(host); ; ok = b.Next(host) {
		if !ok {
			return false
		}
		for t := range s.tables {
			id, several := s.tables[t].Look(&b)
			src := &s.sources[t]
			if !several && int(id) < len(src.sets) && src.sets[id].plain && tr == nil {
				f.cats.join(&src.sets[id].sub) // number 0 is the empty set
				continue
			}
			if src.weighed != nil {
				src.touch(&b, f)
				continue
			}
			for i, id := range b.Sets[:b.N] {
				if id != 0 {
					s.found(t, uint32(id), host, int(b.Len[i]), f, tr)
				}
			}
		}
		if s.places.maybeAny(b.Keys[:b.N]) {
			f.placed = true
		}
		if !b.More() {
			return true
		}
	}
}

// found takes in what one source says of the last n characters of host.
func (s *Snapshot) found(source int, id uint32, host string, n int, f *facts, tr *trace) {
	src := &s.sources[source]
	if int(id) >= len(src.sets) {
		return
	}
	st := &src.sets[id]
	f.cats = f.cats.Union(st.sub)
	if tr != nil {
		tr.listed(src, st.sub, host[len(host)-n:], n < len(host))
	}
	if n == len(host) && !st.exact.Empty() {
		f.cats = f.cats.Union(st.exact)
		if tr != nil {
			tr.listed(src, st.exact, host, false)
		}
	}
	if st.pages {
		f.pages = true
	}
}

func (s *Snapshot) lookAddress(a *Ask, f *facts, tr *trace) bool {
	addr, err := netip.ParseAddr(a.Host)
	if err != nil || addr.Zone() != "" || addr != canon.Unwrap(addr) || addr.String() != a.Host {
		return false
	}
	f.address = addr
	f.private = canon.Private(addr) && !a.PrivateOpen
	f.placed = len(s.places.ranges) > 0
	for i := range s.sources {
		src := &s.sources[i]
		if !src.ranges {
			continue
		}
		src.segment.FindAddress(addr, func(id uint32, in netip.Prefix) {
			if src.weighed != nil {
				f.weighed = true
				return
			}
			if int(id) < len(src.sets) {
				f.cats = f.cats.Union(src.sets[id].sub)
				if tr != nil {
					tr.listed(src, src.sets[id].sub, in.String(), in.Bits() < addr.BitLen())
				}
			}
		})
	}
	// An address may be the host of listed pages; those are filed by text.
	if addr.Is4() && !s.lookName(a.Host, f, tr) {
		return false
	}
	if f.pages || f.placed || len(s.patterns) > 0 || s.weighPatterns || len(s.licensed) > 0 && a.Path != "" {
		s.lookPages(a, f, tr)
	}
	if f.weighed || s.weighPatterns {
		s.weighSources(a.Host, f, tr)
	}
	if len(s.licensed) > 0 {
		s.lookLicensed(a.Host, f, tr)
	}
	return true
}

// lookPages takes in what depends on the path, or on the whole URL.
func (s *Snapshot) lookPages(a *Ask, f *facts, tr *trace) {
	if a.Path != "" {
		f.path = string(canon.Path(nil, a.Path))
		if again, differs := canon.PathAgain(nil, f.path); differs {
			f.again = string(again)
		}
	}
	if f.pages && f.path != "" {
		s.listedPages(a.Host, f.path, f, tr)
		if f.again != "" {
			s.listedPages(a.Host, f.again, f, tr)
		}
	}
	if len(s.patterns) > 0 {
		s.matchPatterns(a.Host, f.path, f, tr)
		if f.again != "" {
			s.matchPatterns(a.Host, f.again, f, tr)
		}
	}
	if s.images >= 0 && (imageSearch(a.Host, f.path) || f.again != "" && imageSearch(a.Host, f.again)) {
		f.cats.Add(uint8(s.images))
		tr.note("image-search", "a search for pictures", uint8(s.images), a.Host)
	}
}

// listedPages asks for every beginning of the path under every suffix of the
// host. No listed path is longer than maxPath, so no longer one is asked for.
func (s *Snapshot) listedPages(host, path string, f *facts, tr *trace) {
	var b segment.Batch
	for ok := b.Begin(host); ok; ok = b.More() && b.Next(host) {
		for i := range b.N {
			trail := b.Trail(i, path)
			for {
				key, n, more := trail.Next()
				if !more || n > s.maxPath {
					break
				}
				s.listedPage(key, host[len(host)-int(b.Len[i]):], path[:n], f, tr)
			}
		}
	}
}

func (s *Snapshot) listedPage(key uint64, host, page string, f *facts, tr *trace) {
	for i := range s.sources {
		src := &s.sources[i]
		if src.maxPath == 0 || src.weighed != nil {
			continue
		}
		if id := s.tables[i].Find(key); id != 0 && int(id) < len(src.sets) {
			f.cats = f.cats.Union(src.sets[id].sub)
			if tr != nil {
				tr.listed(src, src.sets[id].sub, host+page, false)
			}
		}
	}
}

// matchPatterns matches the lists' expressions against the URL as lists mean
// it, or the host alone. Where no path is seen, it is the URL of the front
// page.
func (s *Snapshot) matchPatterns(host, path string, f *facts, tr *trace) {
	url := listedURL(host, path)
	for i := range s.patterns {
		p := &s.patterns[i]
		if (tr != nil || !f.cats.Has(p.category)) && p.Pattern.MatchString(pick(p.Host, host, url)) {
			f.cats.Add(p.category)
			if tr != nil {
				tr.expression(&s.sources[p.source], p.category, p.Pattern.String())
			}
		}
	}
}

// listedURL is an address as the expressions of lists mean it.
func listedURL(host, path string) string {
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	if path == "" {
		path = "/"
	}
	return "http://" + host + path
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// imageSearch knows the picture searches of the large engines by their
// addresses, in canonical form.
func imageSearch(host, path string) bool {
	page, query, _ := strings.Cut(path, "?")
	has := func(parameter string) bool {
		for p := range strings.SplitSeq(query, "&") {
			if p == parameter {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasPrefix(host, "images.google.") || host == "images.search.yahoo.com" || host == "image.baidu.com":
		return true
	case strings.HasPrefix(host, "www.google.") || strings.HasPrefix(host, "google."):
		return page == "/imghp" || page == "/imgres" || page == "/search" && (has("tbm=isch") || has("udm=2"))
	case host == "duckduckgo.com" || strings.HasSuffix(host, ".duckduckgo.com"):
		return has("ia=images") || has("iax=images") || page == "/i.js"
	case host == "www.qwant.com" || host == "api.qwant.com":
		return has("t=images") || page == "/v3/search/images"
	case below(host, "startpage.com"):
		return has("cat=pics") || has("cat=images")
	case strings.HasPrefix(host, "yandex.") || strings.HasPrefix(host, "www.yandex."):
		return imagePages(page)
	}
	for _, engine := range [...]string{"bing.com", "ecosia.org", "search.brave.com", "yandex.com", "yandex.ru", "ya.ru"} {
		if below(host, engine) {
			return imagePages(page)
		}
	}
	return false
}

func imagePages(page string) bool {
	return page == "/images" || strings.HasPrefix(page, "/images/")
}
