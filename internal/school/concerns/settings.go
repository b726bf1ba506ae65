package concerns

import (
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// The room's settings.
const (
	keyTargetUrgent = "concerns.target.urgent"
	keyTargetHigh   = "concerns.target.high"
	keyTargetNormal = "concerns.target.normal"
	keyReferral     = "concerns.referral-within"
	keyParents      = "concerns.parents"
	keySanctions    = "concerns.sanctions"
	keySecurity     = "concerns.receivers.security"
	keyBehaviour    = "concerns.receivers.behaviour"
	keyHeadSees     = "concerns.head-sees-child-protection"
	keyKeep         = "concerns.keep"
	keyQuiet        = "concerns.quiet-after"
	keyTrends       = "concerns.trends.every"
	keyWatchHours   = "concerns.evenings.hours"
)

const oneDay = 24 * time.Hour

// receiverPosts may be listed as receivers of behaviour and of security.
var receiverPosts = []people.Post{
	people.SafeguardingLead, people.DeputySafeguardingLead, people.OnlineSafetyLead, people.Headteacher,
	people.DeputyHead, people.AssistantHead, people.OfficeManager, people.BusinessManager, people.DataManager,
}

func receiverOptions() []setting.Option {
	var out []setting.Option
	for _, p := range receiverPosts {
		i, ok := p.Info()
		if ok {
			out = append(out, setting.Option{Value: string(p), Title: i.Title, Words: i.Words})
		}
	}
	return out
}

// Sanctions are the graded answers to what somebody did, mildest first.
var Sanctions = []setting.Option{
	{Value: "talk", Title: "a talk or counselling", Words: []string{"counselling", "an interview", "interview or counselling", "a conversation"}},
	{Value: "parents", Title: "telling parents", Words: []string{"parents informed", "informing parents"}},
	{Value: "internet", Title: "withdrawal of the internet for a time", Words: []string{"removal of internet access", "withdrawal of internet access", "withdrawal of services", "loss of internet access"}},
	{Value: "equipment", Title: "withdrawal of equipment for a time", Words: []string{"removal of computer access", "withdrawal of hardware", "withdrawal of equipment", "withdrawal of software"}},
	{Value: "discipline", Title: "disciplinary procedure", Words: []string{"discipline", "disciplinary action"}},
	{Value: "suspension", Title: "suspension"},
	{Value: "dismissal", Title: "dismissal"},
	{Value: "authority", Title: "referral to the local authority", Words: []string{"referral to the authority", "local authority"}},
	{Value: "police", Title: "referral to the police", Words: []string{"police"}},
}

// The ways of telling parents.
const (
	parentsAlways    = "always"
	parentsConcerned = "if-concerned"
)

// Settings is the doorplate's list of what the school decides about concerns.
func Settings() []setting.Setting {
	return append(append(timeSettings(), waySettings()...), keepSettings()...)
}

func timeSettings() []setting.Setting {
	target := func(key, how, usual string) setting.Setting {
		return setting.Setting{
			Key: key, Title: "How soon somebody acts on " + how + " concern", Kind: setting.Duration, Min: 10 * time.Minute, Max: 60 * oneDay,
			Help:    "From the report to the first thing that is done. Out of school hours the time begins when school next opens; days are school days.",
			Default: usual, Requirements: []string{"INC-18"},
		}
	}
	return []setting.Setting{
		target(keyTargetUrgent, "an urgent", "1 hour"),
		target(keyTargetHigh, "a high", "1 school day"),
		target(keyTargetNormal, "any other", "3 school days"),
		{
			Key: keyReferral, Title: "How soon it is decided whether police or authority are told", Kind: setting.Duration, Min: 10 * time.Minute, Max: 7 * oneDay,
			Help: "For what may be against the law, and for disturbing contact. A decision not to is written with its reason.", Default: "1 hour",
			Requirements: []string{"INC-14", "INC-15"},
		},
		{
			Key: keyQuiet, Title: "How long without a concern before somebody is asked whether there is nothing to record", Kind: setting.Duration,
			OffAllowed: true, Min: 5 * oneDay, Max: 366 * oneDay, Default: "30 days", Requirements: []string{"INC-01"},
		},
		{
			Key: keyTrends, Title: "How often the head and the leads read the trends", Kind: setting.Duration, Min: 7 * oneDay, Max: 366 * oneDay,
			Default: "a term", Requirements: []string{"INC-02", "INC-21"},
		},
	}
}

func waySettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyParents, Title: "When parents are told of an incident with their child", Kind: setting.Choice,
			Options: []setting.Option{
				{Value: parentsAlways, Title: "always", Words: []string{"are told", "always told", "are always told", "must be told"}},
				{Value: parentsConcerned, Title: "when we are concerned", Words: []string{"if we are concerned", "may be contacted", "may be told", "when concerned"}},
			},
			Help:    "A case of a child is closed only with a record that parents were told, or why not.",
			Default: "always", Requirements: []string{"INC-16"},
		},
		{
			Key: keySanctions, Title: "The sanctions that may be given", Kind: setting.List, Options: Sanctions,
			Help:         "Each has a grade, on whom it falls, who approved it, and an end. The internet is withdrawn from a pupil by the filter itself, which gives it back at the end; every other sanction is recorded.",
			Default:      "a talk or counselling, telling parents, withdrawal of the internet for a time, withdrawal of equipment for a time, referral to the local authority, referral to the police",
			Requirements: []string{"INC-09"},
		},
		{
			Key: keySecurity, Title: "Who receives security incidents", Kind: setting.List, Options: receiverOptions(),
			Help:    "They see security incidents, and no child-protection case.",
			Default: "online-safety lead, head teacher", Requirements: []string{"INC-04", "INC-05"},
		},
		{
			Key: keyBehaviour, Title: "Who receives what goes by the behaviour policy", Kind: setting.List, Options: receiverOptions(),
			Default: "designated safeguarding lead, deputy safeguarding lead", Requirements: []string{"INC-05", "INC-23"},
		},
		{
			Key: keyHeadSees, Title: "Whether the head teacher reads child-protection cases", Kind: setting.YesNo,
			Help:    "If not, the head sees how many wait and for how long, and a single case when the lead names the head for it.",
			Default: "no", Requirements: []string{"INC-23"},
		},
	}
}

func keepSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyKeep, Title: "Until which birthday of the child a closed case is kept", Kind: setting.Number, Low: 7, High: 100,
			Help:    "Counted from the youngest child in it; where none is known, from the year of the report. A legal hold keeps it longer.",
			Default: "25", Requirements: []string{"INC-01"},
		},
		{
			Key: keyWatchHours, Title: "Hours outside school in which somebody has agreed to read what pupils tell", Kind: setting.Span, OffAllowed: true,
			Help: "They count only while somebody who is told of concerns has agreed to be told then, on their own page “Mails”. At other times the page says at once that nobody reads it before school opens.", Default: "off",
			Requirements: []string{"PUP-01"},
		},
	}
}

// Severities are how urgent a case is.
var Severities = []setting.Option{
	{Value: "3", Title: "Urgent"},
	{Value: "2", Title: "High"},
	{Value: "1", Title: "Normal"},
}

func severityTitle(risk int) string {
	switch {
	case risk >= 3:
		return "Urgent"
	case risk == 2:
		return "High"
	default:
		return "Normal"
	}
}

// target is the time from the report to the first thing done.
func (r *Room) target(risk int) time.Duration {
	key := keyTargetNormal
	if risk >= 3 {
		key = keyTargetUrgent
	} else if risk == 2 {
		key = keyTargetHigh
	}
	return r.values().Duration(key)
}

// dueAfter is when something is due that begins to count at a moment: hours
// run from the opening of school, whole days are school days.
func dueAfter(cal *people.Calendar, from time.Time, d time.Duration) time.Time {
	if d < oneDay {
		return from.Add(d)
	}
	return cal.AddSchoolDays(from, int(d/oneDay)).Add(d % oneDay)
}
