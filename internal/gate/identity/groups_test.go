package identity_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"belisha/internal/gate/identity"
)

func TestGroupsAreReadInEverySpelling(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name, value string
		encoded     bool
		want        string
	}{
		{"a name", "Pupils", false, "pupils"},
		{"several", `HILL\Pupils, HILL\Year 7`, false, "pupils|year 7"},
		{"addresses in base64", b64("WinNT://HILL/Pupils, WinNT://HILL/Domain Users"), false, "pupils|domain users"},
		{"addresses in the open", "WinNT://HILL/Pupils,Local://Guests", false, "pupils|guests"},
		{"of a directory, with commas of its own", b64("LDAP://dc.hill.test/CN=Pupils,OU=Groups,DC=hill, LDAP://dc.hill.test/CN=Choir,OU=Groups,DC=hill"), false, "pupils|choir"},
		{"of a directory, and no group's", b64("LDAP://dc.hill.test/OU=Groups,DC=hill"), false, ""},
		{"base64, as was agreed", b64("Pupils"), true, "pupils"},
		{"nothing", "", false, ""},
		{"commas alone", ",,,", false, ""},
		{"more than anybody is in", strings.Repeat("a,", 500), false, strings.TrimSuffix(strings.Repeat("a|", 64), "|")},
	} {
		if got := strings.Join(identity.Groups([]string{c.value}, c.encoded), "|"); got != c.want {
			t.Errorf("%s: %q, and it should be %q", c.name, got, c.want)
		}
	}
}

// FuzzGroups: whatever a proxy writes, what comes out are names, and few.
func FuzzGroups(f *testing.F) {
	for _, s := range []string{"Pupils", `HILL\A, HILL\B`, "WinNT://HILL/A, LDAP://dc/CN=B,OU=C", "V2luTlQ6Ly9ISUxML0E=", ",,://,", "a://b,c://"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, value string, encoded bool) {
		got := identity.Groups([]string{value, value}, encoded)
		if len(got) > 64 {
			t.Errorf("%d groups", len(got))
		}
		for _, name := range got {
			if !identity.IsName(name) {
				t.Errorf("%q is no name", name)
			}
		}
	})
}
