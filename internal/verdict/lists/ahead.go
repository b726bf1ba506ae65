package lists

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
)

// ahead is what must be known of a tree before it is read: what its
// squidGuard.conf says, and what its item lists include.
type ahead struct {
	told  []string
	jobs  map[string]job // by member
	items bool           // there are item lists of e2guardian
	conf  bool
}

// maxIncludes bounds how deep lists may include others.
const maxIncludes = 16

// maxConf bounds a squidGuard.conf.
const maxConf = 1 << 20

// lookAhead reads those files of a tree that say how others are to be read.
func lookAhead(ctx context.Context, src source, members []member, opt Options) (*ahead, error) {
	a := &ahead{jobs: map[string]job{}}
	switch opt.Format {
	case FormatAuto, FormatUT1, FormatE2:
	default:
		return a, nil
	}
	if err := a.readConf(ctx, src, members); err != nil {
		return nil, err
	}
	return a, a.findItems(ctx, src, members, opt)
}

func isConf(m member) bool {
	return !m.only && m.link == "" && strings.EqualFold(path.Base(m.name), "squidguard.conf")
}

func (a *ahead) readConf(ctx context.Context, src source, members []member) error {
	wanted := map[string]bool{}
	for _, m := range members {
		wanted[m.name] = isConf(m)
		a.conf = a.conf || isConf(m)
	}
	if !a.conf {
		return nil
	}
	return src.each(ctx, func(n string) bool { return wanted[n] }, func(name string, r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, maxConf+1))
		if err != nil {
			return err
		}
		if len(text) > maxConf {
			return &Refusal{File: name, Reason: "a squidGuard.conf is not so long; is it something else?"}
		}
		c := parseConf(string(text))
		a.told = append(a.told, c.tell(maxTold)...)
		for _, d := range c.dests {
			for _, l := range d.lists {
				if m := memberAt(members, path.Dir(name), l.path); m != "" {
					a.jobs[m] = job{role: l.role, category: d.name}
				} else if len(a.told) < maxTold {
					a.told = append(a.told, "squidGuard.conf reads "+printable([]byte(l.path))+" for "+d.name+", and that file is not here.")
				}
			}
		}
		return nil
	})
}

// memberAt finds the member that a path in a setting means: from the folder of
// the setting, or else by as much of its end as there is.
func memberAt(members []member, dir, name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	for _, cut := range []string{"__LISTDIR__", "@E2CONFDIR@"} {
		name = strings.TrimPrefix(name, cut)
	}
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	here := path.Join(dir, clean)
	for _, m := range members {
		if m.link == "" && bare(m.name) == here {
			return m.name
		}
	}
	for rest := clean; rest != "" && strings.Contains(clean, "/"); _, rest, _ = strings.Cut(rest, "/") {
		if !strings.Contains(rest, "/") {
			break // a bare file name could be any file
		}
		for _, m := range members {
			if b := bare(m.name); m.link == "" && (b == rest || strings.HasSuffix(b, "/"+rest)) {
				return m.name
			}
		}
	}
	return ""
}

// bare is a member's name without its packing.
func bare(name string) string {
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// findItems finds the item lists, and follows what they include.
func (a *ahead) findItems(ctx context.Context, src source, members []member, opt Options) error {
	next := map[string]job{}
	for _, m := range members {
		r, ok := itemRole(m.name)
		if !ok && opt.Format == FormatE2 && m.only {
			r, ok = roleItems, true
		}
		if ok && m.link == "" {
			next[m.name] = job{role: r, category: firstWord(opt.Category, "e2guardian")}
		}
	}
	a.items = len(next) > 0
	for depth := 0; len(next) > 0; depth++ {
		if depth > maxIncludes {
			return &Refusal{File: src.name(), Reason: "the lists include one another too deep"}
		}
		for name, j := range next {
			a.jobs[name] = j
		}
		found := map[string]job{}
		err := src.each(ctx, func(n string) bool { _, ok := next[n]; return ok }, func(name string, r io.Reader) error {
			return a.includes(name, r, members, found)
		})
		if err != nil {
			return err
		}
		next = found
	}
	return nil
}

// includes notes what one item list includes. A list that is included by one
// that holds at times holds at those times only.
func (a *ahead) includes(name string, r io.Reader, members []member, found map[string]job) error {
	by := a.jobs[name]
	if by.role == roleItemOther {
		return nil
	}
	l := newLines(name, r)
	hours := by.hours
	for {
		raw, _, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line := strings.TrimSpace(string(raw))
		if v, ok := strings.CutPrefix(line, "#time:"); ok {
			hours = append(hours[:len(hours):len(hours)], band(strings.Fields(v)))
		}
		rest, ok := strings.CutPrefix(line, ".Include<")
		if !ok {
			continue
		}
		target, _, _ := strings.Cut(rest, ">")
		m := memberAt(members, path.Dir(name), target)
		switch _, known := a.jobs[m]; {
		case m == "" && len(a.told) < maxTold:
			a.told = append(a.told, name+" includes "+printable([]byte(target))+", and that file is not here.")
		case m != "" && !known && len(found) < maxMembers:
			found[m] = job{role: by.role, category: by.category, hours: hours}
		}
	}
}
