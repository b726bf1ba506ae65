package porter

import (
	"net/url"
	"strings"

	"belisha/internal/gate/probe"
	"belisha/internal/gate/spool"
	"belisha/internal/verdict"
)

const maxPath = 2 << 10

// event is what is written down about an answer, and no more than that.
func (p *Porter) event(a *Answer) spool.Event {
	set := p.settings.Load()
	names := a.snapshot.Names()
	e := spool.Event{
		At: a.At, Site: a.Who.Site, Door: doorName(a.Door), Reason: reasonName(a.Verdict.Reason),
		Action: uint8(a.Verdict.Action), Count: 1, RulesNumber: a.snapshot.Number(),
	}
	if e.Site == "" {
		e.Site = set.Site
	}
	if a.support() {
		// A visit to a help service is a count, and never a trace of anybody.
		e.Action = spool.ActionSupport
		return e
	}
	e.Host, e.Group = a.shownHost(), names.GroupSlug(a.Verdict.Group)
	e.KeyStage = a.Who.KeyStage
	e.Categories = names.Slugs(a.Verdict.Categories)
	if c, ok := names.Category(a.Verdict.Category); ok {
		e.Category = c.Slug
	}
	if r, ok := names.Rule(a.Verdict.Rule); ok {
		e.Rule = r.ID
	}
	if n := a.Verdict.Licensed; n != 0 {
		// That it happened is written down, and who it was; where it led is not:
		// no part of a licensed list may be told again.
		e.Alert = a.snapshot.LicensedAlert(n)
		if !set.CountOnly {
			e.Subject, e.Certainty, e.Device, e.Address = a.Who.Subject, a.Who.Certainty, a.Who.Device, a.Who.Address
		}
		return e
	}
	words := ""
	if (a.Door == verdict.DoorProxy || a.Door == verdict.DoorICAP) && p.search != nil {
		path, query, _ := strings.Cut(a.Path, "?")
		if engine, found, kind, ok := p.search.Words(a.Host, path, query); ok && kind != "suggest" {
			e.Engine, words = engine, found
		}
	}
	e.Alert = alert(a, names, set.themes, words)
	if f := a.finding; f != nil {
		e.Detail = bounded(f.Detail)
		if f.Alert != "" {
			e.Alert = f.Alert
		}
		if f.Words != "" {
			e.Engine, words = f.Engine, f.Words
		}
	}
	if a.Verdict.TryOut {
		e.Tried = spool.TriedBlock
		if a.Verdict.Tried == verdict.Warn {
			e.Tried = spool.TriedWarn
		}
	}
	if set.CountOnly || a.Verdict.TryOut {
		e.Engine = "" // a rule that is not kept yet is no reason to know who
		if probe.IsDevice(a.Who.Device) {
			e.Device = a.Who.Device // nobody's: so that a trial is not taken for a child
		}
		return e
	}
	e.Subject, e.Certainty, e.Device, e.Address = a.Who.Subject, a.Who.Certainty, a.Who.Device, a.Who.Address
	e.Path, e.Words = redact(a.Path), words
	return e
}

// HiddenHost stands in place of a host that a licensed list names, wherever an
// answer is written down or told.
const HiddenHost = "licensed-list.invalid"

func (a *Answer) shownHost() string {
	if a.Verdict.Licensed != 0 {
		return HiddenHost
	}
	return a.Host
}

// support reports a help service, whatever became of the visit: a port that
// is closed or a connection that broke off is no reason to write down whose.
func (a *Answer) support() bool {
	return a.Verdict.Support || a.Host != "" && a.snapshot.Support(a.Host)
}

func doorName(d verdict.Door) string {
	switch d {
	case verdict.DoorProxy:
		return "proxy"
	case verdict.DoorTunnel:
		return "tunnel"
	case verdict.DoorDNS:
		return "dns"
	case verdict.DoorPages:
		return "pages"
	case verdict.DoorICAP:
		return "icap"
	}
	return ""
}

// reasonWords are the words of the reasons in events and on pages for staff.
var reasonWords = [...]string{
	verdict.ReasonNone: "", verdict.ReasonHelp: "help", verdict.ReasonOurs: "ours", verdict.ReasonEssential: "essential",
	verdict.ReasonCategory: "category", verdict.ReasonOwnBlock: "own-block", verdict.ReasonOwnAllow: "own-allow",
	verdict.ReasonUnblock: "unblock", verdict.ReasonLocked: "locked", verdict.ReasonUnlisted: "unlisted",
	verdict.ReasonOpen: "open", verdict.ReasonNoSnapshot: "no-rules", verdict.ReasonAddress: "address",
	verdict.ReasonPrivate: "private", verdict.ReasonMalformed: "malformed", verdict.ReasonPort: "port",
	verdict.ReasonNoName: "no-name", verdict.ReasonNotTLS: "not-tls", verdict.ReasonMismatch: "mismatch",
	verdict.ReasonUnsigned: "unsigned", verdict.ReasonPaused: "paused", verdict.ReasonBypass: "bypass", verdict.ReasonAgreement: "agreement",
	verdict.ReasonPhrases: "phrases", verdict.ReasonFile: "file", verdict.ReasonVirus: "virus", verdict.ReasonUnscanned: "unscanned",
	verdict.ReasonCertificate: "certificate", verdict.ReasonChat: "chat", verdict.ReasonFocus: "focus",
	verdict.ReasonUnsupervised: "unsupervised", verdict.ReasonRules: "zone",
}

func reasonName(r verdict.Reason) string {
	if int(r) < len(reasonWords) {
		return reasonWords[r]
	}
	return ""
}

// alert is the theme that a safeguarding lead must hear of: of a block, the
// theme of any category of the name; of a search, the theme of its words.
func alert(a *Answer, names *verdict.Names, themes []theme, words string) string {
	if a.Verdict.Action == verdict.Block || a.Verdict.TryOut && a.Verdict.Tried == verdict.Block {
		if c, ok := names.Category(a.Verdict.Category); ok && c.Alert != "" && c.Alert != "none" {
			return c.Alert
		}
		for i := range names.Categories {
			c := &names.Categories[i]
			if c.Alert != "" && c.Alert != "none" && a.Verdict.Categories.Has(uint8(i)) {
				return c.Alert
			}
		}
	}
	return themeOf(themes, words)
}

// secretWords in a parameter's name mean that its value is nobody's business.
var secretWords = []string{
	"pass", "pwd", "token", "secret", "auth", "session", "sid", "apikey", "api_key", "sig", "credential", "otp", "code", "jwt",
}

// redact cuts a path with query to a bounded length and takes the values of
// parameters that look like secrets out of it.
func redact(path string) string {
	head, query, ok := strings.Cut(path, "?")
	if ok && query != "" {
		parts := strings.Split(query, "&")
		for i, part := range parts {
			name, _, has := strings.Cut(part, "=")
			if has && isSecret(name) {
				parts[i] = name + "=…"
			}
		}
		head += "?" + strings.Join(parts, "&")
	}
	if len(head) > maxPath {
		head = strings.ToValidUTF8(head[:maxPath], "")
	}
	return head
}

func isSecret(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	for _, w := range secretWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
