// Package registertest is what every register has to pass, on every database:
// its table has its columns, required is required, a stale edit is refused,
// every change is journalled and the chain holds, what is void stays,
// retention removes, a bad form comes back with what was typed, and each page
// asks for its capability.
package registertest

import (
	"bytes"
	"context"
	"encoding/csv"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/register"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
)

// People is a roll for tests: id to name.
type People map[string]string

// Person names a person.
func (p People) Person(_ context.Context, id string) (string, bool, error) {
	name, ok := p[id]
	return name, ok, nil
}

// FindPeople finds by a part of the name.
func (p People) FindPeople(_ context.Context, words string, limit int) ([]register.PersonChoice, error) {
	var out []register.PersonChoice
	for id, name := range p {
		if strings.Contains(strings.ToLower(name), strings.ToLower(words)) {
			out = append(out, register.PersonChoice{ID: id, Name: name})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out[:min(limit, len(out))], nil
}

// Roll is the people of Run.
var Roll = People{"pupil-1": "Ada Finch", "pupil-2": "Bo Finch", "pupil-3": "Cy Heron", "staff-1": "Dee Wren"}

// Case is what Run needs to know of a register.
type Case struct {
	Schema fs.FS
	// Good is a form that is taken, Closing what more it needs to be closed.
	Good, Closing url.Values
	// Required are the fields without which it is refused.
	Required []string
	// Word is a word that finds the record of Good.
	Word string
}

// Desk is a register at work in a test.
type Desk struct {
	T     *testing.T
	Clock *clock.Fake
	DB    *store.DB
	Log   *journal.Journal
	Site  http.Handler
	name  string
}

// Writer may do everything, Reviewer may sign off, Reader may only look.
func (d *Desk) may(name string, what ...string) actor.Actor {
	caps := make([]actor.Capability, len(what))
	for i, w := range what {
		caps[i] = actor.Capability("registers." + d.name + "." + w)
	}
	return webtest.As(name, caps...)
}

// Open puts a register to work for a test of its own rules.
func Open[T any, P register.Record[T]](t *testing.T, g *register.Register[T, P], schema fs.FS, db *store.DB) (*register.Room[T, P], *Desk) {
	t.Helper()
	d := &Desk{T: t, Clock: clock.NewFake(webtest.Now), DB: db, name: g.Name}
	var err error
	d.Log, err = journal.New(journal.Deps{DB: db, Clock: d.Clock, Protected: g.Protected(), Verbs: g.Verbs()})
	must(t, err)
	book, err := setting.NewBook(g.SettingList())
	must(t, err)
	room, err := g.Open(register.Deps{
		DB: db, Journal: d.Log, Clock: d.Clock, People: Roll,
		Live: setting.NewLive(setting.NewValues(book, 0, nil)),
	})
	must(t, err)
	d.Site = webtest.Site(t, room.Section())
	return room, d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Run runs the suite.
func Run[T any, P register.Record[T]](t *testing.T, g *register.Register[T, P], c Case) {
	t.Helper()
	storetest.Each(t, []fs.FS{journal.Schema, c.Schema}, func(t *testing.T, db *store.DB) {
		room, d := Open(t, g, c.Schema, db)
		d.columns(g.Columns())
		path := d.create(c)
		d.form(c)
		d.list(c, path)
		d.stale(c, path)
		d.capabilities(c, path)
		d.closing(c, path)
		d.reviewing(path)
		d.signOffTakenBack(c, path)
		d.voiding(c)
		d.exporting(c)
		n, err := room.Retain(context.Background())
		if err != nil || n != 0 {
			t.Errorf("%d records were removed at once, %v", n, err)
		}
		d.retention(room.Retain, path)
		d.create(c)
		d.chain()
	})
}

func (d *Desk) columns(want []string) {
	d.T.Helper()
	rows, err := d.DB.QueryContext(context.Background(), "SELECT * FROM "+d.name)
	must(d.T, err)
	defer func() { _ = rows.Close() }()
	have, err := rows.Columns()
	must(d.T, err)
	has := map[string]bool{}
	for _, h := range have {
		has[h] = true
	}
	for _, w := range want {
		if !has[w] {
			d.T.Errorf("table %s has no column %s", d.name, w)
		}
	}
	if len(have) != len(want) {
		d.T.Errorf("table %s has %d columns, the register %d", d.name, len(have), len(want))
	}
}

func (d *Desk) writer() actor.Actor { return d.may("staff-1", "read", "write") }

func (d *Desk) base() string { return "/registers/" + d.name }

// create keeps a record by its form and returns its path.
func (d *Desk) create(c Case) string {
	d.T.Helper()
	doc := webtest.Post(d.T, d.Site, d.base(), c.Good, d.writer())
	path := doc.Header.Get("Location")
	if doc.Status != 303 || !strings.HasPrefix(path, d.base()+"/") {
		d.T.Fatalf("a good form: status %d, it says: %s", doc.Status, doc.Text())
	}
	webtest.Get(d.T, d.Site, path, d.writer()).Is(200).Safe().Has("recorded")
	return path
}

// form checks that what is required is, and that nothing typed is lost.
func (d *Desk) form(c Case) {
	d.T.Helper()
	webtest.Get(d.T, d.Site, d.base()+"/new", d.writer()).Is(200).Safe()
	for _, name := range c.Required {
		form := maps.Clone(c.Good)
		for k := range form {
			if k == name || strings.HasPrefix(k, name+"-") {
				delete(form, k)
			}
		}
		doc := webtest.Post(d.T, d.Site, d.base(), form, d.writer()).Is(422).Safe()
		for k, v := range form {
			if strings.Contains(k, "-") || strings.HasPrefix(v[0], "pupil-") || v[0] == "" {
				continue
			}
			if !bytes.Contains(doc.Body, []byte(v[0])) {
				d.T.Errorf("without %s: the form came back without %q in %s", name, v[0], k)
			}
		}
	}
}

func (d *Desk) list(c Case, path string) {
	d.T.Helper()
	get := func(q string) *webtest.Doc { return webtest.Get(d.T, d.Site, d.base()+q, d.writer()).Is(200).Safe() }
	get("").Link(path)
	get("?q=" + url.QueryEscape(c.Word)).Link(path)
	get("?q=nothinglikethis").NoLink(path)
	get("?q=%25").NoLink(path) // a wildcard is a letter like others
	get("?state=void").NoLink(path)
	get("?sort=state%3BDROP&order=up&page=999999999&state=x")
	webtest.Get(d.T, d.Site, d.base()+"/none", d.writer()).Is(404)
}

// stale has two people edit the same version.
func (d *Desk) stale(c Case, path string) {
	d.T.Helper()
	version := webtest.Get(d.T, d.Site, path+"/edit", d.writer()).Is(200).Safe().Field("version")
	form := maps.Clone(c.Good)
	form.Set("version", version)
	webtest.Post(d.T, d.Site, path, form, d.writer()).GoesTo(path)
	webtest.Post(d.T, d.Site, path, form, d.writer()).Is(409).Safe().Has("Somebody else changed this record")
	form.Del("version")
	webtest.Post(d.T, d.Site, path, form, d.writer()).Is(400)
}

func (d *Desk) capabilities(c Case, path string) {
	d.T.Helper()
	reader := d.may("reader", "read")
	webtest.Get(d.T, d.Site, path, reader).Is(200).NoLink(path + "/edit").NoLink(path + "/close").NoLink(path + "/void")
	for _, p := range []string{d.base() + "/new", d.base() + "/export.csv", path + "/edit", path + "/void"} {
		webtest.Get(d.T, d.Site, p, reader).Is(403)
	}
	for _, p := range []string{d.base(), path, path + "/close", path + "/review", path + "/void"} {
		webtest.Post(d.T, d.Site, p, c.Good, reader).Is(403)
	}
	webtest.Get(d.T, d.Site, path, webtest.As("other")).Is(403)
	doc := webtest.Get(d.T, d.Site, path, webtest.Nobody())
	if doc.Status != 303 || bytes.Contains(doc.Body, []byte(c.Word)) {
		d.T.Errorf("to nobody the record answers %d", doc.Status)
	}
}

func (d *Desk) version(path string) string {
	d.T.Helper()
	return webtest.Get(d.T, d.Site, path+"/edit", d.writer()).Is(200).Field("version")
}

func (d *Desk) closing(c Case, path string) {
	d.T.Helper()
	if len(c.Closing) > 0 {
		webtest.Post(d.T, d.Site, path+"/close", url.Values{"version": {d.version(path)}}, d.writer()).Is(422).Safe()
		form := maps.Clone(c.Good)
		maps.Copy(form, c.Closing)
		form.Set("version", d.version(path))
		webtest.Post(d.T, d.Site, path, form, d.writer()).GoesTo(path)
	}
	webtest.Post(d.T, d.Site, path+"/close", url.Values{"version": {d.version(path)}}, d.writer()).GoesTo(path)
	webtest.Post(d.T, d.Site, path+"/close", url.Values{"version": {d.version(path)}}, d.writer()).Is(409)
}

func (d *Desk) reviewing(path string) {
	d.T.Helper()
	form := url.Values{"version": {d.version(path)}}
	webtest.Post(d.T, d.Site, path+"/review", form, d.may("staff-1", "read", "write", "review")).Is(422) // their own
	webtest.Post(d.T, d.Site, path+"/review", form, d.may("reviewer", "read", "review")).GoesTo(path)
	webtest.Get(d.T, d.Site, path, d.writer()).Is(200).Has("Signed off by", "signed off")
}

// signOffTakenBack changes a record that was signed off, as its form has it.
func (d *Desk) signOffTakenBack(c Case, path string) {
	d.T.Helper()
	form := maps.Clone(c.Good)
	maps.Copy(form, c.Closing)
	form.Set("version", d.version(path))
	webtest.Post(d.T, d.Site, path, form, d.writer()).GoesTo(path)
	webtest.Get(d.T, d.Site, path, d.writer()).Is(200).HasNot("Signed off by")
}

func (d *Desk) voiding(c Case) {
	d.T.Helper()
	path, who := d.create(c), d.may("reviewer", "read", "review")
	version := webtest.Get(d.T, d.Site, path+"/void", who).Is(200).Safe().Field("version")
	webtest.Post(d.T, d.Site, path+"/void", url.Values{"version": {version}}, who).Is(422).Safe()
	webtest.Post(d.T, d.Site, path+"/void", url.Values{"version": {version}, "reason": {"entered twice"}}, who).GoesTo(path)
	webtest.Get(d.T, d.Site, path, who).Is(200).Has("void", "entered twice")
	webtest.Get(d.T, d.Site, d.base(), who).NoLink(path)
	webtest.Get(d.T, d.Site, d.base()+"?state=void", who).Link(path)
	webtest.Get(d.T, d.Site, path+"/edit", d.writer()).Is(409)
	form := maps.Clone(c.Good)
	form.Set("version", "2")
	webtest.Post(d.T, d.Site, path, form, d.writer()).Is(422)
}

func (d *Desk) exporting(c Case) {
	d.T.Helper()
	doc := webtest.Get(d.T, d.Site, d.base()+"/export.csv?state=void", d.may("exporter", "read", "export")).Is(200)
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(doc.Body, []byte("\uFEFF")))).ReadAll()
	if err != nil || len(rows) != 2 || !strings.Contains(strings.Join(rows[1], "|"), c.Word) {
		d.T.Errorf("the export has %d rows, %v: %s", len(rows), err, doc.Body)
	}
	lines, err := d.Log.List(context.Background(), journal.Filter{Verbs: []journal.Verb{journal.Verb(d.name + ".exported")}})
	if err != nil || len(lines) != 1 {
		d.T.Errorf("%d lines tell of the export, %v", len(lines), err)
	}
}

// retention removes what was closed, with its detail, and leaves what is open.
func (d *Desk) retention(retain func(context.Context) (int, error), path string) {
	d.T.Helper()
	ctx := actor.With(context.Background(), actor.Belisha("test"))
	d.Clock.Advance(40 * 366 * 24 * time.Hour)
	n, err := retain(ctx)
	if err != nil || n != 2 { // the closed one and the void one
		d.T.Errorf("%d records were removed, %v", n, err)
	}
	webtest.Get(d.T, d.Site, path, d.writer()).Is(404)
	id := path[strings.LastIndex(path, "/")+1:]
	lines, err := d.Log.List(ctx, journal.Filter{Kind: d.name, ID: id})
	if err != nil || len(lines) < 3 {
		d.T.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, l := range lines[1:] {
		if !l.Erased {
			d.T.Errorf("the journal still tells what %s was: %s", l.Verb, l.Detail)
		}
	}
}

func (d *Desk) chain() {
	d.T.Helper()
	rep, err := d.Log.Verify(context.Background())
	if err != nil || !rep.OK {
		d.T.Errorf("the journal: %+v, %v", rep.Fault, err)
	}
	_, err = d.DB.Writer().ExecContext(context.Background(), "UPDATE "+d.name+" SET made_name = 'somebody else'")
	must(d.T, err)
	rep, err = d.Log.Verify(context.Background())
	if err != nil || rep.OK {
		d.T.Errorf("an edit behind Belisha's back was not noticed: %v", err)
	}
}
