package platform

import (
	"encoding/json"
	"fmt"
	"strings"
)

// chromeText is what somebody enters in Google's console, which takes no file.
func chromeText(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Belisha, %s: what to enter in the Google Admin console.\n\n", comment(f.School))
	fmt.Fprintf(&b, `Devices > Chrome > Settings, for the organisational unit of the pupils:

  Network > Proxy mode
      Always use the proxy auto-config specified below
  Network > Proxy server auto configuration file URL
      %s
  Network > DNS-over-HTTPS
      Disable DNS-over-HTTPS
  Network > QUIC protocol
      Disable
  Other settings > Managed bookmarks
      Hide and tell: %s
`, f.PACURL(), f.HideURL())
	if len(f.Certificate) > 0 || len(f.UpstreamCertificate) > 0 {
		b.WriteString("\nDevices > Networks > Certificates, for use as an HTTPS certificate authority on Chromebooks:\n\n")
		if len(f.Certificate) > 0 {
			b.WriteString("  the school's certificate, " + NameCA + "\n")
		}
		if len(f.UpstreamCertificate) > 0 {
			b.WriteString("  the other filter's certificate, " + NameUpstreamCA + "\n")
		}
	}
	b.WriteString(`
Then, on one Chromebook: open chrome://policy, press "Reload policies", and
look for ProxyPacUrl. Open ` + "http://" + f.Host + `/device to see that the filter knows it.

If your unit still has the older single setting, its name is ProxySettings:

`)
	old, err := json.MarshalIndent(map[string]any{"ProxySettings": chromeProxy(f)}, "  ", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the older form: %w", err)
	}
	b.WriteString("  " + string(old) + "\n")
	return []byte(b.String()), nil
}

func chromeProxy(f Facts) map[string]any {
	return map[string]any{"ProxyMode": "pac_script", "ProxyPacUrl": f.PACURL(), "ProxyPacMandatory": !f.Upstream}
}

// chromium is the file of managed policies that Chrome and Chromium read on
// Linux.
func chromium(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	return json.MarshalIndent(map[string]any{
		"ProxySettings": chromeProxy(f), "DnsOverHttpsMode": "off", "QuicAllowed": false,
		"ManagedBookmarks": bookmarks(f), "BookmarkBarEnabled": true,
	}, "", "  ")
}
