package platform

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// value is one value of the Windows registry below HKEY_LOCAL_MACHINE.
type value struct {
	key, name string
	text      string
	number    uint32
	isNumber  bool
}

// windowsValues lead Windows, Edge and Chrome through the PAC, for everybody
// at the machine, and keep browsers from asking a DNS service of their own or
// leaving by QUIC.
func windowsValues(f Facts) []value {
	const inet = `SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings`
	out := []value{
		{key: inet, name: "ProxySettingsPerUser", isNumber: true},
		{key: `SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings`, name: "AutoConfigURL", text: f.PACURL()},
	}
	for _, browser := range []string{`SOFTWARE\Policies\Google\Chrome`, `SOFTWARE\Policies\Microsoft\Edge`} {
		out = append(out,
			value{key: browser, name: "ProxyMode", text: "pac_script"},
			value{key: browser, name: "ProxyPacUrl", text: f.PACURL()},
			value{key: browser, name: "DnsOverHttpsMode", text: "off"},
			value{key: browser, name: "QuicAllowed", isNumber: true},
			value{key: browser, name: managedList(browser), text: bookmarksText(f)},
		)
	}
	const fox = `SOFTWARE\Policies\Mozilla\Firefox`
	return append(out,
		value{key: fox + `\Proxy`, name: "Mode", text: "autoConfig"},
		value{key: fox + `\Proxy`, name: "AutoConfigURL", text: f.PACURL()},
		value{key: fox + `\Proxy`, name: "Locked", isNumber: true, number: 1},
		value{key: fox + `\DNSOverHTTPS`, name: "Enabled", isNumber: true},
		value{key: fox + `\DNSOverHTTPS`, name: "Locked", isNumber: true, number: 1},
		value{key: fox + `\Certificates`, name: "ImportEnterpriseRoots", isNumber: true, number: 1},
	)
}

// managedList is what a browser calls the bookmarks that a school gives it.
func managedList(browser string) string {
	if strings.HasSuffix(browser, "Edge") {
		return "ManagedFavorites"
	}
	return "ManagedBookmarks"
}

// registry is the file that regedit and group policy preferences import:
// UTF-16 with its mark, lines ended as Windows ends them.
func registry(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	var b strings.Builder
	b.WriteString("Windows Registry Editor Version 5.00\r\n")
	last := ""
	for _, v := range windowsValues(f) {
		if v.key != last {
			fmt.Fprintf(&b, "\r\n[HKEY_LOCAL_MACHINE\\%s]\r\n", v.key)
			last = v.key
		}
		if v.isNumber {
			fmt.Fprintf(&b, "\"%s\"=dword:%08x\r\n", v.name, v.number)
		} else {
			fmt.Fprintf(&b, "\"%s\"=\"%s\"\r\n", v.name, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.text))
		}
	}
	units := utf16.Encode([]rune(b.String()))
	out := make([]byte, 2, 2+2*len(units))
	out[0], out[1] = 0xff, 0xfe
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out, nil
}

// script is the PowerShell of a group policy start-up script or of Intune. It
// may run again and again; what it sets, `-Remove` takes away.
func script(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	var b strings.Builder
	b.WriteString("\ufeff" + "#Requires -RunAsAdministrator\r\n")
	fmt.Fprintf(&b, "# Belisha, %s: leads this machine through the school's filter.\r\n# Run it again at any time; with -Remove it takes away what it set.\r\n", comment(f.School))
	b.WriteString("param([switch]$Remove)\r\n$ErrorActionPreference = 'Stop'\r\n$values = @(\r\n")
	for _, v := range windowsValues(f) {
		kind, text := "String", single(v.text)
		if v.isNumber {
			kind, text = "DWord", fmt.Sprint(v.number)
		}
		fmt.Fprintf(&b, "  @{ Path = %s; Name = %s; Type = '%s'; Value = %s }\r\n", single(`HKLM:\`+v.key), single(v.name), kind, text)
	}
	b.WriteString(")\r\nforeach ($v in $values) {\r\n" +
		"  if ($Remove) { Remove-ItemProperty -Path $v.Path -Name $v.Name -ErrorAction SilentlyContinue; continue }\r\n" +
		"  if (-not (Test-Path $v.Path)) { New-Item -Path $v.Path -Force | Out-Null }\r\n" +
		"  New-ItemProperty -Path $v.Path -Name $v.Name -PropertyType $v.Type -Value $v.Value -Force | Out-Null\r\n}\r\n")
	if err := scriptRoots(&b, f); err != nil {
		return nil, err
	}
	b.WriteString("if ($Remove) { 'Belisha: this machine no longer goes through the filter.' } else { 'Belisha: this machine goes through the filter.' }\r\n")
	return []byte(b.String()), nil
}

// scriptRoots has the script put the certificates where Windows trusts them.
func scriptRoots(b *strings.Builder, f Facts) error {
	var roots []string
	for _, c := range [][]byte{f.Certificate, f.UpstreamCertificate} {
		if len(c) == 0 {
			continue
		}
		der, err := Certificate(c)
		if err != nil {
			return err
		}
		roots = append(roots, single(base64.StdEncoding.EncodeToString(der)))
	}
	if len(roots) == 0 {
		return nil
	}
	fmt.Fprintf(b, "$roots = @(\r\n  %s\r\n)\r\n", strings.Join(roots, ",\r\n  "))
	b.WriteString("$store = New-Object System.Security.Cryptography.X509Certificates.X509Store('Root', 'LocalMachine')\r\n" +
		"$store.Open('ReadWrite')\r\nforeach ($r in $roots) {\r\n" +
		"  $c = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2(,[Convert]::FromBase64String($r))\r\n" +
		"  if ($Remove) { $store.Remove($c) } else { $store.Add($c) }\r\n}\r\n$store.Close()\r\n")
	return nil
}

// single is a string of PowerShell in which nothing is expanded. PowerShell
// takes typographic quotes for quotes too.
func single(s string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'"
}

// omaSetting is one setting of a custom profile of Intune.
type omaSetting struct {
	Type        string `json:"@odata.type"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	OmaURI      string `json:"omaUri"`
	Value       any    `json:"value"`
}

// intune is a custom profile as Intune's import and Graph take it. It sets the
// system's proxy; the policies of the browsers come with the script.
func intune(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	set := func(name, uri, says string, v any) omaSetting {
		kind := "#microsoft.graph.omaSettingString"
		if _, ok := v.(int); ok {
			kind = "#microsoft.graph.omaSettingInteger"
		}
		return omaSetting{kind, name, says, "./Vendor/MSFT/NetworkProxy/" + uri, v}
	}
	profile := struct {
		Type        string       `json:"@odata.type"`
		DisplayName string       `json:"displayName"`
		Description string       `json:"description"`
		Settings    []omaSetting `json:"omaSettings"`
	}{
		"#microsoft.graph.windows10CustomConfiguration", "Belisha: through the school's filter",
		"Leads Windows through the filter of " + comment(f.School) + ".",
		[]omaSetting{
			set("Proxy for everybody at the machine", "ProxySettingsPerUser", "0: for the machine, not for each user.", 0),
			set("No proxy found by itself", "AutoDetect", "0: WPAD is not asked.", 0),
			set("Proxy configuration", "SetupScriptUrl", "The PAC that the filter serves.", f.PACURL()),
		},
	}
	return json.MarshalIndent(profile, "", "  ")
}
