package lists

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// sniff guesses the format of one file from its first lines: the one that most
// of them could only be written in.
func sniff(head []byte) Format {
	if bare := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"); startsJSON(bare) {
		return FormatJSON
	}
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
	sniffDnsmasq = regexp.MustCompile(`^(--)?(address|server|local)\s*=\s*/`)
	sniffUnbound = regexp.MustCompile(`^(local-zone|local-data|server):`)
	sniffSurge   = regexp.MustCompile(`^(- *['"]?)?(DOMAIN|DOMAIN-SUFFIX|DOMAIN-KEYWORD|DOMAIN-REGEX|URL-REGEX|IP-CIDR6?|USER-AGENT|PROCESS-NAME),|^(payload|rules):$|^- *['"]?[+*.a-z0-9]`)
	sniffZone    = regexp.MustCompile(`(?i)^\$(origin|ttl)\b|\s(in\s+)?(soa|ns|cname|a|aaaa|txt)\s+\S`)
	sniffBind    = regexp.MustCompile(`(?i)^zone\s+"?[^"\s{]+"?\s*(in\s*)?\{`)
	sniffSpan    = regexp.MustCompile(`(^|[:\s])[0-9]{1,3}(\.[0-9]{1,3}){3}\s*-\s*[0-9]{1,3}(\.[0-9]{1,3}){3}\s*(,|$)`)
	sniffRegex   = regexp.MustCompile(`^\^|^\((\?:)?(\^|\\\.)\||\\\.[a-z]+\$?(;|$)`)
	sniffConf    = regexp.MustCompile(`^(dest|destination|src|source|time)\s+\S+.*\{|^(acl|default|else|\S+ (within|outside) \S+)\s*\{|^(dbhome|logdir)\s|^\s*(domainlist|urllist|expressionlist|pass)\s`)
	sniffRedwood = regexp.MustCompile(`^(\S+\.\S+|/.*/[hdpq]*|<.*>)\s+-?[0-9]+(\s+-?[0-9]+)?$|^default\s+-?[0-9]+$`)
)

// startsJSON reports what only a JSON document begins with.
func startsJSON(head []byte) bool {
	if len(head) == 0 || head[0] != '[' && head[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(head[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '{' && head[0] == '[')
}

func sniffLine(text string) Format {
	if text == "" || text == "{" || text == "}" || isComment(text) && !strings.HasPrefix(text, "//") {
		return ""
	}
	if sniffSpan.MatchString(text) {
		return FormatP2P
	}
	if fields := strings.Fields(text); len(fields) > 1 {
		if _, ok := hostsAddress(fields[0]); ok && !sniffRedwood.MatchString(text) {
			return FormatHosts
		}
	}
	switch {
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"`):
		return FormatJSON
	case sniffBind.MatchString(text):
		return FormatBind
	case sniffRegex.MatchString(text):
		return FormatRegex
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

// sniffTable reports a heading, or a row with a name or an address in one of
// its first columns.
func sniffTable(text string) bool {
	if strings.HasPrefix(text, "/") {
		return false
	}
	columns := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\t' })
	if len(columns) < 2 && !strings.ContainsAny(text, ",;\t") {
		return false
	}
	for _, c := range columns[:min(3, len(columns))] {
		word := strings.Trim(strings.ToLower(strings.TrimSpace(c)), `"`)
		if slices.Contains(entryWords, word) {
			return true
		}
		if _, _, err := One(word); err == nil && !strings.Contains(word, " ") {
			return true
		}
	}
	return false
}
