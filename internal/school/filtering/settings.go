package filtering

import (
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/setting"
	"belisha/lists"
)

// The room's settings.
const (
	keyPupils     = "filtering.pupils.block"
	keyStaff      = "filtering.staff.block"
	keyGuests     = "filtering.guests.block"
	keyRequired   = "filtering.required"
	keyAllow      = "filtering.pupils.allow"
	keyUnlisted   = "filtering.pupils.unlisted"
	keySafeSearch = "filtering.safesearch"
	keyYouTube    = "filtering.youtube"
	keyImages     = "filtering.image-search"
	keyUnblock    = "filtering.social.unblock"
	keyUnblockMax = "filtering.unblock.max"
	keySocial     = "filtering.staff.social-hours"
	keyListAge    = "filtering.lists.max-age"
	keyShrink     = "filtering.lists.shrink"
	keyReview     = "filtering.change-review"
	keyUnsigned   = "filtering.without-sign-in"
)

// KeyStrangers is what happens to somebody whom the filter does not know:
// "strictest" or "closed".
const KeyStrangers = keyUnsigned

// Day-one rules: what is closed where no sentence of a policy says otherwise.
const (
	requiredDefault = "illegal, adult, gambling, games, malware, phishing"
	staffDefault    = requiredDefault + ", vpn, web-proxy, foreign-dns"
	pupilsDefault   = requiredDefault + ", nudify, webcam, self-harm, suicide, eating-disorder, drugs, weapons, gore, violence-shock, hate, extremism, " +
		"social-networks, chat, anonymous-messaging, newsgroups-forums, random-video, dating, ai-companions, ai-chatbots, piracy, file-sharing, " +
		"vpn, web-proxy, foreign-dns, remote-control, shopping, music-download, media-download"
)

// spoken are words that policies use for categories, besides slug and title.
var spoken = map[string][]string{
	"adult":             {"pornography", "pornographic sites", "adult sites", "sexual content"},
	"social-networks":   {"social media", "social networking", "social networking sites", "social sites", "social"},
	"chat":              {"chat rooms", "chatrooms", "instant messaging"},
	"newsgroups-forums": {"newsgroups", "forums", "newsgroups and forums"},
	"games":             {"gaming", "online games", "game sites"},
	"gambling":          {"online gambling", "betting"},
	"illegal":           {"illegal sites", "illegal content"},
	"web-proxy":         {"proxy", "proxies", "proxy avoidance", "anonymisers"},
	"vpn":               {"vpns"},
	"foreign-dns":       {"other dns services", "foreign dns"},
	"hate":              {"race hatred", "racial hatred", "hate sites"},
	"eating-disorder":   {"eating disorders", "pro-anorexia", "pro anorexia", "eating-disorder promotion"},
	"self-harm":         {"self harm", "self-harm promotion"},
	"drugs":             {"substance abuse", "drug sites"},
	"music-download":    {"music downloads", "music downloading"},
	"media-download":    {"media downloads", "video downloads", "media downloading"},
	"shopping":          {"shopping sites", "online shops"},
	"extremism":         {"extremist sites", "terrorism", "radicalisation"},
	"ai-chatbots":       {"unassessed chatbots", "chatbots", "ai chatbots"},
	"ai-companions":     {"companion apps", "ai companions"},
	"file-sharing":      {"file sharing", "file hosting"},
	"remote-control":    {"remote control", "remote desktop"},
	"gore":              {"graphic violence"},
	"violence-shock":    {"violence", "violent sites", "shock sites"},
}

// approved are the kinds of site that may be excepted from what pupils may not
// open; the value is the category behind each.
var approved = map[string]string{
	"approved-learning-platforms": "learning-platforms",
	"education":                   "education",
	"school-suppliers":            "uk-schools-suppliers",
}

// categoryOptions are the starter categories that may be a reason to close a
// site. Neutral areas are told, never closed by.
func categoryOptions() []setting.Option {
	all, err := lists.Starter()
	if err != nil {
		return nil // New reports it; a book without options refuses its defaults
	}
	var out []setting.Option
	for _, c := range all {
		if c.Slug == "cdn" || c.Slug == "software-updates" {
			continue // closing these breaks every device
		}
		words := append([]string{strings.ReplaceAll(c.Slug, "-", " ")}, spoken[c.Slug]...)
		out = append(out, setting.Option{Value: c.Slug, Title: lowerFirst(c.Title), Words: words})
	}
	return out
}

func options(pairs ...string) []setting.Option {
	var out []setting.Option
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, setting.Option{Value: pairs[i], Title: pairs[i+1]})
	}
	return out
}

// Settings is what the school decides about its filter.
func Settings() []setting.Setting {
	return slices.Concat(whatIsClosed(), whatIsLookedAt(), howItIsKept())
}

func whatIsClosed() []setting.Setting {
	categories := categoryOptions()
	scopes := []string{"keystage", "place", "time"}
	levels := options("strict", "strict", "moderate", "moderate", "off", "off")
	return []setting.Setting{
		{
			Key: keyPupils, Title: "What pupils may not open", Kind: setting.List, Options: categories, Default: pupilsDefault, Scopes: scopes,
			Help:         "Categories of sites that are closed for pupils. A narrower value, such as one for a key stage, replaces the whole list for those it is for.",
			Requirements: []string{"FIL-02", "FIL-03", "FIL-04", "FIL-06", "FIL-23"},
		},
		{
			Key: keyStaff, Title: "What staff may not open", Kind: setting.List, Options: categories, Default: staffDefault, Scopes: []string{"place", "time"},
			Help: "Categories that are closed for staff.", Requirements: []string{"FIL-02", "FIL-23"},
		},
		{
			Key: keyGuests, Title: "What guests may not open", Kind: setting.List, Options: categories, Default: pupilsDefault, Scopes: []string{"place", "time"},
			Help: "Categories that are closed for visitors and for devices that belong to nobody at the school.", Requirements: []string{"FIL-02", "FIL-23"},
		},
		{
			Key: keyRequired, Title: "What nobody may open", Kind: setting.List, Options: categories, Default: requiredDefault,
			Help:         "Categories that are closed for every account, staff as well. They are added to every list above.",
			Requirements: []string{"FIL-02", "FIL-07"},
		},
		{
			Key: keyAllow, Title: "Sites that pupils may use although a list closes them", Kind: setting.List, Scopes: []string{"keystage"},
			Options: []setting.Option{
				{Value: "approved-learning-platforms", Title: "approved learning platforms", Words: []string{"learning platforms", "our learning platform", "educational networks"}},
				{Value: "education", Title: "education sites", Words: []string{"education"}},
				{Value: "school-suppliers", Title: "suppliers of schools", Words: []string{"school suppliers"}},
			},
			Help:         "Exceptions for approved kinds of site. What is adult, illegal or dangerous stays closed there too. A filter manager adds single sites by name.",
			Requirements: []string{"FIL-04", "FIL-06"},
		},
		{
			Key: keyUnlisted, Title: "Sites that stand on no list", Kind: setting.Choice, Default: "open", Scopes: []string{"keystage"},
			Options: []setting.Option{{Value: "open", Title: "open"}, {Value: "previewed-only", Title: "previewed only", Words: []string{"closed", "closed unless previewed"}}},
			Help:    "Previewed only: pupils reach nothing but what somebody has opened for them by name.", Requirements: []string{"FIL-17", "FIL-23"},
		},
		{
			Key: keySafeSearch, Title: "Safe search", Kind: setting.Choice, Options: levels, Default: "strict", Scopes: []string{"group"},
			Help:         "Forced by the filter and not to be turned off in the browser. With strict, search engines that have no such mode are closed for pupils and guests.",
			Requirements: []string{"FIL-15"},
		},
		{
			Key: keyYouTube, Title: "Restricted mode of video sites", Kind: setting.Choice, Options: levels, Default: "strict", Scopes: []string{"group"},
			Help: "Forced by the filter. Both levels hide comments.", Requirements: []string{"FIL-15"},
		},
		{
			Key: keyImages, Title: "Open image search", Kind: setting.Choice, Default: "warn", Scopes: []string{"group", "keystage", "place", "time"},
			Options: options("block", "block", "warn", "warn", "allow", "allow"),
			Help:    "Where only the name of a site can be seen, this holds for sites that are an image search by name.", Requirements: []string{"FIL-16"},
		},
		{
			Key: keySocial, Title: "When staff may not use social networks", Kind: setting.Span, OffAllowed: true, Default: "off",
			Help: "These hours on school days. Off: staff may use them at any time, unless they stand on the list of what staff may not open.", Requirements: []string{"FIL-04", "FIL-23"},
		},
		{
			Key: keyUnblock, Title: "A teacher may have a social site opened for a lesson", Kind: setting.YesNo, Default: "no",
			Help: "Only for a stated purpose, for one class and for a time.", Requirements: []string{"FIL-05"},
		},
		{
			Key: keyUnblockMax, Title: "How long a site may be opened for a lesson", Kind: setting.Duration, Default: "60 minutes",
			Min: leastMinutes * time.Minute, Max: mostMinutes * time.Minute,
			Help: "The longest that a teacher may ask for at once. It closes by itself.", Requirements: []string{"FIL-05"},
		},
		{
			Key: keyUnsigned, Title: "Somebody whom the filter does not know", Kind: setting.Choice, Default: "strictest",
			Options: options("strictest", "strictest", "closed", "closed"),
			Help:    "Strictest: the strictest of the rules of pupils, staff and guests; what was opened for one key stage alone is not asked of devices without it. Closed: only help services, the school's own pages and what devices need.", Requirements: []string{"FIL-01", "FIL-23"},
		},
	}
}

func howItIsKept() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyListAge, Title: "How old a list may be", Kind: setting.Duration, Default: "7 days", Min: day, Max: 366 * day,
			Help: "A list that is older shows as not being kept, and from half that age as at risk.", Requirements: []string{"FIL-12"},
		},
		{
			Key: keyShrink, Title: "How much a new list may have lost", Kind: setting.Number, Default: "50 %", Low: 1, High: 100,
			Help: "In per cent of the names that the last good list had. What has lost more is not taken until somebody has looked.", Requirements: []string{"FIL-12"},
		},
		{
			Key: keyReview, Title: "How often the head confirms who may change the filter", Kind: setting.Duration, Default: "12 months", Min: 7 * day, Max: 3 * 366 * day,
			Help: "After that nobody's confirmation counts as current, and the promise shows as not being kept.", Requirements: []string{"FIL-11"},
		},
	}
}
