package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// alwaysSpliced is a kind of site whose encryption is never ended, whatever is
// decided: updates check who they talk to, and stop.
const alwaysSpliced = "software-updates"

// mostNever bounds the single sites that are never looked into.
const mostNever = 500

// contentOf is how the messages of a group are looked at. The scope names the
// group and, for a group made for one, the key stage.
func (m *maker) contentOf(at setting.Scope) *verdict.Content {
	v, staff := m.v, at.Group == GroupStaff
	c := &verdict.Content{Files: map[string]verdict.Action{}, TooLarge: verdict.Allow, Chat: slices.Contains(v.Items(keyChat), at.Group)}
	switch v.Choice(keyInspect, at) {
	case "on":
		c.Inspect = true
	case "listed":
		c.Inspect, c.InspectOnly = true, slices.Clone(v.Items(keyInspectOnly))
		if len(c.InspectOnly) == 0 {
			c.Inspect = false // nothing is listed, which is not everything
		}
	}
	limit, files := v.Get(keyPages, at), v.Items(keyFiles, at)
	if staff {
		limit, files = v.Get(keyStaffPages), v.Items(keyStaffFiles)
	}
	c.Phrases = int(limit.Number)
	for _, kind := range files {
		c.Files[kind] = verdict.Block
	}
	c.MaxScan = v.Get(keyScanMax).Number << 20
	if c.Viruses = virusWord(v.Choice(keyViruses, at), m.scanner); c.Viruses != "" && v.Choice(keyTooLarge, at) == "closed" {
		c.TooLarge = verdict.Block
	}
	return c
}

// virusWord is what the rules say of scanning. Before a scanner has been set
// up there is nothing that could be away, and pages say that nothing is
// scanned; only a school that requires it keeps everything out until then.
func virusWord(choice string, scanner bool) string {
	switch {
	case choice == "required":
		return "closed"
	case choice == "off" || !scanner:
		return ""
	}
	return choice
}

// sameContent reports whether two groups' messages are looked at alike.
func sameContent(a, b *verdict.Content) bool {
	if a.Inspect != b.Inspect || a.Phrases != b.Phrases || a.Viruses != b.Viruses || a.MaxScan != b.MaxScan ||
		a.TooLarge != b.TooLarge || a.Chat != b.Chat || len(a.Files) != len(b.Files) || !slices.Equal(a.InspectOnly, b.InspectOnly) {
		return false
	}
	for k, act := range a.Files {
		if b.Files[k] != act {
			return false
		}
	}
	return true
}

// addsTo reports whether somebody not known would be held to anything more if
// a's rules of content were among the strictest besides b's. Looking inside is
// no stricter rule: it needs a certificate on a device that is known.
func addsTo(a, b *verdict.Content) bool {
	if a.Phrases > 0 && (b.Phrases == 0 || a.Phrases < b.Phrases) || a.Chat && !b.Chat {
		return true
	}
	for k := range a.Files {
		if _, closed := b.Files[k]; !closed {
			return true
		}
	}
	return false
}

// stage makes the group of a key stage where its pupils are treated otherwise
// than the rest, in sites on no list or in what is looked at inside.
func (m *maker) stage(stage people.KeyStage, whole setting.Value, base *verdict.Content) {
	at := setting.Scope{Group: GroupPupils, KeyStage: scopeStage(stage)}
	v := m.v.Get(keyUnlisted, setting.Scope{KeyStage: scopeStage(stage)})
	content := m.contentOf(at)
	unlisted := v.Choice != whole.Choice
	if !unlisted && sameContent(content, base) {
		return
	}
	g := m.group(GroupPupils, stageGroup(stage))
	g.Title, g.Content = "Pupils, "+string(stage), content
	g.UnlistedClosed, g.UnlistedClause = v.Choice == "previewed-only", v.Clause
	// A device at which nobody has signed in is not held to what was opened
	// for the youngest alone, or it would be of no use to anybody else. Nor
	// does a group that is looser in everything add to the strictest.
	g.KnownOnly = unlisted || !addsTo(content, base)
	m.rules.Groups = append(m.rules.Groups, g)
	m.members[GroupPupils] = append(m.members[GroupPupils], g.Slug)
}

// splice says whose encryption is never ended, for anybody.
func (m *maker) splice() error {
	never := m.v.Get(keyInspectHosts)
	hosts, err := hostList(never.Text)
	if err != nil {
		return &Refused{Words: "The sites that are never looked into: " + err.Error() + ".", Clause: never.Clause}
	}
	hosts = slices.Concat(hosts, m.stock.pinned, m.stock.essentials)
	for _, l := range m.st.left {
		hosts = append(hosts, l.Host)
	}
	slices.Sort(hosts)
	m.rules.Splice = verdict.Splice{Hosts: slices.Compact(hosts), Categories: without(append(slices.Clone(m.v.Items(keyInspectNever)), alwaysSpliced), nil)}
	return nil
}

// hostList reads names of sites with commas or spaces between them.
func hostList(text string) ([]string, error) {
	var out []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		if word == "and" {
			continue
		}
		host, err := oneHost(word)
		if err != nil {
			return nil, err
		}
		out = append(out, host)
	}
	if len(out) > mostNever {
		return nil, fmt.Errorf("%d sites are too many; write at most %d", len(out), mostNever)
	}
	return out, nil
}

// inspects reports whether the values have the filter look inside encrypted
// sites for anybody, and for whom.
func inspects(v *setting.Values) []string {
	var out []string
	for _, g := range Groups() {
		on := v.Choice(keyInspect, setting.Scope{Group: g}) != "off"
		if g == GroupPupils {
			for _, stage := range people.KeyStages {
				on = on || v.Choice(keyInspect, setting.Scope{Group: g, KeyStage: scopeStage(stage)}) != "off"
			}
		}
		if on {
			out = append(out, g)
		}
	}
	return out
}
