package identity

import (
	"regexp"
	"strings"
)

const maxGroups = 64

// nextGroup is where one address of a group ends and the next begins: within
// one of a directory there are commas too.
var nextGroup = regexp.MustCompile(`,\s*[A-Za-z]+://`)

// Groups are the names of the groups that a listed proxy says somebody is in,
// without domain and in small letters. They come as names or as addresses such
// as "WinNT://HILL/Pupils" and "LDAP://dc/CN=Pupils,OU=Groups", several with
// commas between them, and all of it may be in base64.
func Groups(values []string, encoded bool) []string {
	var out []string
	for _, value := range values {
		if plain, ok := decoded(value); ok && (encoded || strings.Contains(plain, "://")) {
			value = plain
		}
		for _, one := range splitGroups(value) {
			list := Spellings(strings.TrimSpace(one), false)
			if len(list) > 0 && len(out) < maxGroups {
				out = append(out, strings.ToLower(list[0]))
			}
		}
	}
	return out
}

func splitGroups(value string) []string {
	if !strings.Contains(value, "://") {
		return strings.Split(value, ",")
	}
	var out []string
	for {
		at := nextGroup.FindStringIndex(value)
		if at == nil {
			return append(out, value)
		}
		out = append(out, value[:at[0]])
		value = value[at[0]+1:]
	}
}
