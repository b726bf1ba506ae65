package icap

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"weak"

	"belisha/internal/verdict"
)

// The methods of ICAP.
const (
	methodRequest  = "REQMOD"
	methodResponse = "RESPMOD"
	methodOptions  = "OPTIONS"
)

const (
	// A preview of no bytes: heads alone. Squid holds a page back until as many
	// bytes have come as it was asked for, and of an event stream with a few
	// words a minute a browser would see nothing for an hour.
	previewBytes      = 0
	optionsFor        = 60 // seconds
	statusComposition = 418
)

// serviceMethods are what a service is for. The second names are those of other
// servers, so that a school need only change the address. Firewalls that have
// one path for both, or none, get both without one.
func serviceMethods(path string) []string {
	switch strings.ToLower(path) {
	case "/reqmod", "/request":
		return []string{methodRequest}
	case "/respmod", "/response", "/avscan":
		return []string{methodResponse}
	case "":
		return []string{methodRequest, methodResponse}
	}
	return nil
}

// options says what the service takes. Without "Transfer-Preview: *" Squid
// takes it that no preview is wanted, whatever Preview says.
func (x *exchange) options(methods []string) error {
	if err := compose(methodOptions, x.m.parts); err != nil {
		return err
	}
	if n := len(x.m.parts); n > 0 && x.m.parts[n-1].name == optBody {
		x.body = x.newBody()
		if !x.body.drain(maxBlock) {
			return errBody
		}
	}
	x.ending = x.ending || x.c.busy
	return x.begin(http.StatusOK, nullBody+"=0",
		"Methods: "+strings.Join(methods, ", "),
		"Service: Belisha",
		"Service-ID: belisha",
		"Allow: 204, 206, trailers",
		"Preview: "+strconv.Itoa(previewBytes),
		"Transfer-Preview: *",
		"Max-Connections: "+strconv.Itoa(sayConns),
		"Options-TTL: "+strconv.Itoa(optionsFor),
		"X-Include: X-Client-IP, X-Server-IP, X-Client-Username, X-Authenticated-User, X-Authenticated-Groups, X-Subscriber-ID",
	)
}

// tags makes the service's ISTag: a new one whenever the rules are others, with
// their lists and phrases, or what is used besides is. Clients drop what they
// kept then. The rules are held weakly, so that old ones can go.
type tags struct {
	mu      sync.Mutex
	start   string // new each start
	rules   weak.Pointer[verdict.Snapshot]
	besides string
	changes uint64
	text    string
}

func (s *Server) tag() string {
	besides := ""
	if s.cfg.Tag != nil {
		besides = s.cfg.Tag()
	}
	rules := weak.Make(s.porter.Snapshot())
	t := s.tags
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == "" || t.rules != rules || t.besides != besides {
		t.changes++
		t.rules, t.besides = rules, besides
		t.text = `"belisha-` + t.start + "-" + strconv.FormatUint(t.changes, 36) + `"`
	}
	return t.text
}
