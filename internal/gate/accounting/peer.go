package accounting

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/control"
)

const (
	rereadEvery = time.Minute
	leastSecret = 8
	maxSecret   = 1024
)

// peer is one that may send accounting, or a range of such.
type peer struct {
	who  netip.Prefix
	file string

	refused, count atomic.Uint64

	mu     sync.Mutex
	secret []byte
	fault  error
	looked time.Time
	last   time.Time
}

// CheckPeers looks at the list of Config.Peers, and not at the files.
func CheckPeers(list []string) error {
	_, err := readPeers(list)
	return err
}

// readPeers reads "address secret-file" pairs.
func readPeers(list []string) ([]*peer, error) {
	var out []*peer
	for _, text := range list {
		who, file, ok := strings.Cut(strings.TrimSpace(text), " ")
		file = strings.TrimSpace(file)
		if !ok || file == "" {
			return nil, errors.New("radius-peers has a line that is not an address and the file of its secret, such as \"10.0.0.2 /etc/belisha/wifi.secret\"")
		}
		p, err := prefix(who)
		if err != nil {
			return nil, fmt.Errorf("radius-peers has %q, which is no address or range such as 10.1.0.9 or 10.1.0.0/24", who)
		}
		out = append(out, &peer{who: p, file: file})
	}
	return out, nil
}

func prefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// current is the shared secret as the file has it now, or a minute ago. One
// that cannot be read any more is none.
func (p *peer) current(now time.Time) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.looked.IsZero() && now.Sub(p.looked).Abs() < rereadEvery {
		return p.secret, p.fault
	}
	p.looked = now
	p.secret, p.fault = readSecret(p.file)
	return p.secret, p.fault
}

func readSecret(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errors.New("the file with the secret cannot be read: look at its name, and at who may read it")
	}
	defer f.Close()
	raw := make([]byte, maxSecret+1)
	n, err := f.Read(raw)
	if err != nil {
		return nil, errors.New("the file with the secret is empty")
	}
	secret := bytes.TrimRight(raw[:n], "\r\n")
	if len(secret) < leastSecret || n > maxSecret {
		return nil, fmt.Errorf("the secret has to have %d to %d characters", leastSecret, maxSecret)
	}
	return secret, nil
}

func (p *peer) taken(now time.Time) {
	p.count.Add(1)
	p.mu.Lock()
	p.last = now
	p.mu.Unlock()
}

func (p *peer) status(now time.Time) control.Speaker {
	_, err := p.current(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := control.Speaker{Address: p.who.String(), OK: err == nil, Last: p.last, Taken: p.count.Load(), Refused: p.refused.Load()}
	if p.who.IsSingleIP() {
		out.Address = p.who.Addr().String()
	}
	if err != nil {
		out.Why = err.Error()
	}
	return out
}
