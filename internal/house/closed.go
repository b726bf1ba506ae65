package house

import (
	"belisha/internal/gate/porter"
	"belisha/internal/kit/web"
	"belisha/internal/school/help"
)

// severalSays is why somebody with wide rules may meet narrow ones.
const severalSays = " More than one person is signed in on this device or behind its address, so the strictest rules hold. Whoever has finished should sign out."

// standing are the reasons that have nothing to do with the site: a pupil and
// staff read what to do.
var standing = map[string]struct {
	pupil, staff string
	first        web.Link
}{
	"agreement": {
		"You have not signed your school's agreement for using the web yet. Read it and sign it; then the web is open to you at once.",
		"Your signature under the school's agreement for using the web is missing. Read it and sign it; then the web is open to you at once.",
		web.Link{Title: "Read and sign", Path: "/agreement"},
	},
	"unsigned": {
		"Nobody is signed in on this device. Sign in, and then open the page again.",
		"Nobody is signed in on this device, and the school asks for it. Sign in, and then open the page again.",
		web.Link{Title: "Sign in", Path: "/sign-in"},
	},
	"paused": {
		"An adult at school has paused the web for you for a while. Help pages are open.",
		"The web is paused for you. Whoever paused it can end that.",
		web.Link{},
	},
	"class-paused": {
		"Your teacher has paused the web for your class for a while. Help pages are open.",
		"A teacher has paused the web for this class. Whoever paused it can end that on the page My class.",
		web.Link{},
	},
	"focus": {
		"Your teacher has opened some sites for this lesson, and this is not one of them. After the lesson everything is as before.",
		"A teacher has opened only some sites for this class, and this is not one of them. It ends by itself.",
		web.Link{},
	},
	"unsupervised": {
		"Your class uses the web while an adult is with you. Ask your teacher to begin. Help pages are open.",
		"The web of this class is open while somebody supervises it. Begin on the page My class.",
		web.Link{},
	},
	"no-rules": {
		"The school's filter has no rules at the moment, so most pages are closed. Help pages are open.",
		"The filter has no current rules, so it is closed. Tell who looks after it.",
		web.Link{},
	},
}

// staffSays are the reasons in a teacher's words where a category gives none.
var staffSays = map[string]string{
	"own-block": "The school has closed this site itself.",
	"locked":    "It is closed for everybody, and nothing opens it.",
	"unlisted":  "The site is on no list, and your rules open only sites that somebody opened.",
	"private":   "It is an address inside a network, which the filter does not open.",
	"address":   "It is an address without a name, which your rules do not open.",
	"port":      "It is on a port that the filter does not open.",
	"no-name":   "The connection did not say which site it is for.",
	"not-tls":   "The connection is not one of the web.",
	"mismatch":  "The connection asked for one site and meant another, which is closed.",
	"malformed": "The address is not written the way web addresses are.",
	"bypass":    "It is a way round the filter.",

	"phrases":     "The words on it weigh more than the limit for your group.",
	"file":        "It is a kind of file that is closed for your group.",
	"virus":       "The virus scanner found something in it.",
	"unscanned":   "It could not be looked at as it must, so it stays closed.",
	"certificate": "The site could not prove that it is the site it says.",
	"chat":        "What was written to the AI service, or what it answered, is over the limit for your group.",
}

// closedOf puts a block into the words of the help room.
func closedOf(b porter.Block) help.Closed {
	c := help.Closed{
		Host: b.Host, At: b.At, Pupil: b.Pupil, Distress: b.Alert, Staff: b.Teacher,
		Rule: b.Rule, Category: b.Title, Group: b.Group,
	}
	reason := b.Reason
	if b.Class && reason == "paused" {
		reason = "class-paused"
	}
	if says, ok := standing[reason]; ok {
		c.Pupil, c.Staff, c.First = says.pupil, says.staff, says.first
		if b.Reason == "unsupervised" && b.Clause != "" {
			c.Staff += " The policy asks for it in clause " + b.Clause + "."
		}
		if b.Several {
			c.Pupil += severalSays
			c.Staff += severalSays
		}
		for _, host := range b.Sites {
			c.Sites = append(c.Sites, web.Link{Title: host, Path: "https://" + host + "/"})
		}
		return c
	}
	if c.Pupil == "" {
		c.Pupil = "This page is not for school."
	}
	if says := staffSays[b.Reason]; c.Staff == "" || b.Found != "" && says != "" {
		c.Staff = says
	}
	if c.Staff == "" {
		c.Staff = "The current rules close it for your group."
	}
	if b.Found != "" {
		c.Staff += " Found: " + b.Found + "."
	}
	if b.Several {
		c.Pupil += severalSays
		c.Staff += severalSays
	}
	return c
}
