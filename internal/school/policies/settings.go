package policies

import (
	"time"

	"belisha/internal/kit/setting"
)

const day = 24 * time.Hour

// approvers are who may have to approve a policy: posts, and bodies whose
// decision somebody records with its minute.
var approvers = []setting.Option{
	{Value: "headteacher", Title: "the headteacher", Words: []string{"headteacher", "head teacher", "head"}},
	{Value: "senior-leadership", Title: "the senior leadership team", Words: []string{"senior leadership team", "senior team", "SLT", "leadership team"}},
	{Value: "governing-body", Title: "the governing body", Words: []string{"governing body", "governors", "board of governors", "the board"}},
	{Value: "chair-of-governors", Title: "the chair of governors", Words: []string{"chair of governors", "chair"}},
	{Value: "safeguarding-governor", Title: "the safeguarding governor", Words: []string{"safeguarding governor", "link governor"}},
	{Value: "safeguarding-lead", Title: "the designated safeguarding lead", Words: []string{"designated safeguarding lead", "safeguarding lead", "DSL"}},
	{Value: "online-safety-lead", Title: "the online-safety lead", Words: []string{"online safety lead"}},
	{Value: "staff", Title: "the staff", Words: []string{"all staff", "teaching staff"}},
	{Value: "parent-association", Title: "the parents' association", Words: []string{"parents' association", "parents", "PTA", "parent teacher association"}},
	{Value: "pupils", Title: "the pupils", Words: []string{"school council", "pupil council"}},
	{Value: "partners", Title: "partner bodies", Words: []string{"other stakeholders", "stakeholders", "the hospital", "hospital trust"}},
}

// Settings are the room's settings.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: "policies.review", Title: "How long the policy stands before it is reviewed",
			Help: "Counted from the day of its last approval. After that day it shows as not being kept.",
			Kind: setting.Duration, Min: 30 * day, Max: 3 * 365 * day, Default: "12 months",
			Requirements: []string{"POL-02"},
			Advice:       "Guidance for schools in England asks for a review at least once a year (Keeping children safe in education).",
		},
		{
			Key: "policies.approvers", Title: "Who must approve the policy",
			Help: "Posts and bodies. A body's decision is recorded with its minute, or as given on paper.",
			Kind: setting.List, Options: approvers, Default: "headteacher and governing body",
			Requirements: []string{"POL-01"},
		},
		{
			Key: "policies.security-review", Title: "How long the part on security stands before staff look at it again",
			Help: "A shorter cycle beside the review of the whole.",
			Kind: setting.Duration, Min: 30 * day, Max: 2 * 365 * day, Default: "12 months",
			Requirements: []string{"POL-17"},
		},
		{
			Key: "policies.trigger.max-age", Title: "How long something that calls for an early review may wait",
			Help: "New technology, new guidance or a change in the law.",
			Kind: setting.Duration, Min: day, Max: 180 * day, Default: "30 days",
			Requirements: []string{"POL-03"},
		},
	}
}

// approverTitle says a role in words.
func approverTitle(role string) string {
	for _, o := range approvers {
		if o.Value == role {
			return o.Title
		}
	}
	return role
}
