package filtering

import (
	"fmt"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/web"
)

// rulesPage says in words what the filter does.
func (r *Room) rulesPage(c *web.Ctx) error {
	st, err := r.load(c.Context())
	if err != nil {
		return err
	}
	v := rulesView{
		Base: web.Base{Title: "What the filter does", Wide: true, Lead: "The current rules, in words. A safe default holds where no sentence of the policy says otherwise; what the policy says is changed by changing the policy."},
		Try:  pathTry, State: r.statePanel(c, st),
		Links: []web.Link{
			{Title: "Own entries: sites that the school itself opens or closes", Path: pathOwn},
			{Title: "Sites opened for lessons, for a class and a time", Path: pathUnblocks},
			{Title: "What is looked at: pages, files and searches, and what is not seen", Path: pathContent},
			{Title: "Sites that are not looked into, and apps that take no certificate", Path: pathLeft},
			{Title: "Files that were asked for", Path: pathPermits},
			{Title: "Categories that a filter manager decided about", Path: pathCategory},
			{Title: "Lists behind the filter", Path: pathLists},
			{Title: "Licensed lists", Path: pathLicensed},
			{Title: "Phrase lists", Path: pathPhrases},
			{Title: "What must always be closed or open", Path: pathMusts},
			{Title: "Devices", Path: pathDevices},
			{Title: "Change log", Path: pathChanges},
			{Title: "Versions, and going back", Path: pathVersions},
			{Title: "Who may change the filter", Path: pathManagers},
		},
	}
	var groups []web.Summary
	for _, g := range Groups() {
		groups = append(groups, r.groupSummary(st, g))
	}
	v.Groups, v.Everybody = sideBySide("What the filter does, by group", groups), r.everybody()
	return rulesTemplate.Render(c, v)
}

func (r *Room) statePanel(c *web.Ctx, st *state) web.Panel {
	if r.Snapshot() == nil {
		return web.Panel{Tone: "bad", Title: "There are no current rules", Words: "Everything but help services is closed. Restart Belisha, and look at the health page if this stays."}
	}
	p := web.Panel{Tone: "good", Title: fmt.Sprintf("Version %d is in force", st.version.Number), Words: "Since " + c.Words.Moment(st.version.MadeAt) + ". " + st.version.Summary}
	if !imported(st) {
		p.Tone = "warn"
		p.List = []string{"Only the " + StarterSays + "."}
	}
	says, err := r.LicensedSays(c.Context())
	if err != nil {
		says = []string{"How the licensed lists stand cannot be told: " + err.Error() + "."}
	}
	p.List = append(p.List, says...)
	return p
}

// groupSummary says what one group may not open, and by which clause.
func (r *Room) groupSummary(st *state, g string) web.Summary {
	v := r.d.Live.Current()
	s := web.Summary{Title: groupTitle[g]}
	for _, val := range scoped(v, blockKey[g], g) {
		it := closedItems(v, st, g, val)
		s.Rows = append(s.Rows, r.closedRow("Closed"+whereWords(val.Scope), it.said, val))
		if val.Scope == (setting.Scope{}) {
			s.Rows = r.managerRows(s.Rows, it, v)
		}
	}
	if g == GroupPupils {
		s.Rows = append(s.Rows, said("Open although a list closes it", strings.ReplaceAll(strings.Join(v.Items(keyAllow), ", "), "-", " "), v.Get(keyAllow)))
		for _, val := range scoped(v, keyUnlisted, g) {
			s.Rows = append(s.Rows, said("Sites on no list"+whereWords(val.Scope), strings.ReplaceAll(val.Choice, "-", " "), val))
		}
	}
	if soc := v.Get(keySocial); g == GroupStaff && !soc.Off {
		s.Rows = append(s.Rows, said("Social networks closed on school days", strings.Replace(clockSpan(soc.From, soc.To), "-", " to ", 1), soc))
	}
	at := setting.Scope{Group: g}
	for _, k := range []struct{ title, key string }{{"Safe search", keySafeSearch}, {"Restricted mode of video sites", keyYouTube}, {"Open image search", keyImages}} {
		val := v.Get(k.key, at)
		s.Rows = append(s.Rows, said(k.title, val.Choice, val))
	}
	return s
}

// sideBySide shows what is said of several groups in one table: a column for
// each group, and a row for each thing that is said of any of them.
func sideBySide(caption string, groups []web.Summary) web.Table {
	t := web.Table{Caption: caption, Sides: true, Columns: []web.Column{{Title: "What"}}}
	at := map[string]int{}
	for i, g := range groups {
		t.Columns = append(t.Columns, web.Column{Title: g.Title})
		for _, said := range g.Rows {
			row, ok := at[said.Key]
			if !ok {
				row = len(t.Rows)
				at[said.Key] = row
				cells := make([]web.Cell, len(groups)+1)
				cells[0].Text = said.Key
				t.Rows = append(t.Rows, web.Row{Cells: cells})
			}
			t.Rows[row].Cells[i+1] = web.Cell{Text: said.Text, Small: strings.Join(said.Lines, "; "), Link: said.Link.Path}
		}
	}
	return t
}

func (r *Room) managerRows(rows []web.SummaryRow, it items, v *setting.Values) []web.SummaryRow {
	if len(it.required) > 0 {
		rows = append(rows, r.closedRow("Closed for everybody", it.required, v.Get(keyRequired)))
	}
	if len(it.added) > 0 {
		rows = append(rows, web.SummaryRow{Key: "Closed by a filter manager", Text: strings.Join(r.titles(it.added), ", "), Link: web.Link{Title: "See", Path: pathCategory}})
	}
	if len(it.warned) > 0 {
		rows = append(rows, web.SummaryRow{Key: "A warning first, by a filter manager", Text: strings.Join(r.titles(it.warned), ", "), Link: web.Link{Title: "See", Path: pathCategory}})
	}
	return rows
}

func (r *Room) closedRow(key string, slugs []string, val setting.Value) web.SummaryRow {
	return said(key, strings.Join(r.titles(slugs), ", "), val)
}

// said is a row with the clause behind it.
func said(key, text string, val setting.Value) web.SummaryRow {
	if text == "" {
		text = "nothing"
	}
	by := "Safe default"
	if val.Confirmed {
		by = "Policy, clause " + val.Clause
	}
	return web.SummaryRow{Key: key, Text: text, Lines: []string{by}}
}

func (r *Room) everybody() web.Summary {
	v := r.d.Live.Current()
	return web.Summary{Title: "Everybody", Rows: []web.SummaryRow{
		{Key: "Always open", Text: "Help services such as Childline, and the school's own pages"},
		{Key: "Locked", Text: "Illegal content: nothing opens it, for nobody"},
		said("Somebody whom the filter does not know", v.Choice(keyUnsigned), v.Get(keyUnsigned)),
	}}
}
