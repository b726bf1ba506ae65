package lists

import (
	"path"
	"sort"
	"strings"
)

const maxIgnored = 100

// role is what a file of a tree holds.
type role uint8

const (
	roleList role = iota // a list of its own format
	roleDomains
	roleURLs
	roleExpressions
	roleUsage
	// What e2guardian's item lists hold; those from roleItems on.
	roleItems
	roleItemPages
	roleItemExpressions
	roleItemEndings
	roleItemTypes
	roleItemOpens
	roleItemOther
)

type job struct {
	role     role
	category string
	diff     bool     // a file of changes: + and - before each entry
	hours    []string // it is included by a list that holds at these times
}

// plan says what to read of a source, and as what.
type plan struct {
	format  Format // FormatUT1, or FormatAuto for files that are looked at one by one
	jobs    map[string]job
	aliases map[string]string
	ignored []string
}

func (p *plan) wanted(name string) bool {
	_, ok := p.jobs[name]
	return ok
}

func (p *plan) ignore(name string) {
	if len(p.ignored) < maxIgnored {
		p.ignored = append(p.ignored, name)
	}
}

func makePlan(members []member, source string, opt Options, seen *ahead) (*plan, error) {
	p := &plan{format: opt.Format, jobs: map[string]job{}, aliases: map[string]string{}}
	if seen.items || opt.Format == FormatE2 {
		return planItems(members, source, seen)
	}
	if opt.Format == FormatAuto && !only(members) || opt.Format == FormatUT1 {
		tree := planTree(members, source)
		if seen.conf {
			tree = seen.place(tree, members)
		}
		if tree != nil {
			return tree, tree.setCategory(opt.Category, source)
		}
		if opt.Format == FormatUT1 {
			return nil, &Refusal{File: source, Reason: "this is no UT1 tree: there is no folder with a file named domains, urls or expressions"}
		}
	}
	for _, m := range members {
		if m.link != "" || notAList(m.name) {
			p.ignore(m.name)
			continue
		}
		j := job{role: roleList, category: listCategory(m.name, opt.Category)}
		if r, ok := treeRole(path.Base(m.name)); ok && r == roleExpressions && opt.Format == FormatAuto {
			j.role = r // of squidGuard's, given alone
		}
		p.jobs[m.name] = j
	}
	if len(p.jobs) == 0 {
		return nil, &Refusal{File: source, Reason: "there is no list in it"}
	}
	return p, nil
}

// planItems plans the item lists of e2guardian: those known by name and what
// they include.
func planItems(members []member, source string, seen *ahead) (*plan, error) {
	p := &plan{format: FormatE2, jobs: map[string]job{}, aliases: map[string]string{}}
	for _, m := range members {
		j, ok := seen.jobs[m.name]
		if !ok {
			p.ignore(m.name)
			continue
		}
		p.jobs[m.name] = j
	}
	if len(p.jobs) == 0 {
		return nil, &Refusal{File: source, Reason: "there is no list of e2guardian's in it, such as bannedsitelist"}
	}
	return p, nil
}

// place adds to a tree what its squidGuard.conf names.
func (a *ahead) place(tree *plan, members []member) *plan {
	if tree == nil && len(a.jobs) > 0 {
		tree = &plan{format: FormatUT1, jobs: map[string]job{}, aliases: map[string]string{}}
	}
	for _, m := range members {
		if j, ok := a.jobs[m.name]; ok {
			if _, planned := tree.jobs[m.name]; !planned {
				tree.jobs[m.name] = j
			}
		}
	}
	return tree
}

// only reports a single file that was named itself. Called "domains", it is
// still a plain list, unless UT1 is asked for.
func only(members []member) bool { return len(members) == 1 && members[0].only }

// setCategory renames the only category of a tree to what was asked for.
func (p *plan) setCategory(asked, source string) error {
	if asked == "" {
		return nil
	}
	own := map[string]bool{}
	for _, j := range p.jobs {
		own[j.category] = true
	}
	if len(own) > 1 {
		return &Refusal{File: source, Reason: "the tree holds several categories of its own; leave the category out"}
	}
	for name, j := range p.jobs {
		j.category = asked
		p.jobs[name] = j
	}
	for alias := range p.aliases {
		p.aliases[alias] = asked
	}
	return nil
}

// listCategory names a single list after its file: "Gambling.hosts.gz" is
// gambling.
func listCategory(name, asked string) string {
	if asked != "" {
		return asked
	}
	base := strings.ToLower(path.Base(name))
	for {
		ext := path.Ext(base)
		switch ext {
		case ".gz", ".txt", ".list", ".lst", ".hosts", ".domains", ".conf", ".csv", ".tar", ".tgz", ".bz2", ".tbz2", ".zst", ".zip", ".xz", ".txz", ".7z", ".zone", ".rpz", ".yaml", ".yml", ".jsonl", ".json", ".tsv":
			base = strings.TrimSuffix(base, ext)
			continue
		}
		return base
	}
}

// notAList knows the files that lie beside lists.
func notAList(name string) bool {
	base := strings.ToLower(path.Base(name))
	if strings.HasPrefix(base, ".") {
		return true
	}
	for _, word := range []string{"readme", "license", "licence", "copying", "changelog", "index.", "aliases."} {
		if strings.HasPrefix(base, word) {
			return true
		}
	}
	switch path.Ext(base) {
	case ".md", ".html", ".md5", ".sha256", ".sig", ".asc":
		return true
	}
	return false
}

// treeRole knows the files of a UT1 or squidGuard category, gzipped or split
// into numbered parts. very_restrictive_expression is left out on purpose: UT1
// means it for those who would rather block too much, and it does.
func treeRole(base string) (role, bool) {
	base = strings.TrimSuffix(bare(base), ".diff")
	if name, part, ok := strings.Cut(base, "."); ok && part != "" && strings.Trim(part, "0123456789") == "" {
		base = name
	}
	switch base {
	case "domains":
		return roleDomains, true
	case "urls":
		return roleURLs, true
	case "expressions", "expression":
		return roleExpressions, true
	case "usage":
		return roleUsage, true
	}
	return 0, false
}

// planTree plans a UT1 tree, or gives nil when the members are none.
func planTree(members []member, source string) *plan {
	p := &plan{format: FormatUT1, jobs: map[string]job{}, aliases: map[string]string{}}
	dirs := map[string]bool{}
	for _, m := range members {
		r, ok := treeRole(path.Base(m.name))
		if ok && m.link == "" && r != roleUsage {
			dirs[path.Dir(m.name)] = true
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	root := treeRoot(dirs)
	category := func(dir string) string {
		if dir == "." {
			return listCategory(source, "")
		}
		return strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(dir, root), "/"))
	}
	targets := map[string]bool{}
	for d := range dirs {
		targets[d] = true
	}
	for _, m := range members {
		targets[m.name] = true // an alias may name another alias
	}
	for _, m := range members {
		p.place(m, dirs, targets, category)
	}
	p.followAliases()
	return p
}

func (p *plan) place(m member, dirs, targets map[string]bool, category func(string) string) {
	dir := path.Dir(m.name)
	r, ok := treeRole(path.Base(m.name))
	switch {
	case m.link == "" && ok && dirs[dir]:
		p.jobs[m.name] = job{role: r, category: category(dir), diff: strings.HasSuffix(bare(m.name), ".diff")}
	case m.link != "" && dirs[dir] && ok:
		// A link to a single file: its folder is a category of its own already.
		p.ignore(m.name)
	case m.link != "" && m.link != "!":
		p.aliases[category(m.name)] = category(m.link)
	case m.link == "" && targets[path.Join(dir, aliasWord(m.head))]:
		p.aliases[category(m.name)] = category(path.Join(dir, aliasWord(m.head)))
	case path.Base(m.name) == "global_usage":
	default:
		p.ignore(m.name)
	}
}

// aliasWord is the content of a file that holds one word and nothing else.
func aliasWord(head string) string {
	words := strings.Fields(head)
	if len(words) != 1 || strings.ContainsAny(words[0], `/\`) || words[0] == "." || words[0] == ".." {
		return "\x00"
	}
	return words[0]
}

// followAliases resolves aliases of aliases and drops those that lead nowhere
// or round in a circle.
func (p *plan) followAliases() {
	known := map[string]bool{}
	for _, j := range p.jobs {
		known[j.category] = true
	}
	resolved := map[string]string{}
	for name, target := range p.aliases {
		for hops := 0; hops < maxDepth && !known[target]; hops++ {
			target = p.aliases[target]
		}
		if !known[target] || known[name] {
			p.ignore(name)
			continue
		}
		resolved[name] = target
	}
	p.aliases = resolved
	sort.Strings(p.ignored)
}

// treeRoot is the folder that all category folders lie in.
func treeRoot(dirs map[string]bool) string {
	var list []string
	for d := range dirs {
		list = append(list, d)
	}
	sort.Strings(list)
	root := path.Dir(list[0])
	for _, d := range list {
		for root != "." && !strings.HasPrefix(d, root+"/") {
			root = path.Dir(root)
		}
	}
	if root == "." {
		return ""
	}
	return root
}
