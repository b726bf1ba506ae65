package verdict

import (
	"fmt"
	"runtime"
	"strings"
)

// Step is one step of an explanation, in the order in which it was taken.
type Step struct {
	What     string // "listed", "inside", "mixed-script", "image-search", "group", "decided"
	Says     string // a plain sentence without names of people
	Category string // slug
	Source   string // slug of the list
	Via      string // the listed name, page or range
	Group    string
	Rule     string // id
	Clause   string
	Act      Action
}

// Explain decides a by the same code as Decide and tells how.
func (s *Snapshot) Explain(a *Ask) (Verdict, []Step) {
	tr := &trace{s: s, many: a.Groups == 0 || a.Groups&(a.Groups-1) != 0 || a.Groups&^s.known != 0}
	var v Verdict
	s.decide(a, &v, tr)
	runtime.KeepAlive(s)
	tr.decided(v)
	return v, tr.steps
}

// trace collects an explanation. A nil trace collects nothing.
type trace struct {
	s     *Snapshot
	many  bool // the groups had to be compared
	steps []Step
}

func (t *trace) note(what, says string, category uint8, via string) {
	if t == nil {
		return
	}
	t.steps = append(t.steps, Step{
		What: what, Says: "Found: " + says + ".",
		Category: t.s.names.Categories[category].Slug, Via: via,
	})
}

func (t *trace) listed(src *source, cats CategorySet, via string, parent bool) {
	if t == nil {
		return
	}
	how := ""
	if parent {
		how = ", via parent " + via
	}
	for _, slug := range t.s.names.Slugs(cats) {
		t.steps = append(t.steps, Step{
			What: "listed", Category: slug, Source: src.slug, Via: via,
			Says: fmt.Sprintf("Found in %s (%s%s).", slug, src.name(), how),
		})
	}
}

func (t *trace) expression(src *source, category uint8, text string) {
	if t == nil {
		return
	}
	slug := t.s.names.Categories[category].Slug
	t.steps = append(t.steps, Step{
		What: "listed", Category: slug, Source: src.slug, Via: text,
		Says: fmt.Sprintf("Found in %s (%s, by an expression).", slug, src.name()),
	})
}

func (s *source) name() string {
	if s.title != "" {
		return s.title
	}
	return s.slug
}

func (t *trace) group(v Verdict) {
	if t == nil || !t.many {
		return
	}
	st := t.step("group", v)
	st.Says = fmt.Sprintf("For %s: %s.", st.Group, strings.TrimSuffix(lowerFirst(st.Says), "."))
	t.steps = append(t.steps, st)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (t *trace) decided(v Verdict) {
	if v.Categories.Empty() && !v.Support && v.Reason != ReasonMalformed {
		t.steps = append(t.steps, Step{What: "listed", Says: "Found in no list."})
	}
	t.steps = append(t.steps, t.step("decided", v))
}

func (t *trace) step(what string, v Verdict) Step {
	would := v.Action
	if v.TryOut {
		would = v.Tried
	}
	st := Step{What: what, Act: v.Action, Group: t.s.names.GroupSlug(v.Group), Says: v.Reason.sentence(would)}
	if c, ok := t.s.names.Category(v.Category); ok {
		st.Category = c.Slug
	}
	if r, ok := t.s.names.Rule(v.Rule); ok {
		st.Rule, st.Clause = r.ID, r.Clause
		st.Says = fmt.Sprintf("%s by rule %s for %s", done(would), r.ID, st.Group)
		switch r.Kind {
		case "line":
		case "focus", "supervision": // the reason says it
			st.Says = strings.TrimSuffix(v.Reason.sentence(would), ".")
		default:
			st.Says = fmt.Sprintf("%s by the school's %s %s for %s", done(would), kindWords(r.Kind), r.ID, st.Group)
		}
		if len(r.Classes) > 0 {
			st.Says += ", only for " + strings.Join(r.Classes, ", ")
		}
		if r.Clause != "" {
			st.Says += ", clause " + r.Clause
		}
		st.Says += "."
	}
	if v.TryOut {
		st.Says = "Let through, since " + st.Group + " are only being tried out. It would have been: " + lowerFirst(st.Says)
	}
	if v.Reason == ReasonUnlisted {
		st.Clause = t.s.names.Groups[v.Group].UnlistedClause
	}
	return st
}

func kindWords(kind string) string {
	if kind == "own" {
		return "own entry"
	}
	return "timed unblock"
}

func done(a Action) string {
	switch a {
	case Allow:
		return "Allowed"
	case Warn:
		return "Allowed after a warning"
	}
	return "Blocked"
}

// reasonWords are the words of the reasons: for events and the command line,
// and as a sentence.
var reasonWords = [...]struct{ word, says string }{
	ReasonNone:       {"none", "No reason was found, so it is closed."},
	ReasonHelp:       {"help", "A help service: always open."},
	ReasonOurs:       {"ours", "A page of the school's own filter."},
	ReasonEssential:  {"essential", "On the school's list of essentials."},
	ReasonCategory:   {"category", "A category rule."},
	ReasonOwnBlock:   {"own-block", "The school's own block list."},
	ReasonOwnAllow:   {"own-allow", "The school's own allow list."},
	ReasonUnblock:    {"unblock", "Opened for a time."},
	ReasonLocked:     {"locked", "Locked for everybody; nothing lifts it."},
	ReasonUnlisted:   {"unlisted", "The school's choice for sites that no list names."},
	ReasonOpen:       {"open", "Listed, and no rule blocks it."},
	ReasonNoSnapshot: {"no-rules", "There are no current rules."},
	ReasonAddress:    {"address", "An IP address in place of a name."},
	ReasonPrivate:    {"private", "An address inside the network or the machine itself."},
	ReasonMalformed:  {"malformed", "Not an address that a browser would open."},
	ReasonPort:       {"port", "A port that is not open."},
	ReasonNoName:     {"no-name", "A secure connection without a name."},
	ReasonNotTLS:     {"not-tls", "A tunnel that is not a secure web connection."},
	ReasonMismatch:   {"mismatch", "The name asked for and the name in the connection differ."},
	ReasonUnsigned:   {"unsigned", "Nobody is signed in."},
	ReasonPaused:     {"paused", "The web is paused."},
	ReasonBypass:     {"bypass", "A way round the filter."},
	ReasonAgreement:  {"agreement", "The school's agreement is not signed yet."},

	ReasonPhrases:      {"phrases", "The words on the page weigh more than the limit for this group."},
	ReasonFile:         {"file", "A kind of file that is closed for this group."},
	ReasonVirus:        {"virus", "The virus scanner found something in it."},
	ReasonUnscanned:    {"unscanned", "It could not be looked at as it must be."},
	ReasonCertificate:  {"certificate", "The site's certificate does not prove that it is the site."},
	ReasonChat:         {"chat", "What was written to an AI service, or answered by it."},
	ReasonFocus:        {"focus", "The class may open only the sites of this lesson."},
	ReasonUnsupervised: {"unsupervised", "Nobody is supervising the class at the moment."},
	ReasonRules:        {"zone", "A rule from a response policy zone closes it."},
}

// String is the reason's word, as events and the command line have it.
func (r Reason) String() string {
	if int(r) < len(reasonWords) {
		return reasonWords[r].word
	}
	return "none"
}

func (r Reason) sentence(a Action) string {
	if r == ReasonUnlisted && a == Allow {
		return "In no list that closes it, and the school leaves such sites open."
	}
	if int(r) < len(reasonWords) {
		return reasonWords[r].says
	}
	return reasonWords[ReasonNone].says
}
