// Package probe is what the filter's own tests are made of: names that lead to
// nobody but the gate, in every category of the starter list, and harmless
// pages and files, made here, that the rules must close. They go through the
// door, the judge and what looks inside as any site does; only nothing is
// fetched for them. So a probe proves what would have happened to a real one,
// and no school ever asks a real one for it.
package probe

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"belisha/internal/verdict"
)

// Zone holds the names of probes. They belong to nobody: a device that does
// not come to us finds none of them.
const Zone = verdict.ProbeZone

// Names under the zone besides those of categories.
const (
	// Here is answered for everybody, whatever the rules say: who reaches it
	// is behind the filter.
	Here = "here." + Zone
	// Files has pages and files that are looked at inside.
	Files = "files." + Zone
)

// Host is the name that stands in a category.
func Host(category string) string { return verdict.ProbeHost(category) }

// Serves reports a name of the zone.
func Serves(host string) bool {
	return len(host) > len(Zone) && strings.HasSuffix(host, Zone) && host[len(host)-len(Zone)-1] == '.'
}

// devicePrefix begins the ids of the devices that probes stand behind.
const devicePrefix = "probe-"

// Device is the id of the device that probes of a group stand behind.
func Device(group string) string { return devicePrefix + group }

// IsDevice reports a device that probes stand behind.
func IsDevice(id string) bool { return strings.HasPrefix(id, devicePrefix) }

// Paths of what is served besides the files; see Tests.
const (
	PathPage    = "/"
	PathPhrases = "/phrases"
	PathVirus   = "/virus"
	PathPixel   = "/pixel.png"
	pathFile    = "/file/"
)

// EchoHeader asks the proxy to tell how a request would have gone on, as Echo.
const EchoHeader = "X-Belisha-Probe"

// Echo is how a request would have gone on.
type Echo struct {
	Query    string `json:"query"`              // of the address
	Restrict string `json:"restrict,omitempty"` // the header of YouTube's restricted mode
	As       string `json:"as,omitempty"`       // the safe twin that is asked in the site's place
}

// Says stands on the page that is open, so that whoever asks knows that it is
// ours.
const Says = "This page is a test of the school's filter."

// Answer is what stands in place of a site's answer to a request of the zone.
func Answer(r *http.Request) *http.Response {
	status, media, name, body := http.StatusOK, "text/html; charset=utf-8", "", []byte(nil)
	switch {
	case r.URL.Path == PathPage || r.URL.Path == "":
		body = page(Says)
	case r.URL.Path == PathPhrases:
		body = page(Says + " It holds one made-up word that weighs much: " + verdict.ProbePhrase + ".")
	case r.URL.Path == PathPixel:
		media, body = "image/png", pixel
	case r.URL.Path == PathVirus:
		media, name, body = "application/octet-stream", "test.bin", virus()
	default:
		t, ok := find(r.URL.Path)
		if !ok {
			status, body = http.StatusNotFound, page("There is no such test.")
			break
		}
		media, name, body = t.media, t.name, t.body()
	}
	res := &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {media}, "Content-Length": {strconv.Itoa(len(body))},
			"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
		},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
	if name != "" {
		res.Header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	if r.Method == http.MethodHead {
		res.Body = http.NoBody
	}
	return res
}

func page(words string) []byte {
	return []byte("<!doctype html><html lang=\"en-GB\"><title>Test of the filter</title><p>" + words + "</p></html>\n")
}

// virus is the test file by which every scanner can be tried, and which does
// nothing. It is put together here, so that no scanner takes this program for
// one.
func virus() []byte {
	return []byte(strings.Join([]string{`X5O!P%@AP[4\PZX54(P^)7CC)7}$`, "EICAR", "-STANDARD-", "ANTIVIRUS", `-TEST-FILE!$H+H*`}, ""))
}

// pixel is a picture of one grey point.
var pixel = []byte("\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\x54\x78\x9c\x63\x68\x00\x00\x00\x82\x00\x81\x77\xcd\x72\xb6\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82")
