package lists

import (
	"fmt"
	"strings"
)

// conf is what a squidGuard.conf says, as far as it can be taken over.
type conf struct {
	dests []confDest
	srcs  []confSrc
	times map[string][]string
	acls  []confACL
	fault string
}

type confDest struct {
	name  string
	lists []confList
}

type confList struct {
	role role
	path string
}

type confSrc struct {
	name  string
	knows []string
}

type confACL struct {
	src, when string // when is "", "within x" or "outside x"
	pass      []string
}

// Bounds of what one file can say.
const (
	maxConfBlocks = 2000
	maxConfWords  = 200
)

// confLine gathers a squidGuard.conf that was given alone.
func (f *file) confLine(line string) error {
	f.rep.Skipped++
	if len(f.table.text)+len(line) < maxConf {
		f.table.text += line + "\n"
	}
	return nil
}

// parseConf reads a squidGuard.conf. What it does not know it leaves out.
func parseConf(text string) *conf {
	c := &conf{times: map[string][]string{}}
	p := confParser{c: c}
	for line := range strings.Lines(text) {
		if i := strings.IndexByte(line, '#'); i >= 0 {
			line = line[:i]
		}
		p.line(strings.Fields(strings.NewReplacer("{", " { ", "}", " } ").Replace(line)))
		if len(c.dests)+len(c.srcs)+len(c.acls) > maxConfBlocks {
			c.fault = "it has more parts than are read"
			break
		}
	}
	return c
}

// confParser is where in the blocks the reading is.
type confParser struct {
	c     *conf
	block []string // the heads of the open blocks
	last  string   // the head of the block closed last, for "else"
}

func (p *confParser) line(words []string) {
	var at []string
	for _, w := range words {
		switch w {
		case "{":
			p.open(at)
			at = nil
		case "}":
			p.statement(at)
			at = nil
			if n := len(p.block); n > 0 {
				p.last, p.block = p.block[n-1], p.block[:n-1]
			}
		default:
			at = append(at, w)
		}
	}
	p.statement(at)
}

func (p *confParser) open(head []string) {
	if len(p.block) > 8 {
		return
	}
	p.block = append(p.block, strings.Join(head, " "))
	switch {
	case len(head) >= 2 && (head[0] == "dest" || head[0] == "destination"):
		p.c.dests = append(p.c.dests, confDest{name: strings.ToLower(head[1])})
	case len(head) >= 2 && (head[0] == "src" || head[0] == "source"):
		p.c.srcs = append(p.c.srcs, confSrc{name: head[1]})
	case len(p.block) == 2 && p.block[0] == "acl":
		p.openACL(head)
	}
}

func (p *confParser) openACL(head []string) {
	if len(head) == 0 {
		head = []string{"default"}
	}
	a := confACL{src: head[0]}
	if len(head) >= 3 && (head[1] == "within" || head[1] == "outside") {
		a.when = head[1] + " " + head[2]
	}
	if head[0] == "else" && len(p.c.acls) > 0 {
		before := p.c.acls[len(p.c.acls)-1]
		a.src = before.src
		if rest, ok := strings.CutPrefix(before.when, "within "); ok {
			a.when = "outside " + rest
		} else if rest, ok := strings.CutPrefix(before.when, "outside "); ok {
			a.when = "within " + rest
		}
	}
	p.c.acls = append(p.c.acls, a)
}

// statement is one line inside a block.
func (p *confParser) statement(w []string) {
	if len(w) < 2 || len(w) > maxConfWords || len(p.block) == 0 {
		return
	}
	c, kind := p.c, strings.Fields(p.block[0]+" ")
	switch {
	case len(kind) == 2 && strings.HasPrefix(kind[0], "dest") && len(c.dests) > 0:
		d := &c.dests[len(c.dests)-1]
		if r, ok := map[string]role{"domainlist": roleDomains, "urllist": roleURLs, "expressionlist": roleExpressions}[w[0]]; ok {
			d.lists = append(d.lists, confList{r, w[1]})
		}
	case len(kind) == 2 && (kind[0] == "src" || kind[0] == "source") && len(c.srcs) > 0:
		s := &c.srcs[len(c.srcs)-1]
		switch w[0] {
		case "ip", "user", "domain", "userlist", "iplist":
			s.knows = append(s.knows, strings.Join(w[1:], " "))
		}
	case len(kind) == 2 && kind[0] == "time":
		c.times[kind[1]] = append(c.times[kind[1]], timeWords(w))
	case p.block[0] == "acl" && len(p.block) == 2 && w[0] == "pass" && len(c.acls) > 0:
		c.acls[len(c.acls)-1].pass = w[1:]
	}
}

// timeWords says "weekly mtwhf 08:00-12:00" in words; h is Thursday there and
// a is Saturday.
func timeWords(w []string) string {
	names := map[rune]string{'s': "Sunday", 'm': "Monday", 't': "Tuesday", 'w': "Wednesday", 'h': "Thursday", 'f': "Friday", 'a': "Saturday"}
	if w[0] != "weekly" || strings.Trim(w[1], "smtwhfa") != "" {
		return strings.Join(w, " ")
	}
	var days []string
	for _, d := range w[1] {
		days = append(days, names[d])
	}
	return strings.Join(days, ", ") + " " + strings.Join(w[2:], " ")
}

// tell says in sentences what the file decides and how to decide the same
// here.
func (c *conf) tell(most int) []string {
	var out []string
	say := func(format string, args ...any) {
		if len(out) < most {
			out = append(out, printableLong(fmt.Sprintf(format, args...)))
		}
	}
	if c.fault != "" {
		say("squidGuard.conf was read in part: %s.", c.fault)
	}
	for _, s := range c.srcs {
		say("squidGuard.conf knows the group %s by %s. Enter such devices with their group on the page of devices.", s.name, firstWord(strings.Join(s.knows, ", "), "nothing"))
	}
	for _, a := range c.acls {
		say("%s", a.says(c))
	}
	return out
}

// says is one rule: of the words of pass, the first that fits decides.
func (a confACL) says(c *conf) string {
	var closed, open []string
	rest := "everything else is closed"
	for _, w := range a.pass {
		name, not := strings.CutPrefix(strings.TrimSuffix(w, ","), "!")
		switch {
		case name == "all" || name == "any":
			rest = "everything else is open"
		case name == "none":
		case name == "in-addr" && not:
			closed = append(closed, "addresses of numbers")
			continue
		case not:
			closed = append(closed, name)
			continue
		default:
			open = append(open, name)
			continue
		}
		break
	}
	who := "For " + a.src
	if a.src == "default" {
		who = "For everybody else"
	}
	if kind, name, ok := strings.Cut(a.when, " "); ok {
		who += ", " + kind + " " + firstWord(strings.Join(c.times[name], " and "), name) + ","
	}
	says := who + " squidGuard.conf says: "
	if len(closed) > 0 {
		says += strings.Join(closed, ", ") + " closed, "
	}
	if len(open) > 0 {
		says += strings.Join(open, ", ") + " open even so, "
	}
	says += rest + "."
	if len(closed) > 0 {
		says += " Close these categories for the group that is meant."
	}
	return says
}

// printableLong is printable for a sentence.
func printableLong(s string) string {
	const most = 600
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
