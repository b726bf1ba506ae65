package policies_test

import (
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/policies"
)

const day = 24 * time.Hour

// options makes options of words, one slug each.
func options(slugs string) []setting.Option {
	var out []setting.Option
	for _, s := range strings.Fields(slugs) {
		out = append(out, setting.Option{Value: s, Title: strings.ReplaceAll(s, "-", " "), Words: []string{strings.Replace(s, "-promotion", " promotion", 1)}})
	}
	return out
}

const categories = `illegal-sites pornography adult-webcams nudify self-harm suicide eating-disorder-promotion substance-abuse weapons gore
	violent-sites race-hatred extremism gambling gaming social-networks chat-rooms anonymous-messaging newsgroups random-video dating ai-companions
	unassessed-chatbots piracy file-sharing vpns proxies other-dns-services remote-control malware phishing shopping music-downloads media-downloads`

const files = "programs installers scripts apps macros active-documents disk-images locked-archives unreadable-archives"

const posts = `headteacher deputy-head assistant-head safeguarding-lead online-safety-lead network-manager office-manager business-manager
	data-manager safeguarding-governor`

// book declares the settings of the other rooms as the policies use them, so
// that this room is tested by itself.
func book(t testing.TB) *setting.Book {
	t.Helper()
	list := func(key, slugs, def string) setting.Setting {
		return setting.Setting{Key: key, Title: key, Kind: setting.List, Options: options(slugs), Default: def, Scopes: []string{"group", "place", "time", "keystage"}}
	}
	choice := func(key, slugs, def string) setting.Setting {
		return setting.Setting{Key: key, Title: key, Kind: setting.Choice, Options: options(slugs), Default: def, Scopes: []string{"group", "keystage"}}
	}
	length := func(key, def string, off bool) setting.Setting {
		return setting.Setting{Key: key, Title: key, Kind: setting.Duration, Default: def, OffAllowed: off, Scopes: []string{"place", "audience"}}
	}
	yesno := func(key, def string) setting.Setting {
		return setting.Setting{Key: key, Title: key, Kind: setting.YesNo, Default: def}
	}
	weight := func(key, def string) setting.Setting {
		return setting.Setting{Key: key, Kind: setting.Number, High: 10_000, Default: def, Scopes: []string{"keystage"}}
	}
	count := func(key, def string) setting.Setting {
		return setting.Setting{Key: key, Title: key, Kind: setting.Number, Default: def, Low: 1, High: 100}
	}
	b, err := setting.NewBook(policies.Settings(), []setting.Setting{
		list("filtering.pupils.block", categories, "pornography and illegal sites"), list("filtering.staff.block", categories, "pornography"),
		list("filtering.guests.block", categories, "pornography"), list("filtering.required", categories, "gambling and gaming"),
		list("filtering.pupils.allow", "approved-learning-platforms", ""), choice("filtering.pupils.unlisted", "open previewed-only", "open"),
		choice("filtering.safesearch", "strict moderate off", "strict"), choice("filtering.youtube", "strict moderate off", "strict"),
		choice("filtering.image-search", "block warn allow", "warn"), yesno("filtering.social.unblock", "no"),
		{Key: "filtering.staff.social-hours", Kind: setting.Span, OffAllowed: true, Default: "off"},
		length("filtering.lists.max-age", "7 days", false), length("filtering.change-review", "12 months", false),
		choice("filtering.without-sign-in", "strictest closed", "strictest"), count("filtering.lists.shrink", "50 %"),
		weight("filtering.pages.limit", "60"), weight("filtering.staff.pages.limit", "160"), choice("filtering.inspect", "off listed on", "off"),
		list("filtering.inspect.never", "banking health government support-services", "banking"), choice("filtering.viruses", "stay-out open off", "stay-out"),
		count("filtering.viruses.max-size", "25"), choice("filtering.viruses.too-large", "closed open", "closed"),
		list("filtering.downloads", files, "programs"), list("filtering.staff.downloads", files, "programs"),
		list("filtering.downloads.approver", posts+" head-teacher a-member-of-staff", "headteacher"), length("filtering.downloads.longest", "1 day", false),
		length("filtering.unblock.max", "60 minutes", false), length("filtering.reports.answer-within", "one school day", false), length("filtering.probes.within", "24 hours", false), length("filtering.probes.keep", "12 months", false),
		choice("filtering.route.failures", "network-manager online-safety-coordinator", "network-manager"),
		yesno("filtering.guests.captive", "yes"), length("filtering.guests.for", "4 hours", false), length("classroom.longest", "2 hours", false),
		length("classroom.preview.max-age", "12 months", false), yesno("classroom.previewed-only", "no"), yesno("classroom.supervision", "no"), yesno("classroom.names", "no"),
		list("monitoring.purposes", "business-information policy-compliance effective-operation training subject-access crime safeguarding", "safeguarding"),
		length("monitoring.list.max-age", "12 months", false), list("monitoring.authorised", posts, "headteacher"),
		length("monitoring.keep.names", "90 days", false), length("monitoring.keep.words", "30 days", false), length("monitoring.gap", "10 minutes", false),
		yesno("monitoring.staff-detail", "no"), length("monitoring.keep.totals", "3 years", false), list("monitoring.alert.themes", "self-harm suicide exploitation", "self-harm, suicide and exploitation"),
		length("monitoring.purpose-lasts", "30 minutes", false), choice("monitoring.sample.every", "week fortnight month", "week"), count("monitoring.sample.size", "20"),
		length("monitoring.contractor.longest", "1 day", false), choice("monitoring.watchers.every", "week fortnight month", "month"), count("monitoring.alert.within", "2"), list("monitoring.alert.rules", "repeated-blocks bypass-tools odd-hours password-attempts mass-export", "repeated blocks"),
		length("access.staff.password-max-age", "off", true), length("access.idle-lock", "10 minutes", false), count("access.lockout.tries", "5"),
		length("access.lockout.for", "15 minutes", false), count("access.password.min-length", "12"), length("access.temporary.max-age", "7 days", false),
		length("access.session.max", "8 hours", false), yesno("access.must-change-first", "yes"), length("access.web-session", "8 hours", false), length("access.web-idle", "1 hour", true),
		length("access.accounts.disable-after", "1 day", false),
		length("access.second-factor.grace", "off", true), length("access.shared-use.window", "10 minutes", true), length("access.rights-review", "90 days", false),
		yesno("access.pupil-passwords.by-teachers", "no"), list("access.second-factor.posts", posts+" deputy-safeguarding-lead filter-manager it-contractor", "headteacher"),
		length("review.head-report", "1 month", false), length("review.governor-report", "1 term", false), count("review.read-within", "10"),
		{Key: "agreements.audiences", Kind: setting.Text},
		{Key: "agreements.pupil-signer", Kind: setting.Text},
		{Key: "agreements.gate.pupils", Kind: setting.Text},
		{Key: "agreements.gate.staff", Kind: setting.Text},
		{Key: "agreements.gate.visitors", Kind: setting.Text},
		{Key: "agreements.told.pupils", Kind: setting.Text},
		{Key: "agreements.told.adults", Kind: setting.Text},
		{Key: "agreements.contact", Kind: setting.Text, Scopes: []string{"audience"}},
		{Key: "agreements.discussion-by", Kind: setting.Text},
		yesno("agreements.parents-first", "no"), length("agreements.grace", "3 days", false), length("agreements.review", "24 months", false),
		length("agreements.policy-read.within", "30 days", false), count("agreements.signed.adults", "100 %"), count("agreements.signed.families", "95 %"),
		length("concerns.quiet-after", "30 days", true), length("concerns.trends.every", "a term", false), length("concerns.referral-within", "1 hour", false),
		length("concerns.target.urgent", "1 hour", false), length("concerns.target.high", "1 school day", false), length("concerns.target.normal", "3 school days", false),
		{Key: "concerns.receivers.security", Kind: setting.Text},
		{Key: "concerns.receivers.behaviour", Kind: setting.Text},
		{Key: "concerns.sanctions", Kind: setting.Text},
		{Key: "concerns.parents", Kind: setting.Text},
		{Key: "concerns.evenings.hours", Kind: setting.Span, OffAllowed: true},
		yesno("concerns.head-sees-child-protection", "no"), count("concerns.keep", "25"),
		list("people.roles.required", posts, "headteacher"), yesno("people.posts.deputy-required", "yes"),
		length("backup.every", "24 hours", false), length("backup.restore-drill", "a term", false), length("backup.keep", "30 days", false),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
