package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/verdict"
)

const pathLicensed = "/filter/licensed"

// licensedRoutes are the pages of licensed lists. No entry is on any of them.
func (r *Room) licensedRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathLicensed, Needs: MayRead, Do: r.licensedList},
		{Pattern: "GET " + pathLicensed + "/new", Needs: MayChange, Do: r.licensedNew},
		{Pattern: "POST " + pathLicensed, Needs: MayChange, Do: r.licensedAdd, Body: maxLicensedFile + 1<<20},
		{Pattern: "GET " + pathLicensed + "/{id}", Needs: MayRead, Do: r.licensedOne},
		{Pattern: "POST " + pathLicensed + "/{id}/stop", Needs: MayChange, Do: r.licensedStop},
	}
}

var licensedHome = slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}, {Title: "Licensed lists", Path: pathLicensed}})

func (s LicensedStatus) tag() web.Tag {
	switch {
	case s.Stale:
		return web.Tag{Words: "too old", Tone: "red"}
	case s.Problem != "":
		return web.Tag{Words: "last attempt failed", Tone: "brown"}
	}
	return web.Tag{Words: "in force", Tone: "green"}
}

func (r *Room) licensedList(c *web.Ctx) error {
	all, err := r.LicensedLists(c.Context())
	if err != nil {
		return err
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	v := listView{
		Base: web.Base{Title: "Licensed lists", Lead: "Lists that a supplier hands over under contract. They close for everybody, and nothing lifts them.", Wide: true, Crumbs: licensedHome[:2]},
		Table: web.Table{
			Caption: "Licensed lists", Columns: []web.Column{{Title: "List"}, {Title: "Entries", Numeric: true}, {Title: "Last known to be the newest"}, {Title: "State"}},
			Empty: web.Empty{Title: "None is loaded", Words: LicensedSays + " They come from their suppliers, under a contract with the school or its provider."},
		},
		After: []string{"No entry of these lists is ever shown, written down or exported. Where somebody tries one, it is told that it happened, and the safeguarding lead hears of it; the address is not kept."},
	}
	for _, l := range all {
		v.Table.Rows = append(v.Table.Rows, web.Row{Link: pathLicensed + "/" + l.ID, Cells: []web.Cell{
			{Text: l.Title, Small: l.Supplier + ": " + l.Subject}, {Text: words.Number(int(l.Entries))}, {When: c.Ago(l.Well)}, {Tag: l.tag(), Small: l.Problem},
		}})
	}
	if may {
		v.Add = web.Link{Title: "Bring a licensed list in", Path: pathLicensed + "/new"}
	}
	return listTemplate.Render(c, v)
}

func (r *Room) licensedOne(c *web.Ctx) error {
	all, err := r.LicensedLists(c.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(l LicensedStatus) bool { return l.ID == c.Param("id") })
	if i < 0 {
		return store.ErrNotFound
	}
	l := all[i]
	v := oneView{Base: web.Base{Title: l.Title, Lead: titleOf(l.Says) + ".", Crumbs: licensedHome}}
	v.Summary.Rows = []web.SummaryRow{
		{Key: "Supplier", Text: l.Supplier, Lines: []string{l.Subject}},
		{Key: "State", Tags: []web.Tag{l.tag()}, Lines: nonEmpty(l.Problem)},
		{Key: "Entries", Text: words.Number(int(l.Entries))},
		{Key: "SHA-256 of the file", Text: breakable(strings.Join(chunks(l.Digest, 16), " "))},
		{Key: "Taken up", When: c.Moment(l.Imported)},
		{Key: "The file is of", When: c.Moment(l.Dated)},
		{Key: "Last known to be the newest", When: c.Moment(l.Well)},
		{Key: "How it comes", Text: map[bool]string{true: "fetched from the supplier every day", false: "brought in by hand"}[l.Fetched], Lines: []string{formWords[verdict.LicensedForm(l.Form)]}},
	}
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	if may {
		v.ConfirmTitle = "When the contract is over"
		v.Confirm = web.Confirm{
			What: "The list is not in force any more.", Whom: "What only this list names is then closed for nobody.", When: "At once.", Undo: "It can be brought in again.",
			Fields: []web.Field{{Name: "reason", Label: "Why", Max: maxReason}}, Action: web.Action{Path: pathLicensed + "/" + l.ID + "/stop", Title: "Take it out of force", Grave: true},
		}
	}
	return oneTemplate.Render(c, v)
}

// chunks parts a long figure, so that it can be read aloud and breaks on a
// phone.
func chunks(s string, n int) []string {
	var out []string
	for len(s) > n {
		out, s = append(out, s[:n]), s[n:]
	}
	return append(out, s)
}

var formWords = map[verdict.LicensedForm]string{
	verdict.LicensedPlain: "addresses in words", verdict.LicensedSHA256: "SHA-256 digests", verdict.LicensedSHA1: "SHA-1 digests", verdict.LicensedMD5: "MD5 digests",
}

// licensedForm is the form; a file that was chosen must be chosen again.
func licensedForm() formView {
	var forms, subjects []web.Option
	for _, f := range []verdict.LicensedForm{verdict.LicensedPlain, verdict.LicensedSHA256, verdict.LicensedSHA1, verdict.LicensedMD5} {
		forms = append(forms, web.Option{Value: string(f), Label: formWords[f]})
	}
	for _, s := range []string{SubjectAbuse, SubjectTerrorism, SubjectOther} {
		subjects = append(subjects, web.Option{Value: s, Label: subjectWords[s]})
	}
	return formView{
		Base: web.Base{Title: "Bring a licensed list in", Lead: "It is read in memory, and only keyed digests of its entries are kept. The same name replaces an earlier one.", Crumbs: licensedHome},
		Path: pathLicensed, Upload: true, Button: "Bring it in", Cancel: pathLicensed,
		Fields: []web.Field{
			{Name: "title", Label: "What to call the list", Max: 50},
			{Name: "supplier", Label: "Supplier", Max: 100},
			web.Field{Kind: web.SelectField, Name: "subject", Label: "What it is about", Options: subjects}.Choose(SubjectAbuse),
			web.Field{Kind: web.SelectField, Name: "form", Label: "How the supplier writes it", Options: forms}.Choose(string(verdict.LicensedPlain)),
			{Kind: web.PasswordField, Name: "salt", Label: "Salt of the digests", Hint: "As the supplier gives it; kept sealed.", Optional: true, Max: 256, Autocomplete: "off"},
			{Kind: web.FileField, Name: "file", Label: "The file", Optional: true, Hint: "Or an address below."},
			{Name: "url", Label: "Address it is fetched from", Hint: "It begins with https:// and is asked every day. Where the server wants credentials, bring the list in at the machine itself: belisha lists licensed.", Optional: true, Max: 2000},
			{Kind: web.LongField, Name: "reason", Label: "Why", Hint: "The contract, for instance.", Rows: 2, Max: maxReason},
		},
	}
}

func (r *Room) licensedNew(c *web.Ctx) error { return formTemplate.Render(c, licensedForm()) }

func (r *Room) licensedAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	o := LicensedOptions{Salt: []byte(form.Get("salt")), List: Licensed{
		Title: form.Get("title"), Supplier: form.Get("supplier"), Subject: form.Get("subject"), Form: verdict.LicensedForm(form.Get("form")),
		URL: form.Get("url"), Reason: form.Get("reason"),
	}}
	form.Del("salt") // never shown again
	if o.List.URL == "" {
		o.Data, _, err = handedOver(c, maxLicensedFile, "Choose the supplier's file, or write the address that it is fetched from.")
	}
	defer clear(o.Data)
	var rep LicensedReport
	if err == nil {
		rep, err = r.ImportLicensed(c.Context(), o)
	}
	if bad, ok := wrong(err); ok {
		return licensedForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s in force.", words.Count(int(rep.Entries), "entry is", "entries are"))
	if rep.Refused > 0 {
		said += fmt.Sprintf(" %s could not be used.", words.Count(rep.Refused, "line", "lines"))
	}
	c.Notice(said)
	return c.Redirect(pathLicensed + "/" + rep.ID)
}

func (r *Room) licensedStop(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	return done(c, r.EndLicensed(c.Context(), c.Param("id"), form.Get("reason")), "It is not in force any more.", pathLicensed, pathLicensed+"/"+c.Param("id"))
}
