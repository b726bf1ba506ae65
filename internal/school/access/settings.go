package access

import (
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// The room's settings.
const (
	KeyPasswordAge  = "access.staff.password-max-age"
	KeyIdleLock     = "access.idle-lock"
	KeyTries        = "access.lockout.tries"
	KeyLockFor      = "access.lockout.for"
	KeyMinLength    = "access.password.min-length"
	KeyTemporaryAge = "access.temporary.max-age"
	KeySessionMax   = "access.session.max"
	KeyMustChange   = "access.must-change-first"
	KeyWebSession   = "access.web-session"
	KeyWebIdle      = "access.web-idle"
	KeyDisableAfter = "access.accounts.disable-after"
	KeyFactorPosts  = "access.second-factor.posts"
	KeyFactorGrace  = "access.second-factor.grace"
	KeySharedWindow = "access.shared-use.window"
	KeyRightsReview = "access.rights-review"
	KeyTeachersGive = "access.pupil-passwords.by-teachers"
)

const day = 24 * time.Hour

// Settings is what the school decides about signing in.
func Settings() []setting.Setting {
	return append(passwordSettings(), factorSettings()...)
}

func passwordSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyPasswordAge, Title: "How old a password of staff may get",
			Help: "After this time staff choose a new password before they go on. It holds for staff, governors and contractors.",
			Kind: setting.Duration, Min: 7 * day, Max: 3 * 365 * day, OffAllowed: true, Default: "off", Requirements: []string{"ACC-06"},
			Advice: "The National Cyber Security Centre advises against forced password changes: people choose weaker passwords and write them down. " +
				"It advises a change as soon as anybody may know the password.",
		},
		{
			Key: KeyIdleLock, Title: "How long a session may be left before it locks",
			Help: "When it has locked, both name and password are asked again, and then the reader is back at the same page.",
			Kind: setting.Duration, Min: time.Minute, Max: time.Hour, Default: "10 minutes",
			Scopes: []string{"place", "audience"}, Requirements: []string{"ACC-17", "ACC-18"},
		},
		{
			Key: KeyTries, Title: "Wrong tries before an account rests",
			Help: "Guessing is slow then. Somebody who forgot a password asks for a new one; nobody can look the old one up.",
			Kind: setting.Number, Low: 3, High: 20, Default: "5", Requirements: []string{"ACC-01", "ACC-27"},
		},
		{
			Key: KeyLockFor, Title: "How long an account rests after too many wrong tries",
			Help: "It wakes by itself, so that nobody can lock somebody else out for good.",
			Kind: setting.Duration, Min: time.Minute, Max: day, Default: "15 minutes", Requirements: []string{"ACC-01", "ACC-27"},
		},
		{
			Key: KeyMinLength, Title: "Shortest password",
			Help: "Long and easy to remember beats short and odd. For young pupils a school may say less.",
			Kind: setting.Number, Low: 6, High: 64, Default: "12", Scopes: []string{"audience"}, Requirements: []string{"ACC-05", "ACC-30"},
		},
		{
			Key: KeyTemporaryAge, Title: "How long a temporary password may lie unused",
			Help: "After this time it is worth nothing, and a new one must be asked for.",
			Kind: setting.Duration, Min: time.Hour, Max: 90 * day, Default: "7 days", Requirements: []string{"ACC-07"},
		},
		{
			Key: KeySessionMax, Title: "How long a sign-in lasts at most",
			Help: "However busy somebody is, the password is asked again after this time. Nothing remembers anybody for longer.",
			Kind: setting.Duration, Min: 15 * time.Minute, Max: day, Default: "8 hours", Scopes: []string{"audience"}, Requirements: []string{"ACC-09", "ACC-25"},
		},
		{
			Key: KeyMustChange, Title: "A temporary password is changed at the first sign-in",
			Help: "Whoever printed the slip then no longer knows the password.",
			Kind: setting.YesNo, Default: "yes", Requirements: []string{"ACC-07", "ACC-10"},
		},
		{
			Key: KeyWebSession, Title: "How long a device counts as somebody's after they signed in",
			Help: "When it has run out the device is nobody's, and the strictest rules hold until somebody signs in.",
			Kind: setting.Duration, Min: 10 * time.Minute, Max: day, Default: "8 hours", Scopes: []string{"audience"}, Requirements: []string{"ACC-01", "ACC-04", "FIL-21"},
		},
		{
			Key: KeyWebIdle, Title: "How long a device may lie unused before it is nobody's again",
			Help: "When nothing was asked for and nothing was open on the web for so long, somebody has to sign in anew. Off: only the time since the sign-in counts.",
			Kind: setting.Duration, Min: 5 * time.Minute, Max: day, OffAllowed: true, Default: "1 hour", Scopes: []string{"audience"}, Requirements: []string{"FIL-21", "ACC-01"},
		},
		{
			Key: KeyDisableAfter, Title: "How soon a leaver's account is closed",
			Help: "Nobody can sign in after their last day in any case; this is when the account itself is closed.",
			Kind: setting.Duration, Min: time.Hour, Max: 30 * day, Default: "1 day", Requirements: []string{"ACC-15"},
		},
	}
}

func factorSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyFactorPosts, Title: "Posts whose holders need a second factor to sign in", Kind: setting.List, Options: postOptions(),
			Help:         "Besides the password: the six figures of an app, or a passkey. The IT contractor stands for every contractor's account. Anybody else may add one.",
			Default:      "headteacher, safeguarding-lead, deputy-safeguarding-lead, filter-manager, it-contractor",
			Requirements: []string{"ACC-20", "ACC-27"},
			Advice:       "The Department for Education's cyber security standards ask for it wherever personal or sensitive data can be reached.",
		},
		{
			Key: KeyFactorGrace, Title: "How long a new holder may go without a second factor", Kind: setting.Duration, Max: 14 * day, OffAllowed: true,
			Help: "Off asks for it at the first sign-in. Until it is there, nothing but one's own account opens after this time.", Default: "off",
			Requirements: []string{"ACC-20"},
		},
		{
			Key: KeySharedWindow, Title: "Two places within what time are one too many", Kind: setting.Duration, Min: time.Minute, Max: 2 * time.Hour, OffAllowed: true,
			Help:    "An account that was in use at another place, or by a pupil at another device, so lately is put on a list that somebody looks into. Nobody is shut out by it.",
			Default: "10 minutes", Requirements: []string{"ACC-01", "ACC-04"},
		},
		{
			Key: KeyRightsReview, Title: "How often the head looks at who has the most rights", Kind: setting.Duration, Min: 7 * day, Max: 366 * day,
			Help: "Whoever may change accounts, posts, the filter or the policy.", Default: "90 days", Requirements: []string{"ACC-20"},
		},
		{
			Key: KeyTeachersGive, Title: "Teachers give the pupils of their class new passwords", Kind: setting.YesNo, Default: "no",
			Help: "A pupil who forgot a password gets a temporary one from the teacher of the class. Each is in the journal.", Requirements: []string{"ACC-13"},
		},
	}
}

func postOptions() []setting.Option {
	out := make([]setting.Option, 0, len(people.Posts))
	for _, p := range people.Posts {
		out = append(out, setting.Option{Value: string(p.Post), Title: p.Title, Words: p.Words})
	}
	return out
}

// audience is the scope that settings are read in for a kind of person.
func audience(k people.Kind) setting.Scope { return setting.Scope{Audience: string(k)} }

// ages reports whether the passwords of a kind of person grow old.
func ages(k people.Kind) bool {
	return k == people.Staff || k == people.Governor || k == people.Contractor
}
