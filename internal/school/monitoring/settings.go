package monitoring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"belisha/internal/activity"
	"belisha/internal/kit/setting"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// The room's settings.
const (
	keyPurposes   = "monitoring.purposes"
	keyLasts      = "monitoring.purpose-lasts"
	keyListAge    = "monitoring.list.max-age"
	keyAuthorised = "monitoring.authorised"
	keyNames      = "monitoring.keep.names"
	keyWords      = "monitoring.keep.words"
	keyTotals     = "monitoring.keep.totals"
	keyGap        = "monitoring.gap"
	keyStaff      = "monitoring.staff-detail"
	keyThemes     = "monitoring.alert.themes"
	keyDrawEvery  = "monitoring.sample.every"
	keyDrawSize   = "monitoring.sample.size"
	keyGrantMax   = "monitoring.contractor.longest"
	keyReviewed   = "monitoring.watchers.every"
	keyAlertDays  = "monitoring.alert.within"
	keyRules      = "monitoring.alert.rules"
)

const oneDay = 24 * time.Hour

// purposes are those that MON-09 names, and a concern for a child.
var purposes = []setting.Option{
	{Value: "safeguarding", Title: "a safeguarding concern", Words: []string{"safeguarding", "safeguarding concerns", "keeping a child safe"}},
	{Value: "business", Title: "finding business information", Words: []string{"business information", "school business"}},
	{Value: "standards", Title: "checking that rules and standards are followed", Words: []string{"compliance", "policy compliance", "policies and standards", "standards compliance", "compliance with policies and standards"}},
	{Value: "operation", Title: "keeping systems working", Words: []string{"effective operation", "system operation", "effective operation of systems"}},
	{Value: "quality", Title: "quality and training", Words: []string{"quality", "training", "quality control and training", "training and quality"}},
	{Value: "access-request", Title: "answering a person's request for their data", Words: []string{"subject access", "subject access requests", "a subject access request", "access requests"}},
	{Value: "crime", Title: "preventing or detecting crime", Words: []string{"crime", "prevention and detection of crime", "preventing and detecting crime", "detecting crime"}},
}

// themes are what may become a signal.
var themes = []setting.Option{
	{Value: "selfharm", Title: "self-harm", Words: []string{"self harm", "self-injury"}},
	{Value: "suicide", Title: "suicide"},
	{Value: "exploitation", Title: "exploitation", Words: []string{"child exploitation", "grooming", "sexual exploitation"}},
	{Value: "extremism", Title: "extremism", Words: []string{"radicalisation", "terrorism", "extremist views"}},
	{Value: "bullying", Title: "bullying", Words: []string{"threats", "cyberbullying", "online bullying"}},
}

// misuses are the rules as a policy names them.
var misuses = []setting.Option{
	{Value: ruleBlocks, Title: "repeated blocks", Words: []string{"many blocked sites", "repeated attempts"}},
	{Value: ruleBypass, Title: "bypass tools", Words: []string{"ways round the filter", "VPNs and proxies"}},
	{Value: ruleOddHours, Title: "odd hours", Words: []string{"use at night"}},
	{Value: rulePasswords, Title: "password attempts", Words: []string{"wrong passwords", "brute force"}},
	{Value: ruleExport, Title: "mass export", Words: []string{"large copies"}},
}

func postOptions() []setting.Option {
	all := make([]setting.Option, 0, len(people.Posts))
	for _, p := range people.Posts {
		all = append(all, setting.Option{Value: string(p.Post), Title: p.Title, Words: p.Words})
	}
	return all
}

// Settings is the doorplate's list of what the school decides about
// monitoring.
func Settings() []setting.Setting {
	return append(append(lookSettings(), keepSettings()...), watchSettings()...)
}

func lookSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyPurposes, Title: "What the record of web use may be opened for", Kind: setting.List, Options: purposes,
			Help:         "One of these is chosen, with a reason, before any name is shown.",
			Default:      "a safeguarding concern, finding business information, checking that rules and standards are followed, keeping systems working, quality and training, answering a person's request for their data, preventing or detecting crime",
			Requirements: []string{"MON-09"},
		},
		{
			Key: keyLasts, Title: "How long a purpose counts", Kind: setting.Duration, Min: 5 * time.Minute, Max: 8 * time.Hour,
			Help: "After that, and in every new sign-in, it is asked for again.", Default: "30 minutes",
			Requirements: []string{"MON-09"},
		},
		{
			Key: keyAuthorised, Title: "Posts whose holders may be monitors", Kind: setting.List, Options: postOptions(),
			Help:         "Empty: any member of staff whom the head puts on the list. A monitor who holds none of these posts cannot look.",
			Requirements: []string{"MON-05"},
		},
		{
			Key: keyListAge, Title: "How often the head confirms the list of monitors", Kind: setting.Duration, Min: 30 * oneDay, Max: 2 * 365 * oneDay,
			Help: "A list older than this shows as not being kept.", Default: "12 months",
			Requirements: []string{"MON-05"},
		},
		{
			Key: keyThemes, Title: "What puts a line in the tray of the safeguarding lead", Kind: setting.List, Options: themes,
			Help: "A block or a search that speaks of one of these. The line itself tells nothing.", Default: "self-harm, suicide and exploitation",
			Requirements: []string{"MON-16"},
		},
		{
			Key: keyGap, Title: "Longest gap in the record", Kind: setting.Duration, Min: 2 * time.Minute, Max: oneDay,
			Help: "In school hours a longer time without any sign of the filter is not being kept. A quiet time is no gap.", Default: "10 minutes",
			Requirements: []string{"MON-01"},
		},
	}
}

// watchSettings are about those who watch.
func watchSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyDrawEvery, Title: "How often the record is sampled at random", Kind: setting.Choice, Options: rhythms,
			Help: "Once in each, at a moment that nobody knows, out of school hours' use. The monitors have five school days to judge the sample.", Default: "week",
			Requirements: []string{"MON-02"},
		},
		{
			Key: keyDrawSize, Title: "How many rows a random sample has", Kind: setting.Number, Low: 5, High: 100,
			Default: "20", Requirements: []string{"MON-02"},
		},
		{
			Key: keyGrantMax, Title: "How long a contractor may see the record at most", Kind: setting.Duration, Min: time.Hour, Max: 14 * oneDay,
			Help: "Each grant has an end, and is for a purpose. It shows devices and sites; names only where whoever gives it says so.", Default: "1 day",
			Requirements: []string{"MON-06"},
		},
		{
			Key: keyReviewed, Title: "How often it is reviewed who looked at the record", Kind: setting.Choice, Options: rhythms,
			Help: "By the head; what the head looked at, by the chair of governors. Within ten school days after its end.", Default: "month",
			Requirements: []string{"MON-17"},
		},
		{
			Key: keyRules, Title: "What is looked for as misuse", Kind: setting.List, Options: misuses,
			Help:    "Each makes an alert for the monitors; mass export by a monitor one for the head. Leave out odd hours where pupils live at the school.",
			Default: "repeated blocks, bypass tools, odd hours, password attempts and mass export", Requirements: []string{"MON-16"},
		},
		{
			Key: keyAlertDays, Title: "How many school days an alert or a signal may wait", Kind: setting.Number, Low: 1, High: 10,
			Default: "2", Requirements: []string{"MON-16"},
		},
	}
}

func keepSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyNames, Title: "How long the record says who", Kind: setting.Duration, Min: 7 * oneDay, Max: 365 * oneDay,
			Help: "Then the rows are removed and only counts remain.", Default: "90 days",
			Requirements: []string{"MON-01"},
		},
		{
			Key: keyWords, Title: "How long search words and pages are kept", Kind: setting.Duration, Min: oneDay, Max: 365 * oneDay,
			Help: "Never longer than the names.", Default: "30 days",
			Requirements: []string{"MON-01"},
		},
		{
			Key: keyTotals, Title: "How long counts without names are kept", Kind: setting.Duration, Min: 90 * oneDay, Max: 10 * 365 * oneDay,
			Help: "For reports over the years.", Default: "3 years",
			Requirements: []string{"MON-01"},
		},
		{
			Key: keyStaff, Title: "Search words and pages of staff are kept", Kind: setting.YesNo,
			Help: "Otherwise only the site and what the filter decided are recorded of staff.", Default: "no",
			Requirements: []string{"MON-01"},
		},
	}
}

// keepOf is the memory's part of the settings.
func keepOf(v *setting.Values) activity.Keep {
	k := activity.Keep{Names: v.Duration(keyNames), Words: v.Duration(keyWords), Totals: v.Duration(keyTotals)}
	k.Words = min(k.Words, k.Names)
	k.Totals = max(k.Totals, k.Names)
	if !v.Bool(keyStaff) {
		k.HostOnly = []string{access.GroupStaff}
	}
	return k
}

// step is the room's part of an activation.
type step struct {
	setting.NoStep
	room    *Room
	next    *setting.Values
	effects []setting.Effect
}

// Preview says what a policy changes for the record.
func (s step) Preview() []setting.Effect { return s.effects }

// Publish tells the memory how long to keep what.
func (s step) Publish(context.Context) error {
	s.room.d.Memory.SetKeep(keepOf(s.next))
	return nil
}

// Prepare says what the next settings change. Nothing is removed before the
// night.
func (r *Room) Prepare(ctx context.Context, next *setting.Values) (setting.Step, error) {
	now := r.values()
	s := step{room: r, next: next}
	for _, k := range []struct{ key, what string }{
		{keyNames, "Rows of the record"}, {keyWords, "Search words and pages"}, {keyTotals, "Counts"},
	} {
		if was, is := now.Duration(k.key), next.Duration(k.key); is < was {
			s.effects = append(s.effects, setting.Effect{
				Room: "monitoring", Loses: true,
				Words: fmt.Sprintf("%s older than %d days are removed tonight; until now they were kept %d days.", k.what, is/oneDay, was/oneDay),
			})
		}
	}
	shut, err := r.shutOut(ctx, next)
	if err != nil {
		return nil, err
	}
	if shut > 0 {
		s.effects = append(s.effects, setting.Effect{
			Room: "monitoring", Loses: true, Count: shut,
			Words: fmt.Sprintf("%d on the list of monitors can no longer look: they hold none of the posts that the policy names.", shut),
		})
	}
	return s, nil
}

// shutOut counts the listed monitors whom the next settings keep out.
func (r *Room) shutOut(ctx context.Context, next *setting.Values) (int, error) {
	list, err := r.List(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range list.People {
		is, err := r.inPost(ctx, id, next.Items(keyAuthorised))
		if err != nil {
			return 0, err
		}
		was, err := r.inPost(ctx, id, r.values().Items(keyAuthorised))
		if err != nil {
			return 0, err
		}
		if was && !is {
			n++
		}
	}
	return n, nil
}

// inPost says whether the person holds one of the posts; no posts named means
// yes.
func (r *Room) inPost(ctx context.Context, id people.ID, posts []string) (bool, error) {
	if len(posts) == 0 {
		return true, nil
	}
	for _, p := range posts {
		holders, err := r.d.Roll.HoldersAt(ctx, people.Post(p), r.d.Clock.Now())
		if err != nil {
			return false, fmt.Errorf("asking who holds a post: %w", err)
		}
		if slices.ContainsFunc(holders, func(h people.Office) bool { return h.Person.ID == id }) {
			return true, nil
		}
	}
	return false, nil
}

// titleOf says an option in words.
func titleOf(options []setting.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Title
		}
	}
	return value
}
