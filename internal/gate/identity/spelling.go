package identity

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxName = 256

// Spellings reads a name as proxies and directories give it, in the spellings
// by which somebody may be known: plain, or in base64 where that is agreed or
// what comes out says what it is. "DOMAIN\mia", "mia@SCHOOL.TEST",
// "WinNT://DOMAIN/mia" and "LDAP://dc/CN=mia,OU=7B" all mean mia. A machine's
// own name ("PC7$") is nobody's.
func Spellings(value string, encoded bool) []string {
	if plain, ok := decoded(value); ok && (encoded || strings.Contains(plain, "://")) {
		value = plain
	}
	if _, rest, ok := strings.Cut(value, "://"); ok {
		value = rest[strings.LastIndexByte(rest, '/')+1:]
		value = inDirectory(value)
	}
	value = value[strings.LastIndexByte(value, '\\')+1:]
	if !IsName(value) {
		return nil
	}
	out := []string{value}
	if user, _, ok := strings.Cut(value, "@"); ok && user != "" {
		out = append(out, user)
	}
	return out
}

func decoded(value string) (string, bool) {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(value)
	}
	if err != nil || !utf8.Valid(raw) {
		return "", false
	}
	return string(raw), true
}

// inDirectory is the value of the first part of a directory's name for
// somebody.
func inDirectory(value string) string {
	first, _, _ := strings.Cut(value, ",")
	if key, name, ok := strings.Cut(first, "="); ok {
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "cn", "uid", "samaccountname", "userprincipalname":
			return strings.TrimSpace(name)
		}
		return ""
	}
	return value
}

// IsName reports what may be somebody's name.
func IsName(s string) bool {
	return s != "" && s != "-" && len(s) <= maxName && utf8.ValidString(s) && !strings.HasSuffix(s, "$") &&
		!strings.ContainsFunc(s, unicode.IsControl)
}
