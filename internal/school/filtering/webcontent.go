package filtering

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// MayInside is the page that says what is looked at and what is not.
const MayInside actor.Capability = "filtering.inside.read"

const pathContent = "/filter/content"

// mostSample bounds a file or a text that is tried out.
const (
	mostSample     = 8 << 20
	mostSampleText = 100_000
)

func (r *Room) contentRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathContent, Needs: MayInside, Do: r.contentPage},
		{Pattern: "POST " + pathContent, Needs: MayInside, Do: r.contentTry, Body: mostSample + 4*mostSampleText},
	}
}

type contentView struct {
	web.Base
	States []web.Panel
	Groups web.Table
	Weighs string
	Never  web.Summary
	// Troubles leads to the sites that could not be looked into.
	Troubles web.Link
	Path     string
	Fields   []web.Field
	Tried    bool
	Says     web.Panel
	Answer   web.Summary
}

var contentTemplate = web.NewPage[contentView](pages, "pages/content.html")

// contentPage says for each group what is seen inside, and what is not.
func (r *Room) contentPage(c *web.Ctx) error {
	v, err := r.contentView(c)
	if err != nil {
		return err
	}
	return contentTemplate.Render(c, v)
}

func (r *Room) contentView(c *web.Ctx) (contentView, error) {
	values := r.d.Live.Current()
	v := contentView{
		Base: web.Base{Title: "What is looked at", Wide: true, Lead: "What the filter sees besides the names of sites, for each group, and what it does not see.", Crumbs: home},
		Path: pathContent, Fields: sampleFields(),
	}
	if !c.May(MayRead) {
		v.Crumbs = nil
	}
	in, err := r.inside(c.Context())
	if err != nil {
		return v, err
	}
	v.States = r.insideStates(values, in)
	var groups []web.Summary
	for _, g := range Groups() {
		groups = append(groups, r.insideSummary(values, groupTitle[g], setting.Scope{Group: g}))
		if g == GroupPupils {
			groups = append(groups, r.stageSummaries(values)...)
		}
	}
	v.Groups = sideBySide("What is looked at, by group", groups)
	v.Weighs = "Each phrase of a page has a weight. Words that tell of health, teaching or help weigh against it."
	v.Never, v.Troubles = r.neverSummary(values), r.troubleLink(c, in)
	return v, nil
}

func (r *Room) inside(ctx context.Context) (Inside, error) {
	if r.d.Inside == nil {
		return Inside{Scanner: r.scanner()}, nil
	}
	in, err := r.d.Inside(ctx)
	if err != nil {
		return in, fmt.Errorf("asking the filter how it looks inside: %w", err)
	}
	return in, nil
}

// insideStates are what is so at the moment, the worst first.
func (r *Room) insideStates(v *setting.Values, in Inside) []web.Panel {
	var out []web.Panel
	switch {
	case !in.Known:
		out = append(out, web.Panel{Tone: "warn", Title: "The filter does not answer", Words: "So nobody can say whether the scanner can be reached. What stands below is what has been decided."})
	case !in.Scanner:
		out = append(out, web.Panel{Tone: "bad", Title: "Nothing is scanned for viruses", Words: "No virus scanner has been set up. Whoever looks after the machine installs ClamAV and names its address in the section clamd of the configuration."})
	case in.Away != "":
		out = append(out, web.Panel{Tone: "bad", Title: "The virus scanner is away", Words: in.Away})
	default:
		out = append(out, web.Panel{Tone: "good", Title: "The virus scanner answers", Words: "Files are scanned wherever the filter sees them."})
	}
	if in.Known && in.Phrases == 0 {
		out = append(out, web.Panel{Tone: "warn", Title: "Pages are not weighed", Words: "No phrases are loaded, so every page weighs nothing."})
	}
	seen := inspects(v)
	if len(seen) == 0 {
		return append(out, web.Panel{Tone: "note", Title: "Nothing inside encrypted sites is seen", Words: "Nearly every site is encrypted. Of those the filter sees the name alone: no page, no file, no search words, no picture search, and nothing that is written there. Safe search and the restricted mode of video sites hold all the same, and so does every rule about names."})
	}
	if in.Known && in.Certificate == "" {
		out = append(out, web.Panel{Tone: "bad", Title: "There is no school certificate", Words: "So nothing can be looked into, whatever is decided."})
	}
	return append(out, web.Panel{
		Tone: "note", Title: "Encrypted sites are looked into for " + words.And(seen),
		Words: "It needs the school's certificate on the device. What is found is written down in a few words, such as the weight of a page; what a page says is never kept. It rests on the head's signed impact assessment.",
	})
}

// stageSummaries are the key stages that are looked at otherwise.
func (r *Room) stageSummaries(v *setting.Values) []web.Summary {
	m := &maker{v: v, scanner: r.scanner()}
	base := m.contentOf(setting.Scope{Group: GroupPupils})
	var out []web.Summary
	for _, stage := range people.KeyStages {
		at := setting.Scope{Group: GroupPupils, KeyStage: scopeStage(stage)}
		if !sameContent(m.contentOf(at), base) {
			out = append(out, r.insideSummary(v, "Pupils of "+string(stage), at))
		}
	}
	return out
}

// insideSummary says of one group what is looked at, and by which clause.
func (r *Room) insideSummary(v *setting.Values, title string, at setting.Scope) web.Summary {
	limit, files := v.Get(keyPages, at), v.Get(keyFiles, at)
	if at.Group == GroupStaff {
		limit, files = v.Get(keyStaffPages), v.Get(keyStaffFiles)
	}
	inspect := v.Get(keyInspect, at)
	s := web.Summary{Title: title, Rows: []web.SummaryRow{
		said("Encrypted sites", upperFirst(seenInside(v, at)), inspect),
		said("Pages", pageWords(limit.Number), limit),
		said("Files that stay out", upperFirst(kindTitles(files.Items)), files),
		said("Viruses", upperFirst(r.virusSays(v.Choice(keyViruses, at))), v.Get(keyViruses, at)),
		said("Open image search", imageWords[v.Choice(keyImages, at)], v.Get(keyImages, at)),
		said("Conversations with AI services", chatWords(v, at), v.Get(keyChat)),
	}}
	larger := fmt.Sprintf("Files of more than %d megabytes", v.Get(keyScanMax).Number)
	if v.Choice(keyViruses, at) != "off" && r.scanner() {
		s.Rows = append(s.Rows, said(larger, "Not scanned, and "+v.Choice(keyTooLarge, at), v.Get(keyTooLarge, at)))
	} else {
		s.Rows = append(s.Rows, said(larger, "Not looked into; archives and documents count as unreadable ones", v.Get(keyScanMax)))
	}
	if held := tenantWords(v, at); len(held) > 0 {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Accounts that may be used", Lines: held})
	}
	if unseen := unseenWords(v, at); unseen != "" {
		s.Rows = append(s.Rows, web.SummaryRow{Key: "Not seen", Text: unseen})
	}
	return s
}

var imageWords = map[string]string{"block": "Closed", "warn": "A warning first", "allow": "Open"}

func pageWords(n int64) string {
	if n == 0 {
		return "Not weighed"
	}
	return fmt.Sprintf("Closed above the weight %d", n)
}

func chatWords(v *setting.Values, at setting.Scope) string {
	if !slices.Contains(v.Items(keyChat), at.Group) {
		return "Not looked through"
	}
	if v.Choice(keyInspect, at) == "off" {
		return "Would be looked through, but the filter does not see inside these services"
	}
	return "Looked through, where the filter looks into the service"
}

// unseenWords says what stays out of sight for a group.
func unseenWords(v *setting.Values, at setting.Scope) string {
	switch v.Choice(keyInspect, at) {
	case "on":
		return "Sites that are never looked into, apps that take no certificate but their maker's, and devices that do not have the school's: of these only names."
	case "listed":
		return "Pages, files and searches of every encrypted site of another kind: of these only names."
	}
	return "Pages, files, searches, picture searches and conversations on encrypted sites, which are nearly all. What is said above holds for sites without encryption alone."
}

func tenantWords(v *setting.Values, at setting.Scope) []string {
	var out []string
	for _, t := range tenants() {
		if text := v.Get(t.key, at).Text; text != "" {
			out = append(out, t.title+": "+text)
		}
	}
	if !v.Bool(keyMicrosoftMSA, at) {
		out = append(out, "Personal Microsoft accounts may not be used")
	}
	return out
}

func (r *Room) neverSummary(v *setting.Values) web.Summary {
	s := web.Summary{Title: "Never looked into, for anybody", Rows: []web.SummaryRow{
		{Key: "Always", Text: "Help services such as Childline, the school's own pages, updates, and what devices need"},
		said("Kinds of site", strings.Join(r.titles(v.Items(keyInspectNever)), ", "), v.Get(keyInspectNever)),
		said("Single sites", v.Get(keyInspectHosts).Text, v.Get(keyInspectHosts)),
		{Key: "Apps that take no certificate but their maker's", Text: fmt.Sprintf("%d names that ship with Belisha: stores, updates, banks' apps and the like", len(r.stock.pinned))},
	}}
	return s
}

// troubleLink leads to what is left alone, and says how much asks for it.
func (r *Room) troubleLink(c *web.Ctx, in Inside) web.Link {
	if !c.May(MayRead) {
		return web.Link{}
	}
	n := 0
	for _, t := range in.Troubles {
		if t.mayLeave() {
			n++
		}
	}
	if n == 0 {
		return web.Link{Title: "Sites that the school leaves alone", Path: pathLeft}
	}
	return web.Link{Title: words.Count(n, "site", "sites") + " could not be looked into lately: see which, and leave them alone", Path: pathLeft}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func sampleFields() []web.Field {
	groups := web.Field{Kind: web.SelectField, Name: "group", Label: "Group", Options: groupOptions("")}
	stage := stageField()
	return []web.Field{
		groups, stage,
		{Kind: web.FileField, Name: "file", Label: "A file", Hint: fmt.Sprintf("Up to %d megabytes. It is looked at here and not kept.", mostSample>>20), Optional: true},
		{Kind: web.LongField, Name: "text", Label: "Or the text of a page", Rows: 5, Max: mostSampleText, Optional: true},
	}
}

// contentTry says what would happen to a file or a text.
func (r *Room) contentTry(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	v, err := r.contentView(c)
	if err != nil {
		return err
	}
	w, said, err := r.trySample(c, form.Get("group"), form.Get("stage"), form.Get("text"))
	if bad, ok := wrong(err); ok {
		ptrs := make([]*web.Field, 0, len(v.Fields))
		for i := range v.Fields {
			ptrs = append(ptrs, &v.Fields[i])
		}
		v.Errors = web.Refill(form, bad, ptrs...)
		return contentTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	v.Fields[0], v.Fields[1], v.Fields[3].Value = v.Fields[0].Choose(form.Get("group")), v.Fields[1].Choose(form.Get("stage")), form.Get("text")
	v.Tried = true
	v.Says = web.Panel{Tone: "good", Title: "It would come in", List: said.Words}
	if said.Closed {
		v.Says.Tone, v.Says.Title = "bad", "It would stay out"
	}
	v.Answer = web.Summary{Rows: []web.SummaryRow{
		{Key: "What it is", Text: orNone(w.Format)},
		{Key: "Weight", Text: fmt.Sprint(w.Score), Lines: w.Parts},
		{Key: "Scanner", Text: orNone(w.Scan)},
	}}
	return contentTemplate.Render(c, v)
}

// trySample weighs what was sent, and says what would happen to it by the
// rules in force.
func (r *Room) trySample(c *web.Ctx, group, stage, text string) (Weighed, Said, error) {
	snap := r.Snapshot()
	switch {
	case snap == nil:
		return Weighed{}, Said{}, errNoVersion
	case r.d.TryContent == nil:
		return Weighed{}, Said{}, store.Invalid{"": "Nothing can be tried out on this machine."}
	case !slices.Contains(Groups(), group):
		return Weighed{}, Said{}, store.Invalid{"group": "Choose a group."}
	}
	s, err := sampleOf(c, text)
	if err != nil {
		return Weighed{}, Said{}, err
	}
	w, err := r.d.TryContent(c.Context(), s)
	if err != nil {
		return w, Said{}, err
	}
	slugs := r.Narrow([]string{group}, people.KeyStage(strings.ToUpper(stage)))
	if stage == "" {
		slugs = []string{group}
	}
	h := snap.Handling(snap.Names().GroupBits(slugs), c.Now())
	return w, w.judge(&h), nil
}

func sampleOf(c *web.Ctx, text string) (Sample, error) {
	f, name, err := c.Upload("file")
	if err == nil {
		defer func() { _ = f.Close() }()
		body, err := io.ReadAll(io.LimitReader(f, mostSample+1))
		if err != nil {
			return Sample{}, fmt.Errorf("reading the file: %w", err)
		}
		if len(body) > mostSample {
			return Sample{}, store.Invalid{"file": fmt.Sprintf("The file has more than %d megabytes. Try a smaller one.", mostSample>>20)}
		}
		if len(body) > 0 {
			return Sample{Name: name, Body: body}, nil
		}
	}
	if strings.TrimSpace(text) == "" {
		return Sample{}, store.Invalid{"file": "Choose a file, or write a text below."}
	}
	if len(text) > mostSampleText {
		return Sample{}, store.Invalid{"text": fmt.Sprintf("Write at most %s letters.", words.Number(mostSampleText))}
	}
	return Sample{Body: []byte(text)}, nil
}
