package web

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/words"
)

// MenuLink is one entry of the menu as shown.
type MenuLink struct {
	Title, Path string
	Icon        Icon
	Current     bool
	// Entries are those of an area; an area of one has none.
	Entries []MenuLink
}

// Frame is what the layout shows around a page. Render fills it; a room
// leaves it alone.
type Frame struct {
	School    string
	Reader    string // who is signed in
	SignedIn  bool
	Bare      bool       // no "Sign in" link: the page is the one to sign in on
	Menu      []MenuLink // areas
	Submenu   MenuLink   // the one that the reader is in
	Light     Light
	Demo      bool
	Version   string
	Contact   string
	Help      []Turn
	Notice    string
	Banners   []Banner
	People    bool   // a people's page: big words, no menu
	Font      string // address of the font that is needed first
	Style     string // address of the style sheet
	Icon      string // address of the small picture in the browser's tab
	SignIn    string
	SignOut   string
	Lock      string
	Account   string
	Printed   string // when, for the foot of a printed page
	WindowBar string // the window's title
}

// Light is the beacon as shown: the picture and its sentence.
type Light struct {
	Show  bool
	Lit   bool
	Words string
	Short string // for narrow screens: "3 wait"
}

// frame fills what the layout shows.
func (c *Ctx) frame(b *Base) {
	s := c.site
	f := Frame{
		School: c.about.School, Demo: s.Demo, Version: s.Version, Contact: c.about.Contact,
		Help: c.about.Help, People: c.people,
		Font: AssetPath("latin-400.woff2"), Style: AssetPath("belisha.css"), Icon: AssetPath("beacon.svg"),
		SignIn: s.SignIn, SignOut: s.SignOut, Account: s.Account, Lock: s.Lock,
		Printed: c.Words.Moment(c.Now()),
		Reader:  c.reader(), SignedIn: c.Actor.SignedIn(),
		Bare: c.R.URL.Path == s.SignIn, Notice: c.takeNotice(),
	}
	if b.OwnTurns {
		f.Help = nil
	}
	f.WindowBar = windowTitle(b, f.School)
	if !c.people && f.SignedIn {
		f.Menu = c.menu()
		f.Submenu = submenu(f.Menu)
		// Whoever can do nothing about a banner is not troubled with it.
		if a := c.Actor.Audience; a != actor.Pupil && a != actor.Parent && a != actor.Visitor {
			f.Banners = c.banners()
		}
		f.Light = c.light()
	}
	b.Frame = f
}

// reader is who is signed in, as the head of the page says it. A child's
// surname stands on no screen that others can see.
func (c *Ctx) reader() string {
	if c.Actor.Audience == actor.Pupil {
		first, _, _ := strings.Cut(c.Actor.Name, " ")
		return first
	}
	return c.Actor.Name
}

// windowTitle is "Error: Sign in, Ashdown Primary, Belisha".
func windowTitle(b *Base, school string) string {
	parts := []string{b.Title}
	if school != "" {
		parts = append(parts, school)
	}
	parts = append(parts, "Belisha")
	title := strings.Join(parts, " · ")
	if len(b.Errors.List) > 0 {
		return "Error: " + title
	}
	return title
}

// banners are the school's, with the link for those who may open it.
func (c *Ctx) banners() []Banner {
	out := slices.Clone(c.about.Banners)
	for i, b := range out {
		if b.Needs != "" && !allowed(c.Actor, b.Needs) {
			out[i].Link, out[i].Step = "", ""
		}
	}
	return out
}

// menu is what this actor may open, by area. The entry whose path is the
// longest beginning of the page's is the current one.
func (c *Ctx) menu() []MenuLink {
	var out []MenuLink
	at := map[string]int{}
	area, entry, length := -1, -1, 0
	for _, m := range c.site.menu {
		if !allowed(c.Actor, m.Needs) {
			continue
		}
		n, known := at[m.Area]
		if !known || m.Area == "" {
			n = len(out)
			at[m.Area] = n
			out = append(out, MenuLink{Title: m.Area, Path: m.Path, Icon: Icon{Name: m.Icon}})
		}
		out[n].Entries = append(out[n].Entries, MenuLink{Title: m.Title, Path: m.Path, Icon: Icon{Name: m.Icon}})
		if within(c.R.URL.Path, m.Path) && len(m.Path) > length {
			area, entry, length = n, len(out[n].Entries)-1, len(m.Path)
		}
	}
	if area >= 0 {
		out[area].Current = true
		out[area].Entries[entry].Current = true
	}
	for i, a := range out {
		a.lead()
		out[i] = a
		if len(a.Entries) == 1 { // an area of one is its entry
			out[i].Title, out[i].Entries = a.Entries[0].Title, nil
		}
	}
	return out
}

// lead puts the entry that gives an area its name first, so that the area
// leads there.
func (l *MenuLink) lead() {
	i := slices.IndexFunc(l.Entries, func(e MenuLink) bool { return e.Title == l.Title })
	if i < 0 {
		return
	}
	e := l.Entries[i]
	l.Entries = slices.Insert(slices.Delete(l.Entries, i, i+1), 0, e)
	l.Path, l.Icon = e.Path, e.Icon
}

// submenu is the entries of the area that the reader is in, under its title.
func submenu(menu []MenuLink) MenuLink {
	for _, a := range menu {
		if a.Current {
			return a
		}
	}
	return MenuLink{}
}

// within reports whether path is at or below root.
func within(path, root string) bool {
	if root == "/" {
		return path == "/"
	}
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// light asks what waits. When that cannot be known the globe is lit and says
// so: the page itself is still shown.
func (c *Ctx) light() Light {
	if c.site.Beacon == nil {
		return Light{Show: true, Lit: true, Words: "It is not known what waits for you.", Short: "Not known"}
	}
	b, err := c.site.Beacon(c.Context(), c.Actor)
	if err != nil {
		c.site.log(c, Problem{ID: "beacon"}, fmt.Errorf("asking what waits: %w", err))
		return Light{Show: true, Lit: true, Words: "It could not be found out what waits for you.", Short: "Not known"}
	}
	return b.light(c.Words)
}

// light puts the beacon into words.
func (b Beacon) light(w words.Words) Light {
	var parts []string
	if b.Waiting > 0 {
		parts = append(parts, words.Count(b.Waiting, "thing waits for you", "things wait for you"))
	}
	if b.NotKept > 0 {
		parts = append(parts, words.Count(b.NotKept, "promise is not being kept", "promises are not being kept"))
	}
	if b.Unknown > 0 {
		parts = append(parts, words.Count(b.Unknown, "is unknown", "are unknown"))
	}
	l := Light{Show: true, Lit: b.Lit()}
	switch {
	case len(parts) > 0:
		l.Words, l.Short = words.And(parts), parts[0]
	case b.Checked.IsZero():
		l.Words, l.Short = "Nothing has been checked yet", "Not checked"
	default:
		l.Words = "Nothing waits for you; last checked " + w.Stamp(b.Checked)
		l.Short = "Nothing waits, checked " + w.Stamp(b.Checked)
	}
	return l
}
