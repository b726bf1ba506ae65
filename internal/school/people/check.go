package people

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"belisha/internal/kit/store"
)

// Longest values that are kept. A name longer than this is a mistake.
const (
	maxName = 100
	maxID   = 60
	maxMail = 254
)

// clean makes one line of what was typed: composed letters, single spaces, no
// control characters or invisible marks that turn text around.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u00a0':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u200b', r == '\ufeff':
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, ""))
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}

// fold makes what is searched and sorted: lower case, without accents.
func fold(s string) string {
	t := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	out, _, err := transform.String(t, s)
	if err != nil {
		out = s
	}
	return strings.ToLower(strings.NewReplacer("ł", "l", "Ł", "l", "ø", "o", "Ø", "o", "’", "'", "ß", "ss").Replace(out))
}

// Normal returns p with its values as they are kept.
func (p Person) Normal() Person {
	for _, f := range []*string{&p.Given, &p.Family, &p.Preferred, &p.Class, &p.MIS, &p.Sourced, &p.Email} {
		*f = clean(*f)
	}
	p.Username = strings.ToLower(clean(p.Username))
	p.UPN = strings.ToUpper(strings.ReplaceAll(clean(p.UPN), " ", ""))
	if p.Preferred == p.Given {
		p.Preferred = ""
	}
	if p.Site == "" {
		p.Site = MainSite
	}
	if p.Source == "" {
		p.Source = SourceHand
	}
	return p
}

// Check says, field by field, what is wrong with a person.
func (p Person) Check() error {
	bad := store.Invalid{}
	if !slices.Contains(Kinds, p.Kind) {
		bad["kind"] = "say what the person is to the school: pupil, staff, parent, governor, visitor or contractor"
	}
	p.checkNames(bad)
	p.checkIDs(bad)
	p.checkDays(bad)
	if p.Year != "" && p.Kind != Pupil {
		bad["year"] = "only pupils have a year group"
	}
	return bad.OrNil()
}

func (p Person) checkNames(bad store.Invalid) {
	if p.Given == "" && p.Family == "" {
		bad["given"] = "give a name"
	} else if p.Given == "" {
		bad["given"] = "give a first name"
	} else if p.Family == "" {
		bad["family"] = "give a family name; where somebody has only one name, write it in both places"
	}
	for field, v := range map[string]string{"given": p.Given, "family": p.Family, "preferred": p.Preferred, "class": p.Class} {
		if len([]rune(v)) > maxName {
			bad[field] = "this is longer than 100 letters; shorten it"
		}
	}
}

func (p Person) checkIDs(bad store.Invalid) {
	for field, v := range map[string]string{"upn": p.UPN, "mis": p.MIS, "username": p.Username, "site": p.Site} {
		if len(v) > maxID {
			bad[field] = "this is longer than 60 letters; shorten it"
		}
	}
	if len(p.Sourced) > maxMail {
		bad["sourced"] = "this id is longer than 254 letters"
	}
	if p.Email != "" && !plausibleMail(p.Email) {
		bad["email"] = "“" + cut(p.Email, 60) + "” is not an e-mail address"
	}
	if !plausibleUsername(p.Username) {
		bad["username"] = "a username has no colons, slashes, angle brackets or quotation marks"
	}
}

func (p Person) checkDays(bad store.Invalid) {
	for field, d := range map[string]Day{"born": p.Born, "from": p.From, "until": p.Until} {
		if d != "" && !d.Valid() {
			bad[field] = "“" + cut(string(d), 30) + "” is not a day in the calendar; write it as 23/11/2026"
		}
	}
	if p.From != "" && p.Until != "" && p.Until < p.From {
		bad["until"] = "the last day is before the first"
	}
}

// plausibleUsername: spaces are odd, but systems make them out of double
// names; a colon cannot be sent to a proxy.
func plausibleUsername(s string) bool { return !strings.ContainsAny(s, ":\"<>/\\") }

func plausibleMail(s string) bool {
	at := strings.IndexByte(s, '@')
	return len(s) <= maxMail && at > 0 && at < len(s)-1 && strings.Count(s, "@") == 1 && !strings.ContainsAny(s, " <>,;\"")
}

// Site returns a site's short name from what a roll calls it: "North Campus"
// is "north-campus".
func siteName(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range fold(clean(s)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			dash = false
		} else {
			dash = true
		}
	}
	if b.Len() == 0 {
		return MainSite
	}
	return b.String()
}

// upnFault says what is wrong with a unique pupil number, "" for nothing, and
// whether it has at least the shape of one. A number of the right shape with
// a wrong letter is mistyped somewhere; it still tells pupils apart.
func upnFault(upn string) (fault string, shaped bool) {
	const letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
	if len(upn) != 13 {
		return "a unique pupil number has 13 places, a letter and 12 figures", false
	}
	sum := 0
	for i := 1; i < 13; i++ {
		n := int(upn[i] - '0')
		if upn[i] < '0' || upn[i] > '9' {
			n = strings.IndexByte(letters, upn[i])
			if i != 12 || n < 0 {
				return "a unique pupil number is a letter and 12 figures", false
			}
		}
		sum += (i + 1) * n
	}
	at := strings.IndexByte(letters, upn[0])
	if at < 0 {
		return "a unique pupil number begins with its check letter", false
	}
	if at != sum%23 {
		return "the check letter of this unique pupil number does not fit its figures; one of them is mistyped", true
	}
	return "", true
}
