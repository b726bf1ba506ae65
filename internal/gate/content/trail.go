package content

import (
	"hash/maphash"
	"net/http"
	"net/url"
	"sync"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// Bounds of what is remembered of redirections.
const (
	trailPlaces = 4096
	trailLong   = 2000 // of an address
	trailSteps  = 8
	trailHolds  = 2 * time.Minute // a browser follows at once
)

// trails remembers who was led where by redirections. Sites that offer files
// lead to another address each time, which holds for minutes; what a person
// asks for, and what is permitted, is the address that they followed.
type trails struct {
	seed maphash.Seed
	mu   sync.Mutex
	from [trailPlaces]trail
}

// trail is one step: from where somebody was led to the address of the key.
type trail struct {
	key        uint64
	host, path string
	port       uint16
	at         time.Time
}

func newTrails() *trails { return &trails{seed: maphash.MakeSeed()} }

func (t *trails) key(a *porter.Answer, host, path string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, s := range [...]string{a.Who.Address.String(), a.Who.Subject, host, path} {
		h.WriteString(s)
		h.WriteByte(0)
	}
	return h.Sum64()
}

// saw takes up an answer that leads on.
func (t *trails) saw(a *porter.Answer, res *http.Response) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || len(a.Path) > trailLong || len(a.Host) == 0 {
		return
	}
	from, err := url.Parse("https://" + a.Host + a.Path)
	if err != nil {
		return
	}
	parts, err := verdict.CanonicalURL(from.ResolveReference(to).String())
	if err != nil || parts.Host == a.Host && parts.Path == a.Path {
		return
	}
	if parts.Path == "" {
		parts.Path = "/"
	}
	k := t.key(a, parts.Host, parts.Path)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from[k%trailPlaces] = trail{k, a.Host, a.Path, a.Port, a.At}
}

// before are the addresses by which somebody was led to a's, the nearest
// first.
func (t *trails) before(a *porter.Answer) (steps []trail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	host, path, at := a.Host, a.Path, a.At
	for range trailSteps {
		k := t.key(a, host, path)
		x := t.from[k%trailPlaces]
		if x.key != k || at.Sub(x.at) > trailHolds || x.at.Sub(at) > trailHolds {
			break
		}
		steps = append(steps, x)
		host, path, at = x.host, x.path, x.at
	}
	return steps
}

// address is a step as a person reads it.
func (x *trail) address() string {
	if x.port == 80 {
		return "http://" + x.host + x.path
	}
	return "https://" + x.host + x.path
}
