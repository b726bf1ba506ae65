package porter

import (
	"slices"

	"belisha/internal/verdict"
)

// check is one address at which a system finds out whether it is online.
type check struct {
	host string
	path string // "" for any
}

// checks are those of Apple, Google, Microsoft, Firefox and the common Linux
// desktops. Where a host serves more than its check, the path is named.
var checks = []check{
	{"captive.apple.com", ""},
	{"www.apple.com", "/library/test/success.html"},
	{"connectivitycheck.gstatic.com", ""},
	{"connectivitycheck.android.com", ""},
	{"clients1.google.com", "/generate_204"},
	{"clients3.google.com", "/generate_204"},
	{"www.google.com", "/generate_204"},
	{"www.google.com", "/gen_204"},
	{"www.gstatic.com", "/generate_204"},
	{"play.googleapis.com", "/generate_204"},
	{"www.msftconnecttest.com", ""},
	{"ipv6.msftconnecttest.com", ""},
	{"www.msftncsi.com", ""},
	{"ipv6.msftncsi.com", ""},
	{"detectportal.firefox.com", ""},
	{"nmcheck.gnome.org", ""},
	{"connectivity-check.ubuntu.com", ""},
	{"network-test.debian.org", ""},
	{"fedoraproject.org", "/static/hotspot.txt"},
}

// CaptiveCheck reports the page by which a device finds out whether it is
// online.
func CaptiveCheck(host, path string) bool {
	return slices.ContainsFunc(checks, func(c check) bool { return c.host == host && (c.path == "" || c.path == path) })
}

// CaptiveHost reports a name that is there for such checks and nothing else.
func CaptiveHost(host string) bool {
	return slices.ContainsFunc(checks, func(c check) bool { return c.host == host && c.path == "" })
}

// SignsIn reports that a device's check is to lead to sign-in: the rules close
// the web to whoever has not signed in, or nobody has at an address that is no
// device of the school's.
func (a *Answer) SignsIn() bool {
	switch {
	case a.Verdict.Reason == verdict.ReasonUnsigned:
		return true
	case a.Who.Signed || a.Who.Device != "":
		return false
	}
	return a.Verdict.Action != verdict.Block || a.Verdict.Reason == verdict.ReasonUnlisted
}
