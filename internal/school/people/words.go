package people

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// KindWords says a kind with its article: "a pupil", "a member of staff".
func KindWords(k Kind) string {
	switch k {
	case Staff:
		return "a member of staff"
	case "":
		return "nobody known"
	default:
		return "a " + string(k)
	}
}

// KindTitle is what a list of the kind is called.
func KindTitle(k Kind) string {
	switch k {
	case Pupil:
		return "Pupils"
	case Staff:
		return "Staff"
	case Parent:
		return "Parents and carers"
	case Governor:
		return "Governors"
	case Visitor:
		return "Visitors"
	case Contractor:
		return "Contractors"
	default:
		return string(k)
	}
}

// lowerFirst makes a title fit into a sentence; "IT contractor" stays.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return strings.ToLower(string(r)) + s[n:]
}
