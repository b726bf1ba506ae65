package blockpage

// says is what a page says about a reason: a title, and a sentence for each
// reader. Where a sentence is empty, the usual one stands.
type says struct{ title, pupil, staff, guest string }

// said are the reasons for which something else is said than that a site is
// closed: what was found inside, and what has nothing to do with the site.
var said = map[string]says{
	"phrases": {
		"This page is closed", "",
		"The words on this page weigh more than the rules of your group allow.",
		"The words on this page weigh more than the school's rules for guests allow.",
	},
	"file": {
		"This file is closed",
		"Files of this kind are not opened at school, because they can harm its computers. If you need it for your work, you can ask for it.",
		"Files of this kind are closed for your group, because they can harm the school's computers. You can ask for this one.",
		"Files of this kind are closed for guests of the school.",
	},
	"virus": {
		"This file is not safe",
		"Something harmful was found in it, so it was stopped. Your computer is all right. If you did not expect this file, tell an adult at school.",
		"The virus scanner found something harmful in it. It is closed for everybody, and nothing of it has reached your device.",
		"The virus scanner found something harmful in it. Nothing of it has reached your device.",
	},
	"unscanned": {
		"This file could not be checked",
		"It could not be looked at for anything harmful, so it stays closed for now. Try again later, or ask an adult at school.",
		"It could not be looked at as the rules ask: the scanner may be away, or the file too large, locked, or packed too often.",
		"It could not be looked at for anything harmful, so it stays closed. Try again later.",
	},
	"certificate": {
		"This site cannot show who it is",
		"Somebody else could be pretending to be this site, so it stays closed. Check how the address is written. If it is right, tell an adult at school.",
		"The site's certificate does not prove that it is the site it says it is. Somebody could be in between, so it stays closed.",
		"The site's certificate does not prove that it is the site it says it is, so it stays closed.",
	},
	"chat": {
		"This message was stopped",
		"What was written is not for school. You are not in trouble for wondering about something. If anything is on your mind, an adult you trust will listen.",
		"What was written to this service, or what it answered, is closed by the rules of your group.",
		"What was written to this service, or what it answered, is closed by the school's rules.",
	},
	"focus": {
		"Not in this lesson",
		"Your teacher has opened some sites for this lesson, and this is not one of them. After the lesson everything is as before.",
		"A class has only some sites open during its lesson, and this is not one of them.",
		"",
	},
	"unsupervised": {
		"The web waits for an adult",
		"Your class uses the web while an adult is with you. Ask your teacher to begin. Help pages are open.",
		"The web of this class is open while somebody supervises it, and nobody does at the moment.",
		"",
	},
	"bypass": {
		"This page is closed",
		"This would lead past the school's filter, so it is closed.",
		"This would lead past the school's filter: names, relays or tunnels of other people's.",
		"This would lead past the school's filter, so it is closed.",
	},
	"mismatch": {
		"This page is closed", "",
		"The address and the site behind it are not the same, and one of them is closed.", "",
	},
	"zone": {
		"This page is closed", "",
		"A list of names that the school takes from somebody else closes it.", "",
	},
}

// insideWords are the words about a reason of its own, if it is one.
func insideWords(v View) (title, lead string, ok bool) {
	s, ok := said[v.Reason]
	if !ok {
		return "", "", false
	}
	switch v.Reader {
	case Staff:
		lead = s.staff
	case Guest:
		lead = s.guest
	default:
		lead = s.pupil
		// Whoever looks over a child's shoulder learns nothing from the page,
		// and neither does the child: not that there were words, nor which.
		if v.Quiet && (v.Reason == "phrases" || v.Reason == "chat") {
			lead = quiet
		}
	}
	switch {
	case lead != "":
	case v.Reader == Guest:
		lead = guest
	case v.Quiet || v.Pupil == "":
		lead = quiet
	default:
		lead = v.Pupil
	}
	if v.Reason == "unsupervised" && v.Clause != "" {
		lead += " The school's rules ask for it in clause " + v.Clause + "."
	}
	return s.title, lead, true
}

// guest is what a visitor of the school reads about a site.
const guest = "The school's rules for guests close this page."

// settled are the reasons about which asking to have the site opened is of no
// use: it is not the site that is closed.
func settled(reason string) bool {
	switch reason {
	case "virus", "unscanned", "certificate", "chat", "focus", "unsupervised":
		return true
	}
	return false
}
