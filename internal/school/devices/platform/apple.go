package platform

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// dict is a property list's dictionary; order is kept, so that the same facts
// give the same file.
type dict []pair

type pair struct {
	key   string
	value any // string, bool, int, []byte, dict, []any
}

// writePlist writes one value as Apple's XML.
func writePlist(b *strings.Builder, indent string, v any) {
	switch x := v.(type) {
	case string:
		b.WriteString(indent + "<string>" + text(x) + "</string>\n")
	case bool:
		fmt.Fprintf(b, "%s<%t/>\n", indent, x)
	case int:
		fmt.Fprintf(b, "%s<integer>%d</integer>\n", indent, x)
	case []byte:
		b.WriteString(indent + "<data>" + base64.StdEncoding.EncodeToString(x) + "</data>\n")
	case []any:
		b.WriteString(indent + "<array>\n")
		for _, e := range x {
			writePlist(b, indent+"  ", e)
		}
		b.WriteString(indent + "</array>\n")
	case dict:
		b.WriteString(indent + "<dict>\n")
		for _, p := range x {
			b.WriteString(indent + "  <key>" + text(p.key) + "</key>\n")
			writePlist(b, indent+"  ", p.value)
		}
		b.WriteString(indent + "</dict>\n")
	}
}

// text escapes words for XML.
func text(s string) string {
	var b strings.Builder
	// A strings.Builder takes every write.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// uuid is an id that is the school's for that part of that profile, whenever
// it is made: a newer profile replaces the older one on the device.
func (f Facts) uuid(part string) string {
	h := sha256.Sum256([]byte("belisha profile\x00" + f.SchoolID + "\x00" + part))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, made by us
	s := strings.ToUpper(hex.EncodeToString(h[:16]))
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// payload is the frame that every part of a profile has.
func (f Facts) payload(kind, part, title string, more ...pair) dict {
	out := dict{
		{"PayloadType", kind},
		{"PayloadVersion", 1},
		{"PayloadIdentifier", "belisha." + part + "." + f.uuid(part)},
		{"PayloadUUID", f.uuid(part)},
		{"PayloadDisplayName", title},
	}
	return append(out, more...)
}

// profile is a whole profile around its parts.
func (f Facts) profile(part, title, says string, content []any) []byte {
	whole := f.payload("Configuration", part, title,
		pair{"PayloadDescription", says}, pair{"PayloadOrganization", f.School},
		pair{"PayloadScope", "System"}, pair{"PayloadContent", content})
	var b strings.Builder
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n")
	writePlist(&b, "", whole)
	b.WriteString("</plist>\n")
	return []byte(b.String())
}

// roots are the certificates as parts of a profile.
func (f Facts) roots() ([]any, error) {
	var out []any
	for _, c := range []struct {
		pem               []byte
		part, file, title string
	}{
		{f.Certificate, "root", NameCA, "The school's certificate"},
		{f.UpstreamCertificate, "upstream-root", NameUpstreamCA, "The other filter's certificate"},
	} {
		if len(c.pem) == 0 {
			continue
		}
		der, err := Certificate(c.pem)
		if err != nil {
			return nil, err
		}
		out = append(out, f.payload("com.apple.security.root", c.part, c.title,
			pair{"PayloadCertificateFileName", c.file}, pair{"PayloadContent", der}))
	}
	return out, nil
}

// apple is the profile that leads an iPad or a Mac on the school's Wi-Fi
// through the PAC, and brings the certificates. It holds no password: the
// device keeps the one that it joined the network with, or the management
// system sends one.
func apple(f Facts) ([]byte, error) {
	if f.Proxy == "" || f.SSID == "" {
		return nil, ErrClosed
	}
	content, err := f.roots()
	if err != nil {
		return nil, err
	}
	direct := f.Upstream // only then may a device go on when the PAC cannot be had
	wifi := f.payload("com.apple.wifi.managed", "wifi", "School Wi-Fi through the filter",
		pair{"SSID_STR", f.SSID}, pair{"HIDDEN_NETWORK", false}, pair{"AutoJoin", true}, pair{"EncryptionType", "Any"},
		pair{"ProxyType", "Auto"}, pair{"ProxyPACURL", f.PACURL()}, pair{"ProxyPACFallbackAllowed", direct},
		pair{"CaptiveBypass", false})
	return f.profile("apple", "School filter", "Leads this device through the school's filter when it is on the school's Wi-Fi.", append(content, wifi)), nil
}

// appleDNS is the profile for devices that are led by DNS alone. Apple's
// devices take encrypted DNS only, so it needs a server that speaks it: one
// that the school named, or the filter's own.
func appleDNS(f Facts) ([]byte, error) {
	settings, more := f.appleNames()
	if len(settings) == 0 {
		return nil, ErrNone
	}
	content, err := f.roots()
	if err != nil {
		return nil, err
	}
	part := f.payload("com.apple.dnsSettings.managed", "dns", "School DNS",
		append([]pair{{"DNSSettings", settings}, {"ProhibitDisablement", true}}, more...)...)
	return f.profile("apple-dns", "School DNS", "Names are looked up by the school's filter.", append(content, part)), nil
}

// appleNames says whom a device asks, and when. The filter's own door is found
// on the school's Wi-Fi alone: elsewhere the device asks whom it likes, or it
// would find nothing at all.
func (f Facts) appleNames() (settings dict, more []pair) {
	if f.DoT != "" {
		settings = dict{{"DNSProtocol", "TLS"}, {"ServerName", f.DoT}}
		if f.DNS != "" {
			settings = append(settings, pair{"ServerAddresses", []any{f.DNS}})
		}
		return settings, nil
	}
	own := f.OwnDNS
	if own.At == "" || f.SSID == "" {
		return nil, nil
	}
	settings = dict{{"DNSProtocol", "TLS"}, {"ServerName", f.Host}}
	if own.DoHPort != 0 {
		host := f.Host
		if own.DoHPort != 443 {
			host += ":" + strconv.Itoa(int(own.DoHPort))
		}
		settings = dict{{"DNSProtocol", "HTTPS"}, {"ServerURL", "https://" + host + "/dns-query{?dns}"}}
	}
	return append(settings, pair{"ServerAddresses", []any{own.At}}), []pair{{"OnDemandRules", []any{
		dict{{"Action", "Connect"}, {"SSIDMatch", []any{f.SSID}}},
		dict{{"Action", "Disconnect"}},
	}}}
}
