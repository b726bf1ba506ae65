package verdict

import (
	"net/netip"
	"runtime"
	"strings"

	"belisha/internal/verdict/segment"
)

// touch notes that a weighed source has something to say of the names in b.
func (s *source) touch(b *segment.Batch, f *facts) {
	for _, id := range b.Sets[:b.N] {
		if id != 0 {
			f.weighed = true
			f.pages = f.pages || int(id) < len(s.sets) && s.sets[id].pages
		}
	}
}

// weighing is what one source that excepts some of what it lists says of one
// ask. An exception takes a name out of what this list puts it in, and never
// out of what another list does.
type weighing struct {
	src     *source
	in, out CategorySet // listed and excepted
	firm    CategorySet // listed, and no exception but a firm one lifts it
	firmOut CategorySet
	// What entries say that leave some names alone, and which of those have
	// the last word.
	scoped, firmScoped CategorySet

	tr       *trace
	excepted string // by what, for the trace
}

// weighSources adds what the weighed sources say of a host, and of the path
// that f has.
func (s *Snapshot) weighSources(host string, f *facts, tr *trace) {
	for i := range s.sources {
		src := &s.sources[i]
		if src.weighed == nil {
			continue
		}
		w := weighing{src: src, tr: tr}
		if f.address.IsValid() {
			src.segment.FindAddress(f.address, func(id uint32, in netip.Prefix) {
				w.take(id, false, in.String())
			})
		}
		s.weighName(&w, i, host, f)
		for _, path := range [2]string{f.path, f.again} {
			if path == "" && len(src.weighed.patterns) > 0 && f.path == "" && f.again == "" {
				path = "/"
			}
			if path != "" {
				w.match(host, path)
			}
		}
		f.cats = f.cats.Union(w.sum())
		w.tell()
	}
	runtime.KeepAlive(s)
}

// weighName takes in names from the shortest to the whole host, so that a
// nearer exception finds what shorter names put in; then listed pages.
func (s *Snapshot) weighName(w *weighing, i int, host string, f *facts) {
	if strings.IndexByte(host, ':') >= 0 {
		return
	}
	var b segment.Batch
	for ok := b.Begin(host); ok; ok = b.More() && b.Next(host) {
		s.tables[i].Look(&b)
		for k := range b.N {
			if b.Sets[k] != 0 {
				n := int(b.Len[k])
				w.take(uint32(b.Sets[k]), n == len(host), host[len(host)-n:])
			}
		}
	}
	if w.src.maxPath == 0 || f.path == "" {
		return
	}
	for ok := b.Begin(host); ok; ok = b.More() && b.Next(host) {
		for k := range b.N {
			for _, path := range [2]string{f.path, f.again} {
				w.pages(&s.tables[i], b.Trail(k, path), host[len(host)-int(b.Len[k]):], path)
			}
		}
	}
}

func (w *weighing) pages(t *segment.Table, trail segment.Trail, host, path string) {
	for {
		key, n, more := trail.Next()
		if !more || n > w.src.maxPath {
			return
		}
		if id := t.Find(key); id != 0 {
			w.take(id, false, host+path[:n])
		}
	}
}

// take takes in one entry; whole says that it is of the host itself.
func (w *weighing) take(id uint32, whole bool, via string) {
	sets := w.src.segment.Sets()
	if int(id) >= len(sets) {
		return
	}
	st := &sets[id]
	var in CategorySet
	for i, p := range w.src.weighed.parts {
		listed := CategorySet(st.Sub).Has(uint8(i)) && !(whole && p.role&segment.Below != 0) || whole && CategorySet(st.Exact).Has(uint8(i))
		if !listed {
			continue
		}
		if p.role&(segment.Except|segment.Important|segment.Scoped) == 0 {
			in.Add(p.category) // after the near exceptions of the same name
			w.listed(p.category, via)
			continue
		}
		w.role(p, via)
	}
	w.in = w.in.Union(in)
}

func (w *weighing) role(p part, via string) {
	var one CategorySet
	one.Add(p.category)
	switch {
	case p.role&segment.Except == 0 && p.role&segment.Scoped != 0:
		if p.role&segment.Important != 0 {
			w.firmScoped = w.firmScoped.Union(one)
		} else {
			w.scoped = w.scoped.Union(one)
		}
		w.listed(p.category, via)
		return
	case p.role&segment.Except == 0:
		w.firm = w.firm.Union(one)
		w.listed(p.category, via)
		return
	case p.role&segment.Scoped != 0:
		w.scoped, w.firmScoped = w.scoped.without(one), w.firmScoped.without(one)
	case p.role&segment.Near != 0:
		w.in = w.in.without(one)
	case p.role&segment.Important != 0:
		w.firmOut = w.firmOut.Union(one)
	default:
		w.out = w.out.Union(one)
	}
	w.excepted = via
}

func (w *weighing) match(host, path string) {
	if len(w.src.weighed.patterns) == 0 {
		return
	}
	url := listedURL(host, path)
	for _, e := range w.src.weighed.patterns {
		if !e.Pattern.MatchString(pick(e.Host, host, url)) {
			continue
		}
		p := w.src.weighed.parts[e.Category]
		if p.role&(segment.Except|segment.Important) == 0 {
			w.in.Add(p.category)
			w.listed(p.category, e.Pattern.String())
			continue
		}
		w.role(p, e.Pattern.String())
	}
}

func (w *weighing) sum() CategorySet {
	return w.in.Union(w.scoped).without(w.out).Union(w.firm).Union(w.firmScoped).without(w.firmOut)
}

func (w *weighing) listed(category uint8, via string) {
	if w.tr == nil {
		return
	}
	var one CategorySet
	one.Add(category)
	w.tr.listed(w.src, one, via, false)
}

// tell says in the explanation that the list lifted something again.
func (w *weighing) tell() {
	if w.tr == nil || w.excepted == "" {
		return
	}
	w.tr.steps = append(w.tr.steps, Step{What: "excepted", Source: w.src.slug, Via: w.excepted, Says: "The list " + w.src.name() + " excepts " + w.excepted + " from what it lists."})
}

// without returns the categories that are in s and not in o.
func (s CategorySet) without(o CategorySet) CategorySet {
	return CategorySet{s[0] &^ o[0], s[1] &^ o[1], s[2] &^ o[2], s[3] &^ o[3]}
}
