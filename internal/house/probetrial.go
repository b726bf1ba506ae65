package house

import (
	"context"
	"errors"
	"strings"
	"time"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/control"
	"belisha/internal/gate/probe"
	"belisha/internal/school/filtering"
	"belisha/internal/school/probes"
	"belisha/internal/verdict"
)

// trial asks the running filter everything that is tried. Whole: files and
// viruses as well. What changes meanwhile would make right answers look wrong,
// so then everything is asked again.
func (h *House) trial(ctx context.Context, whole bool) ([]probes.Answer, string, error) {
	for range mostTrials {
		st, before, err := h.settled(ctx)
		if err != nil {
			return nil, "", err
		}
		answers, note, err := h.tryOnce(ctx, st, whole)
		if err != nil {
			return nil, "", err
		}
		_, after, err := h.settled(ctx)
		if err != nil || after == before {
			return answers, note, err
		}
	}
	return nil, "", errChanging
}

// mostTrials is how often it is asked again.
const mostTrials = 4

// mark is what a trial rests on.
type mark struct{ rules, settings uint64 }

// settled waits until the filter holds the rules that are published.
func (h *House) settled(ctx context.Context) (control.Status, mark, error) {
	for range 20 {
		st, err := h.gate.status(ctx)
		if err != nil {
			return st, mark{}, errNoFilter
		}
		snap := h.Filtering.Snapshot()
		if snap == nil {
			return st, mark{}, errNoRules
		}
		if st.RulesNumber == snap.Number() {
			return st, mark{st.RulesNumber, h.live.Current().Number()}, nil
		}
		if err := pause(ctx, pumpRest); err != nil {
			return st, mark{}, err
		}
	}
	return control.Status{}, mark{}, errOtherRules
}

func (h *House) tryOnce(ctx context.Context, st control.Status, whole bool) ([]probes.Answer, string, error) {
	expect, err := h.Filtering.Expect(ctx)
	if err != nil {
		return nil, "", err
	}
	trying, err := h.trying(ctx)
	if err != nil {
		return nil, "", err
	}
	note, out, err := h.pathNote(ctx)
	if err != nil {
		return nil, "", err
	}
	t := &groupTrial{h: h, st: st, whole: whole}
	for i := range expect {
		_, tried := trying[expect[i].Group]
		if err := t.group(ctx, &expect[i], tried, out); err != nil {
			return nil, "", err
		}
	}
	return t.answers, note, nil
}

// Why the filter could not be tried.
var (
	errNoFilter   = errors.New("the filter does not answer")
	errNoRules    = errors.New("no rules were published yet")
	errOtherRules = errors.New("the filter does not hold the current rules")
	errChanging   = errors.New("the rules changed again and again while it was tried")
)

// groupTrial gathers the answers of one trial.
type groupTrial struct {
	h       *House
	st      control.Status
	whole   bool
	door    *prober
	expect  *filtering.Expected
	excused string // why nothing is asked of this group, "" if it is
	answers []probes.Answer
}

func (t *groupTrial) group(ctx context.Context, e *filtering.Expected, tried, out bool) error {
	door, err := t.h.gate.newProber(t.st, e.Group)
	if err != nil {
		return err
	}
	defer door.close()
	t.door, t.expect, t.excused = door, e, ""
	switch {
	case out:
		t.excused = "Belisha is taken out of the path, so it closes nothing."
	case tried:
		t.excused = "The rules are only tried out for this group, so nothing is closed."
	}
	t.path(ctx)
	t.categories(ctx)
	t.search(ctx)
	t.pages(ctx)
	if t.whole {
		t.files(ctx)
		t.viruses(ctx)
	}
	return ctx.Err()
}

// add puts one answer down. Where the group is excused, only what came out
// right counts as it is.
func (t *groupTrial) add(area probes.Area, name, what string, state probes.State, said string) {
	if t.excused != "" && state != probes.Right {
		state, said = probes.NotSo, t.excused
	}
	t.answers = append(t.answers, probes.Answer{Case: name + " for " + t.expect.Group, Area: area, Group: t.expect.Title, What: what, State: state, Said: said})
}

// closed puts down a question that must be answered with a block.
func (t *groupTrial) closed(area probes.Area, name, what string, o outcome, err error) {
	switch {
	case err != nil:
		t.add(area, name, what, probes.Unknown, "It could not be asked: "+err.Error()+".")
	case o.closed:
		t.add(area, name, what, probes.Right, closedFor(o.reason))
	case o.open:
		t.add(area, name, what, probes.Wrong, "It was let through. Look on the page of the filter which rule opens it, and whether the filter holds the current rules.")
	default:
		t.add(area, name, what, probes.Unknown, "It was neither closed nor let through: "+o.says+".")
	}
}

func closedFor(reason string) string {
	if reason == "" {
		return "It was closed."
	}
	return "It was closed: " + strings.ReplaceAll(reason, "-", " ") + "."
}

// path tries the name that only our doors answer, and a page that is open.
func (t *groupTrial) path(ctx context.Context) {
	for _, x := range []struct {
		door string
		ask  func() (outcome, error)
	}{
		{"proxy", func() (outcome, error) { return t.door.page(ctx, probe.Here, probe.PathPage) }},
		{"DNS", func() (outcome, error) { return t.door.name(ctx, probe.Here) }},
	} {
		o, err := x.ask()
		what := "The filter's " + x.door + " answers"
		switch {
		case err != nil:
			t.add(probes.Path, x.door+" answers", what, probes.Wrong, "It does not: "+err.Error()+". Look at the health page.")
		case !o.open:
			t.add(probes.Path, x.door+" answers", what, probes.Wrong, "It does not answer as it must: "+o.says+". Look at the health page.")
		default:
			t.add(probes.Path, x.door+" answers", what, probes.Right, "It answers.")
		}
	}
	what := "A harmless page is open, so that a closed one means something"
	o, err := t.door.page(ctx, probe.Files, probe.PathPage)
	switch {
	case err != nil:
		t.add(probes.Path, "harmless page", what, probes.Unknown, "It could not be asked: "+err.Error()+".")
	case o.open:
		t.add(probes.Path, "harmless page", what, probes.Right, "It is open.")
	case o.closed && t.expect.Narrow:
		t.add(probes.Path, "harmless page", what, probes.NotSo, "The rules close every site that nobody opened by name, for this group.")
	default:
		t.add(probes.Path, "harmless page", what, probes.Wrong, "It is closed too. "+closedFor(o.reason)+" The filter may be closing everything.")
	}
}

// categories tries a made-up site of each category that must be closed, at
// each door, and at DNS one that really stands on the list.
func (t *groupTrial) categories(ctx context.Context) {
	for _, c := range t.expect.Closed {
		host := probe.Host(c.Category)
		o, err := t.door.page(ctx, host, probe.PathPage)
		t.closed(probes.Categories, c.Category+" at the proxy", "A site of "+c.Category+" is closed at the proxy", o, err)
		o, err = t.door.tunnel(ctx, host)
		t.closed(probes.Categories, c.Category+" in a tunnel", "An encrypted site of "+c.Category+" is closed", o, err)
		o, err = t.door.name(ctx, host)
		t.closed(probes.Categories, c.Category+" at DNS", "A name of "+c.Category+" is closed at DNS", o, err)
		if name, _, page := strings.Cut(c.Name, "/"); name != "" && !page {
			o, err = t.door.name(ctx, name)
			if o.open {
				o.reason = ""
			}
			t.listed(c.Category, o, err)
		}
	}
}

// listed puts down what became of a name of the starter list. The school may
// have opened that very site by an entry of its own.
func (t *groupTrial) listed(category string, o outcome, err error) {
	what := "A listed name of " + category + " is closed at DNS"
	if err == nil && !o.closed && !o.open {
		t.add(probes.Categories, category+" listed", what, probes.NotSo, "What the answer means is not told for this category; the made-up name proves it.")
		return
	}
	if o.open {
		t.add(probes.Categories, category+" listed", what, probes.NotSo, "An entry of the school's own may open this very site; the page of the filter says so.")
		return
	}
	t.closed(probes.Categories, category+" listed", what, o, err)
}

// searches are the services whose requests the filter itself makes safe, with
// what must stand in the address.
var searches = []struct{ title, url, strict, moderate string }{
	{"Google", "http://www.google.com/search?q=leaf&safe=off", "safe=active", "safe=active"},
	{"Bing", "http://www.bing.com/search?q=leaf&adlt=off", "adlt=strict", "adlt=strict"},
	{"DuckDuckGo", "http://duckduckgo.com/?q=leaf&kp=-2", "kp=1", "kp=-1"},
}

// search tries how a search would go on, for each service.
func (t *groupTrial) search(ctx context.Context) {
	for _, s := range searches {
		want := map[string]string{"strict": s.strict, "moderate": s.moderate}[t.expect.SafeSearch]
		what := "A search on " + s.title + " is made safe at the proxy"
		e, closed, err := t.door.echo(ctx, s.url)
		switch {
		case want == "":
			t.add(probes.Search, s.title, what, probes.NotSo, "The policy does not ask for it for this group.")
		case err != nil:
			t.add(probes.Search, s.title, what, probes.Unknown, "It could not be asked: "+err.Error()+".")
		case closed:
			t.add(probes.Search, s.title, what, probes.Right, "The service is closed.")
		case !strings.Contains("&"+e.Query+"&", "&"+want+"&"):
			t.add(probes.Search, s.title, what, probes.Wrong, "It would have gone on as “"+e.Query+"”, without "+want+".")
		default:
			t.add(probes.Search, s.title, what, probes.Right, "It would have gone on with "+want+asTwin(e.As)+".")
		}
	}
	want := map[string]string{"strict": "Strict", "moderate": "Moderate"}[t.expect.YouTube]
	what := "Restricted mode of YouTube is forced at the proxy"
	e, closed, err := t.door.echo(ctx, "http://www.youtube.com/results?search_query=leaf")
	switch {
	case want == "":
		t.add(probes.Search, "YouTube", what, probes.NotSo, "The policy does not ask for it for this group.")
	case err != nil:
		t.add(probes.Search, "YouTube", what, probes.Unknown, "It could not be asked: "+err.Error()+".")
	case closed:
		t.add(probes.Search, "YouTube", what, probes.Right, "The service is closed.")
	case e.Restrict != want:
		t.add(probes.Search, "YouTube", what, probes.Wrong, "The mode asked for is “"+e.Restrict+"” and must be “"+want+"”.")
	default:
		t.add(probes.Search, "YouTube", what, probes.Right, "The mode asked for is “"+want+"”"+asTwin(e.As)+".")
	}
}

func asTwin(name string) string {
	if name == "" {
		return ""
	}
	return ", at " + name
}

// pages tries a page whose words weigh too much.
func (t *groupTrial) pages(ctx context.Context) {
	what := "A page whose words weigh more than the limit is closed"
	if !t.expect.Weighed {
		t.add(probes.Pages, "page", what, probes.NotSo, "Pages are not weighed for this group.")
		return
	}
	o, err := t.door.page(ctx, probe.Files, probe.PathPhrases)
	t.closed(probes.Pages, "page", what, o, err)
}

// files tries a harmless file of each kind that must be closed.
func (t *groupTrial) files(ctx context.Context) {
	must := map[verdict.FileKind]bool{}
	for _, k := range t.expect.Files {
		must[k] = true
	}
	asked := 0
	for _, f := range probe.Tests() {
		if !must[f.Kind] {
			continue
		}
		asked++
		o, err := t.door.page(ctx, probe.Files, f.Path)
		t.closed(probes.Files, f.Kind.String()+" "+f.Form, strings.ToUpper(f.What[:1])+f.What[1:]+" cannot be downloaded", o, err)
	}
	if asked == 0 {
		t.add(probes.Files, "files", "Kinds of file that are closed stay out", probes.NotSo, "No kind of file is closed for this group.")
	}
}

// viruses tries the scanner, where files are scanned.
func (t *groupTrial) viruses(ctx context.Context) {
	what := "A file with the test virus is closed"
	if !t.expect.Scanned || !t.h.hasScanner() {
		t.add(probes.Viruses, "virus", what, probes.NotSo, "No virus scanner looks at the files of this group.")
		return
	}
	o, err := t.door.page(ctx, probe.Files, probe.PathVirus)
	t.closed(probes.Viruses, "virus", what, o, err)
	t.largest(ctx)
}

// largest asks the scanner itself, since no rule weighs here: a scanner that
// says nothing of what is over its own limit says that it is clean.
func (t *groupTrial) largest(ctx context.Context) {
	what := "The scanner really looks into a file of the largest size that is scanned"
	if t.expect.MaxScan <= 0 || t.expect.MaxScan > mostTried {
		t.add(probes.Viruses, "largest", what, probes.Unknown, "Files of this size are too large to be tried each night.")
		return
	}
	pool, err := t.h.scanners()
	if err != nil {
		t.add(probes.Viruses, "largest", what, probes.Unknown, "It could not be asked: "+err.Error()+".")
		return
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	switch res := pool.Scan(ctx, probe.Largest(t.expect.MaxScan)); res.Status {
	case clamd.Found:
		t.add(probes.Viruses, "largest", what, probes.Right, "It found the test virus.")
	case clamd.Clean:
		t.add(probes.Viruses, "largest", what, probes.Wrong, "It said that a file with the test virus is clean. Set MaxFileSize and MaxScanSize in clamd.conf above the largest size, and AlertExceedsMax yes.")
	default:
		t.add(probes.Viruses, "largest", what, probes.Right, "It said that it could not look into it, and such a file is treated as not scanned: "+res.Why+".")
	}
}

// mostTried is the largest file that is made for a trial.
const mostTried = 128 << 20
