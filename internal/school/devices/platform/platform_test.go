package platform_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"belisha/internal/school/devices/platform"
)

func facts() platform.Facts {
	return platform.Facts{
		School: "Ashdown Vale & St Anne's", SchoolID: "0b9a7c1e-0000-4000-8000-000000000001", Host: "belisha.ashdown",
		Proxy: "10.0.0.5:3128", DNS: "10.0.0.5", SSID: `Pupils <2> & "guests"`,
	}
}

func authority(t *testing.T, ca bool) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A test authority"}, IsCA: ca, BasicConstraintsValid: true,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func made(t *testing.T, name string, f platform.Facts) string {
	t.Helper()
	file, err := platform.Make(name, f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	again, err := platform.Make(name, f)
	if err != nil || !bytes.Equal(again.Body, file.Body) {
		t.Errorf("%s is not the same twice", name)
	}
	return string(file.Body)
}

func TestWhatDoesNotBelongInAFileIsRefused(t *testing.T) {
	for name, change := range map[string]func(*platform.Facts){
		"a host name with a quote":                  func(f *platform.Facts) { f.Host = `belisha".ashdown` },
		"a host name without a dot":                 func(f *platform.Facts) { f.Host = "belisha" },
		"a host name with a line break":             func(f *platform.Facts) { f.Host = "belisha.ash\ndown" },
		"a host name in capitals":                   func(f *platform.Facts) { f.Host = "Belisha.Ashdown" },
		"a host name of dots":                       func(f *platform.Facts) { f.Host = "belisha..ashdown" },
		"a proxy without a port":                    func(f *platform.Facts) { f.Proxy = "10.0.0.5" },
		"a proxy with a way of its own":             func(f *platform.Facts) { f.Proxy = "10.0.0.5:3128; DIRECT" },
		"a port beyond the last":                    func(f *platform.Facts) { f.Proxy = "10.0.0.5:70000" },
		"a port with a sign":                        func(f *platform.Facts) { f.Proxy = "10.0.0.5:+80" },
		"a DNS server by name":                      func(f *platform.Facts) { f.DNS = "dns.ashdown" },
		"a Wi-Fi name with a zero byte":             func(f *platform.Facts) { f.SSID = "a\x00b" },
		"a Wi-Fi name that is too long":             func(f *platform.Facts) { f.SSID = strings.Repeat("w", 33) },
		"a school's name on two lines":              func(f *platform.Facts) { f.School = "A\n*/ evil()" },
		"a certificate that is none":                func(f *platform.Facts) { f.Certificate = []byte("hello") },
		"two certificates in one":                   func(f *platform.Facts) { f.UpstreamCertificate = append(authority(t, true), authority(t, true)...) },
		"a site's certificate in place of the CA's": func(f *platform.Facts) { f.UpstreamCertificate = authority(t, false) },
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			change(&f)
			if _, err := platform.Make(platform.NamePAC, f); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestNoFileIsMadeBeforeThereIsAnAddress(t *testing.T) {
	f := facts()
	f.Proxy = ""
	for _, name := range []string{platform.NamePAC, platform.NameRegistry, platform.NameScript, platform.NameIntune, platform.NameApple, platform.NameChrome, platform.NameChromium} {
		if _, err := platform.Make(name, f); !errors.Is(err, platform.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{platform.NameAppleDNS, platform.NameCA, platform.NameUpstreamCA, "../school.key"} {
		if _, err := platform.Make(name, f); !errors.Is(err, platform.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThePACEndsInDirectOnlyWithAnotherFilterBehind(t *testing.T) {
	f := facts()
	if pac := made(t, platform.NamePAC, f); strings.Contains(pac, "; DIRECT") || !strings.Contains(pac, `return "PROXY 10.0.0.5:3128";`) {
		t.Errorf("without another filter:\n%s", pac)
	}
	f.Out = true // nothing stands behind us: taking us out opens nothing here
	if pac := made(t, platform.NamePAC, f); !strings.HasSuffix(pac, "return \"PROXY 10.0.0.5:3128\";\n}\n") {
		t.Errorf("taken out without another filter:\n%s", pac)
	}
	f.Upstream = true
	if pac := made(t, platform.NamePAC, f); !strings.HasSuffix(pac, "return \"DIRECT\";\n}\n") {
		t.Errorf("taken out beside another filter:\n%s", pac)
	}
	f.Out = false
	if pac := made(t, platform.NamePAC, f); !strings.HasSuffix(pac, "return \"PROXY 10.0.0.5:3128; DIRECT\";\n}\n") {
		t.Errorf("beside another filter:\n%s", pac)
	}
}

func TestTheRegistryFileIsWhatWindowsReads(t *testing.T) {
	raw := []byte(made(t, platform.NameRegistry, facts()))
	if len(raw)%2 != 0 || raw[0] != 0xff || raw[1] != 0xfe {
		t.Fatal("not UTF-16 with its mark")
	}
	var units []uint16
	for i := 2; i < len(raw); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(raw[i:]))
	}
	text := string(utf16.Decode(units))
	for _, want := range []string{
		"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\", `"AutoConfigURL"="http://10.0.0.5:3128/proxy.pac"`,
		`"ProxySettingsPerUser"=dword:00000000`, `[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome]`, `"DnsOverHttpsMode"="off"`, `"ManagedBookmarks"="[{\"toplevel_name\":\"School\"},{\"name\":\"Hide and tell\",\"url\":\"http://`, `"ManagedFavorites"="`, `"Locked"=dword:00000001`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Error("a line does not end as Windows ends it")
	}
}

func TestTheScriptQuotesEverything(t *testing.T) {
	f := facts()
	f.School = "St Anne’s 'quoted' $(evil) `n"
	f.Certificate = authority(t, true)
	text := made(t, platform.NameScript, f)
	for _, line := range strings.Split(text, "\r\n") {
		if strings.Contains(line, "$(evil)") && !strings.HasPrefix(line, "#") {
			t.Errorf("the school's name stands outside a comment: %s", line)
		}
	}
	if !strings.Contains(text, "'http://10.0.0.5:3128/proxy.pac'") || !strings.Contains(text, "X509Store('Root', 'LocalMachine')") || !strings.Contains(text, "$Remove") {
		t.Errorf("the script lacks a part:\n%s", text)
	}
	f.Certificate = nil
	if strings.Contains(made(t, platform.NameScript, f), "X509Store") {
		t.Error("a certificate store is opened for no certificate")
	}
}

func TestTheProfilesOfIntuneAndChromeAreJSON(t *testing.T) {
	var profile struct {
		Settings []struct {
			URI   string `json:"omaUri"`
			Value any    `json:"value"`
		} `json:"omaSettings"`
	}
	if err := json.Unmarshal([]byte(made(t, platform.NameIntune, facts())), &profile); err != nil || len(profile.Settings) != 3 {
		t.Fatalf("%v, %+v", err, profile)
	}
	if s := profile.Settings[2]; s.URI != "./Vendor/MSFT/NetworkProxy/SetupScriptUrl" || s.Value != "http://10.0.0.5:3128/proxy.pac" {
		t.Errorf("the PAC is set as %+v", s)
	}
	var policies struct {
		ProxySettings struct{ ProxyPacUrl string }
		QuicAllowed   *bool
	}
	if err := json.Unmarshal([]byte(made(t, platform.NameChromium, facts())), &policies); err != nil || policies.ProxySettings.ProxyPacUrl == "" || policies.QuicAllowed == nil {
		t.Errorf("%v, %+v", err, policies)
	}
	if text := made(t, platform.NameChrome, facts()); !strings.Contains(text, "http://10.0.0.5:3128/proxy.pac") || strings.Contains(text, "certificate authority") {
		t.Errorf("Google Admin is told:\n%s", text)
	}
}

// plist reads a property list into keys and the text that follows each.
func plist(t *testing.T, text string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	last, key := "", false
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, text)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			key = x.Name.Local == "key"
			if x.Name.Local == "true" || x.Name.Local == "false" {
				out[last] = append(out[last], x.Name.Local)
			}
		case xml.CharData:
			if key {
				last, key = string(x), false
			} else if s := strings.TrimSpace(string(x)); s != "" {
				out[last] = append(out[last], s)
			}
		}
	}
}

func TestTheProfileForIPadsIsAPropertyListWithTheSchoolsOwnIds(t *testing.T) {
	f := facts()
	f.Certificate, f.UpstreamCertificate = authority(t, true), authority(t, true)
	p := plist(t, made(t, platform.NameApple, f))
	if got := p["SSID_STR"]; len(got) != 1 || got[0] != f.SSID {
		t.Errorf("the Wi-Fi is called %q, want %q", got, f.SSID)
	}
	if got := p["ProxyPACURL"]; len(got) != 1 || got[0] != "http://10.0.0.5:3128/proxy.pac" {
		t.Errorf("the PAC is %q", got)
	}
	if got := p["ProxyPACFallbackAllowed"]; len(got) != 1 || got[0] != "false" {
		t.Errorf("a device may go past the filter: %q", got)
	}
	if got := p["PayloadType"]; len(got) != 4 {
		t.Errorf("parts: %q", got)
	}
	if _, ok := p["Password"]; ok {
		t.Error("a password stands in the profile")
	}
	ids := map[string]bool{}
	for _, id := range p["PayloadUUID"] {
		if ids[id] || len(id) != 36 {
			t.Errorf("id %q twice, or of the wrong form", id)
		}
		ids[id] = true
	}
	other := f
	other.SchoolID = "another"
	for _, id := range plist(t, made(t, platform.NameApple, other))["PayloadUUID"] {
		if ids[id] {
			t.Errorf("another school has the same id %s", id)
		}
	}
	f.Upstream = true
	if got := plist(t, made(t, platform.NameApple, f))["ProxyPACFallbackAllowed"]; got[0] != "true" {
		t.Errorf("beside another filter: %q", got)
	}
}

func TestTheDNSProfileNeedsAServerThatSpeaksTLS(t *testing.T) {
	f := facts()
	f.DoT = "dns.ashdown.example"
	p := plist(t, made(t, platform.NameAppleDNS, f))
	if p["DNSProtocol"][0] != "TLS" || p["ServerName"][0] != f.DoT || p["ServerAddresses"][0] != "10.0.0.5" {
		t.Errorf("the profile says %v", p)
	}
}

func TestTheDNSProfileLeadsToTheFiltersOwnDoorOnTheSchoolsWiFiOnly(t *testing.T) {
	f := facts()
	f.OwnDNS.At = "10.0.0.5"
	p := plist(t, made(t, platform.NameAppleDNS, f))
	if p["DNSProtocol"][0] != "TLS" || p["ServerName"][0] != f.Host || p["ServerAddresses"][0] != "10.0.0.5" {
		t.Errorf("over TLS: %v", p)
	}
	if got := strings.Join(p["Action"], " "); got != "Connect Disconnect" || p["SSIDMatch"][0] != f.SSID {
		t.Errorf("at home it would find nobody: %v", p)
	}
	f.OwnDNS.DoHPort = 8443
	p = plist(t, made(t, platform.NameAppleDNS, f))
	if p["DNSProtocol"][0] != "HTTPS" || p["ServerURL"][0] != "https://"+f.Host+":8443/dns-query{?dns}" {
		t.Errorf("over HTTPS: %v", p)
	}
	f.SSID = ""
	if platform.Has(platform.NameAppleDNS, f) {
		t.Error("there is a profile, and nothing says where it holds")
	}
	f.OwnDNS.At = "filter"
	if err := f.Check(); err == nil {
		t.Error("an address that is none was taken")
	}
}
