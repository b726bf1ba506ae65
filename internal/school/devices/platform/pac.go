package platform

import (
	"encoding/json"
	"fmt"
	"strings"
)

// PAC is the proxy configuration that browsers fetch. What is inside the
// school goes straight; the school's own pages always come through the filter,
// which answers them; everything else goes to the filter, and to nowhere else
// unless another filter stands behind us.
//
// A literal address is told by its whole form, never by how it begins: a site
// may be called 10.example.com. A name without a dot must begin with a letter,
// since numbers are addresses to some browsers.
func PAC(f Facts) ([]byte, error) {
	if f.Proxy == "" {
		return nil, ErrClosed
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	way := "PROXY " + f.Proxy
	if f.Upstream {
		way += "; DIRECT"
	}
	said := "Everything goes to the filter, and nowhere else."
	if f.Upstream {
		said = "Everything goes to the filter; if it is away, to the other filter that stands behind it."
	}
	if f.Out && f.Upstream {
		way, said = "DIRECT", "Belisha is taken out of the path: everything goes to the other filter."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "// Belisha, %s. %s\n", comment(f.School), said)
	fmt.Fprintf(&b, pacText, quote(f.Host), quote("PROXY "+f.Proxy), quote(way))
	return []byte(b.String()), nil
}

// pacText is the program: the name of our pages, the way to them, the way for
// everything else.
const pacText = `function FindProxyForURL(url, host) {
  var name = String(host).toLowerCase().replace(/^\[|\]$|\.$/g, "");
  if (name === %s) { return %s; }
  if (/^[a-z][a-z0-9-]*$/.test(name) || /^[a-z0-9.-]+\.local$/.test(name)) { return "DIRECT"; }
  if (/^(127|10)\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)) { return "DIRECT"; }
  if (/^(192\.168|169\.254)\.\d{1,3}\.\d{1,3}$/.test(name)) { return "DIRECT"; }
  if (/^172\.(1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}$/.test(name)) { return "DIRECT"; }
  if (/^(::1|f[cd][0-9a-f]{2}:[0-9a-f:]*|fe[89ab][0-9a-f]:[0-9a-f:]*)$/.test(name)) { return "DIRECT"; }
  return %s;
}
`

// quote writes a string of JavaScript; JSON's form is one, with the signs
// that would end a script or a line escaped.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always has a JSON form
	}
	return string(b)
}

// comment is text that stays within a comment of one line.
func comment(s string) string {
	if s == "" {
		return "a school"
	}
	return strings.NewReplacer("\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ").Replace(s)
}
