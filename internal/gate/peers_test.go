package gate

import (
	"strings"
	"testing"
)

func TestANetworkOfDevicesIsNoListOfProxies(t *testing.T) {
	for text, refused := range map[string]string{
		"10.1.0.9": "", "10.1.0.0/24": "", "10.1.0.9/32": "", "127.0.0.0/8": "", "2001:db8::9": "", "2001:db8::/120": "", "::1": "",
		"::ffff:10.1.0.9": "",
		"10.1.0.0/16":     "a whole network", "0.0.0.0/0": "a whole network", "::/0": "a whole network", "2001:db8::/64": "a whole network",
		"10.1.0.0/23": "a whole network", "0.0.0.0/7": "a whole network", "::ffff:10.1.0.0/120": "an address of IPv6",
		"proxy.test": "no address", "": "no address", "10.1.0.9:3128": "no address",
	} {
		_, err := peerRanges([]string{text})
		if (err == nil) != (refused == "") || err != nil && !strings.Contains(err.Error(), refused) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
