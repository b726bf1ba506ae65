package lists

import (
	"net/netip"
	"regexp"
	"strings"
)

// sniff guesses the format of one file from its first lines: the one that most
// of them could only be written in.
func sniff(head []byte) Format {
	votes := map[Format]int{}
	for n := 0; len(head) > 0 && n < 400; n++ {
		advance, line, ok := cutLine(head, true)
		if !ok || advance == 0 {
			break
		}
		head = head[advance:]
		text := strings.TrimSpace(strings.TrimPrefix(string(line), "\xef\xbb\xbf"))
		if strings.HasPrefix(text, "[Adblock") {
			return FormatAdblock
		}
		if f := sniffLine(text); f != "" {
			votes[f]++
		}
	}
	best := FormatPlain
	for _, f := range Formats {
		if votes[f] > votes[best] {
			best = f
		}
	}
	return best
}

var (
	sniffDnsmasq = regexp.MustCompile(`^(--)?(address|server|local)=/`)
	sniffUnbound = regexp.MustCompile(`^(local-zone|local-data|server):`)
	sniffSurge   = regexp.MustCompile(`^(- *['"]?)?(DOMAIN|DOMAIN-SUFFIX|DOMAIN-KEYWORD|DOMAIN-REGEX|URL-REGEX|IP-CIDR6?|USER-AGENT|PROCESS-NAME),|^(payload|rules):$|^- *['"]?[+*.a-z0-9]`)
	sniffZone    = regexp.MustCompile(`(?i)^\$(origin|ttl)\b|\s(in\s+)?(soa|ns|cname|a|aaaa|txt)\s+\S`)
	sniffConf    = regexp.MustCompile(`^(dest|destination|src|source|time)\s+\S+.*\{|^acl\s*\{|^(dbhome|logdir)\s|^\s*(domainlist|urllist|expressionlist|pass)\s`)
	sniffRedwood = regexp.MustCompile(`^(\S+\.\S+|/.*/[hdpq]*|<.*>)\s+-?[0-9]+(\s+-?[0-9]+)?$|^default\s+-?[0-9]+$`)
)

func sniffLine(text string) Format {
	if text == "" || isComment(text) && !strings.HasPrefix(text, "//") {
		return ""
	}
	if fields := strings.Fields(text); len(fields) > 1 {
		if _, ok := hostsAddress(fields[0]); ok && !sniffRedwood.MatchString(text) {
			return FormatHosts
		}
	}
	switch {
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"`):
		return FormatJSON
	case sniffDnsmasq.MatchString(text):
		return FormatDnsmasq
	case sniffUnbound.MatchString(text):
		return FormatUnbound
	case sniffSurge.MatchString(text):
		return FormatSurge
	case sniffConf.MatchString(text):
		return FormatConf
	case strings.HasPrefix(text, "||"), strings.HasPrefix(text, "@@"), strings.HasPrefix(text, "|"), styling(text):
		return FormatAdblock
	case sniffRedwood.MatchString(text):
		return FormatRedwood
	case sniffZone.MatchString(text):
		return FormatRPZ
	case strings.HasPrefix(text, "*."), strings.HasPrefix(text, "."):
		return FormatWildcard
	case sniffTable(text):
		return FormatCSV
	}
	return FormatPlain
}

// sniffTable reports a row whose first column is a heading, a name or an
// address.
func sniffTable(text string) bool {
	i := strings.IndexAny(text, ",;\t")
	if i <= 0 || strings.HasPrefix(text, "/") {
		return false
	}
	first := strings.Trim(strings.ToLower(strings.TrimSpace(text[:i])), `"`)
	for _, w := range entryWords {
		if first == w {
			return true
		}
	}
	if _, err := netip.ParseAddr(first); err == nil {
		return true
	}
	_, _, err := One(first)
	return err == nil && !strings.ContainsAny(first, " ")
}
