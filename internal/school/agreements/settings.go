package agreements

import (
	"time"

	"belisha/internal/kit/setting"
)

// The room's settings.
const (
	KeyAudiences = "agreements.audiences"
	KeySigner    = "agreements.pupil-signer"
	KeyPupils    = "agreements.gate.pupils"
	KeyStaff     = "agreements.gate.staff"
	KeyVisitors  = "agreements.gate.visitors"
	KeyParents   = "agreements.parents-first"
	KeyGrace     = "agreements.grace"
	KeyAdults    = "agreements.signed.adults"
	KeyFamilies  = "agreements.signed.families"
	KeyFail      = "agreements.signed.fail"
	KeyNotice    = "agreements.notice-given"
	KeyContact   = "agreements.contact"
	KeyReview    = "agreements.review"
	KeyTalk      = "agreements.discussion-by"
	KeyReadIn    = "agreements.policy-read.within"
	KeyReadAll   = "agreements.policy-read.share"
)

const day = 24 * time.Hour

// The modes of an audience.
const (
	Off    = "off"
	Remind = "remind"
	Hold   = "hold"
)

func modes() []setting.Option {
	return []setting.Option{
		{Value: Off, Title: "nothing happens", Words: []string{"not stopped", "go on as before", "nothing"}},
		{Value: Remind, Title: "reminded", Words: []string{"are reminded", "is reminded", "a reminder"}},
		{Value: Hold, Title: "held until they sign", Words: []string{"held", "wait", "no access", "do not get on to the web", "not let through"}},
	}
}

func gateSetting(key, who string, reqs ...string) setting.Setting {
	return setting.Setting{
		Key: key, Title: "What happens on the web to " + who + " who have not signed",
		Help: "Reminded: once a day a page asks them to sign, and they go on. Held: only help, our own pages and the school's essentials are open until they have signed. " +
			"A policy that says held counts as reminded until the head has confirmed it on the page that shows how many people it cuts off.",
		Kind: setting.Choice, Options: modes(), Default: Off, Requirements: reqs,
	}
}

// Settings is what the school decides about agreements.
func Settings() []setting.Setting {
	return append([]setting.Setting{
		{
			Key: KeyAudiences, Title: "Who signs", Kind: setting.List, Requirements: []string{"AUP-01", "AUP-03"},
			Help:    "Whoever is named here has rules of their own to sign, and is counted until they have.",
			Default: "staff, governors, pupils, parents and visitors",
			Options: []setting.Option{
				{Value: "staff", Title: "staff", Words: []string{"members of staff"}},
				{Value: "governors", Title: "governors"},
				{Value: "pupils", Title: "pupils", Words: []string{"children"}},
				{Value: "parents", Title: "parents", Words: []string{"parents and carers", "carers"}},
				{Value: "visitors", Title: "visitors", Words: []string{"visitors and contractors", "contractors", "externals", "regular visitors"}},
				{Value: "external", Title: "outside groups", Words: []string{"external groups", "outside bodies", "lettings"}},
				{Value: "home-school", Title: "home-school agreement", Words: []string{"home and school", "the home-school agreement"}},
			},
		},
		{
			Key: KeySigner, Title: "Who signs a pupil's rules", Kind: setting.Choice, Requirements: []string{"AUP-04"},
			Help:    "Only somebody with parental responsibility counts as a parent here. A pupil whose year is not known counts as young.",
			Default: signerKS1,
			Options: []setting.Option{
				{Value: signerPupil, Title: "the pupil", Words: []string{"pupils themselves", "every pupil"}},
				{Value: signerKS1, Title: "a parent up to key stage 1, then the pupil", Words: []string{"up to key stage 1 a parent", "a parent in key stage 1", "a parent up to key stage 1"}},
				{Value: signerParent, Title: "a parent", Words: []string{"a parent for every child", "the parent", "parents"}},
				{Value: signerBoth, Title: "the pupil and a parent", Words: []string{"both", "both the child and a parent", "a parent and the child", "the child and a parent"}},
			},
		},
		gateSetting(KeyPupils, "pupils", "AUP-02"),
		gateSetting(KeyStaff, "staff, governors and contractors", "AUP-02", "AUP-18"),
		gateSetting(KeyVisitors, "visitors", "AUP-02", "AUP-07"),
	}, append(append(whenSettings(), shareSettings()...), toldSettings()...)...)
}

func whenSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyParents, Title: "A pupil waits for the parents' agreement too", Kind: setting.YesNo, Default: "no", Requirements: []string{"AUP-06"},
			Help: "Then a pupil counts as unsigned until a parent has signed the parents' agreement for them.",
		},
		{
			Key: KeyGrace, Title: "Days of grace for somebody who has just come", Kind: setting.Duration, Min: day, Max: 60 * day, Default: "3 days",
			Help: "Until they are over, somebody new is reminded and not held.", Requirements: []string{"AUP-02", "AUP-08"},
		},
		{
			Key: KeyContact, Title: "Whom to ask about the rules", Kind: setting.Text, Default: "the head teacher", Scopes: []string{"audience"},
			Help: "Shown on the page on which people sign.", Requirements: []string{"AUP-20"},
		},
		{
			Key: KeyReview, Title: "How often the rules are looked at again", Kind: setting.Duration, Min: 90 * day, Max: 3 * 365 * day, Default: "24 months",
			Help: "Counted from the day on which the edition in force was published.", Requirements: []string{"AUP-21"},
		},
		{
			Key: KeyTalk, Title: "By when every class has talked about the rules", Kind: setting.Choice, Default: "end of September", Requirements: []string{"AUP-09"},
			Help: "Each school year, counted from 1 September.",
			Options: []setting.Option{
				{Value: "09-30", Title: "end of September", Words: []string{"the end of september"}},
				{Value: "10-31", Title: "end of October", Words: []string{"the end of october"}},
				{Value: "11-30", Title: "end of November", Words: []string{"the end of november"}},
				{Value: "12-31", Title: "end of December", Words: []string{"the end of december", "end of the autumn term", "the end of the autumn term"}},
			},
		},
		{
			Key: KeyReadIn, Title: "How soon staff confirm that they have read a new policy", Kind: setting.Duration, Min: day, Max: 180 * day, Default: "30 days",
			Help: "Counted from the day on which the policy came into force.", Requirements: []string{"AUP-18", "POL-08"},
		},
	}
}

func shareSettings() []setting.Setting {
	share := func(key, title, def string, reqs ...string) setting.Setting {
		return setting.Setting{Key: key, Title: title, Kind: setting.Number, Low: 1, High: 100, Default: def, Help: "In per cent of those who must sign.", Requirements: reqs}
	}
	return []setting.Setting{
		share(KeyAdults, "How many of staff, governors and visitors must have signed", "100 %", "AUP-03", "AUP-07"),
		share(KeyFamilies, "How many of pupils and parents must have signed", "95 %", "AUP-03"),
		share(KeyFail, "Below how many of pupils and parents the promise is not being kept", "80 %", "AUP-03"),
		share(KeyNotice, "How many must have been told that use is monitored", "100 %", "MON-04", "MON-13"),
		share(KeyReadAll, "How many of staff must have read the policy in force", "100 %", "AUP-18"),
	}
}

// The audiences whose way on to the web is decided.
var gates = []struct{ Audience, Title, Key string }{
	{"pupils", "Pupils", KeyPupils},
	{"staff", "Staff, governors and contractors", KeyStaff},
	{"visitors", "Visitors", KeyVisitors},
}

func keyOf(audience string) string {
	for _, g := range gates {
		if g.Audience == audience {
			return g.Key
		}
	}
	return ""
}
