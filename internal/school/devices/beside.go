package devices

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/devices/platform"
)

// Kind is how Belisha stands to another filter.
type Kind string

// The kinds. Unanswered is not "none": nothing is opened because nobody has
// answered.
const (
	Unanswered Kind = ""
	Alone      Kind = "none"   // Belisha is the filter
	Behind     Kind = "behind" // what Belisha lets through goes to the other filter
	LogOnly    Kind = "log"    // Belisha only reads the other filter's log
)

// Reached is what Beside.Reached says when the other filter answered.
const Reached = "reached"

// Beside is the filter that the school had before.
type Beside struct {
	Kind        Kind
	Provider    string   // whose it is: "the county's broadband service"
	Proxy       string   // host:port of its proxy, "" where it is transparent
	DNS         []string // host:port
	Certificate string   // PEM of what it signs with where it looks into pages
	TestedAt    time.Time
	Reached     string // Reached, "" where there is nothing to reach, else why not
	Version     int64
}

// Filtered reports that whatever goes past Belisha is still filtered.
func (b Beside) Filtered() bool { return b.Kind == Behind || b.Kind == LogOnly }

func (b *Beside) check() error {
	bad := store.Invalid{}
	b.Provider, b.Proxy, b.Certificate = strings.TrimSpace(b.Provider), strings.ToLower(strings.TrimSpace(b.Proxy)), strings.TrimSpace(b.Certificate)
	switch b.Kind {
	case Alone:
		b.Provider, b.Proxy, b.DNS, b.Certificate = "", "", nil, ""
		return nil
	case LogOnly:
		b.Proxy, b.DNS, b.Certificate = "", nil, ""
	case Behind:
	default:
		bad["kind"] = "Choose one of the three"
	}
	if b.Provider == "" || !platform.Words(b.Provider, 120) {
		bad["provider"] = "Write whose filter it is, such as the county's broadband service"
	}
	if b.Proxy != "" && !platform.HostPort(b.Proxy) {
		bad["proxy"] = "Write an address with its port, such as 10.1.1.1:8080, or leave it empty"
	}
	if len(b.DNS) > 4 {
		bad["dns"] = "Write at most four servers"
	}
	for i, d := range b.DNS {
		if a, err := netip.ParseAddr(d); err == nil {
			b.DNS[i] = netip.AddrPortFrom(a, 53).String()
		} else if !platform.HostPort(d) {
			bad["dns"] = fmt.Sprintf("“%.40s” is not an address such as 10.1.1.2", d)
		}
	}
	if b.Certificate != "" {
		if _, err := platform.Certificate([]byte(b.Certificate)); err != nil {
			bad["certificate"] = err.Error()
		}
	}
	return bad.OrNil()
}

// SetBeside takes the answer to "Do you already have a filter?". The other
// filter is tried; that it does not answer is written down and stops nobody.
func (r *Room) SetBeside(ctx context.Context, b Beside) (Beside, error) {
	if err := b.check(); err != nil {
		return b, err
	}
	b.TestedAt, b.Reached = time.Time{}, ""
	if b.Proxy != "" || len(b.DNS) > 0 {
		b.TestedAt, b.Reached = r.now(), Reached
		if err := r.d.Reach(ctx, b); err != nil {
			b.Reached = err.Error()
		}
	}
	before, err := r.Beside(ctx)
	if err != nil {
		return b, err
	}
	err = r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := r.putBeside(ctx, tx, b); err != nil {
			return err
		}
		rows, err := r.endTryOuts(ctx, tx, b)
		if err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbBeside, Kind: "filter", ID: "beside", Before: before.told(), After: b.told(), Rows: rows})
	})
	if err != nil {
		return b, err
	}
	return b, r.d.Changed(ctx)
}

// endTryOuts ends every try-out when there is no other filter any more: a
// try-out without one would leave children unfiltered.
func (r *Room) endTryOuts(ctx context.Context, tx *store.Tx, b Beside) ([]journal.Row, error) {
	if b.Kind == Behind {
		return nil, nil
	}
	return r.endAllTx(ctx, tx)
}

type besideTold struct {
	Kind        Kind     `json:"kind"`
	Provider    string   `json:"provider,omitempty"`
	Proxy       string   `json:"proxy,omitempty"`
	DNS         []string `json:"dns,omitempty"`
	Certificate bool     `json:"certificate,omitempty"`
	Reached     string   `json:"reached,omitempty"`
}

func (b Beside) told() besideTold {
	return besideTold{b.Kind, b.Provider, b.Proxy, b.DNS, b.Certificate != "", b.Reached}
}

// reachFor is how long another filter may take to answer.
const reachFor = 4 * time.Second

// reach asks another filter's proxy and DNS for something harmless. Any answer
// in their own language is one.
func reach(ctx context.Context, b Beside) error {
	ctx, stop := context.WithTimeout(ctx, reachFor)
	defer stop()
	if b.Proxy != "" {
		if err := reachProxy(ctx, b.Proxy); err != nil {
			return err
		}
	}
	for _, d := range b.DNS {
		if err := reachDNS(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func reachProxy(ctx context.Context, to string) error {
	conn, err := open(ctx, "tcp", to)
	if err != nil {
		return fmt.Errorf("nothing answers at %s", to)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "CONNECT www.gov.uk:443 HTTP/1.1\r\nHost: www.gov.uk:443\r\n\r\n"); err != nil {
		return fmt.Errorf("%s takes no question", to)
	}
	answer := make([]byte, 12)
	n, err := conn.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.") {
		return fmt.Errorf("what answers at %s is not a proxy", to)
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(answer[min(9, n):n])))
	if err == nil && code == 407 {
		return fmt.Errorf("the proxy at %s asks for a password, which Belisha does not give: have it let this machine through by its address", to)
	}
	return nil
}

func open(ctx context.Context, network, to string) (net.Conn, error) {
	d := net.Dialer{Timeout: reachFor}
	conn, err := d.DialContext(ctx, network, to)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a read that waits
	return conn, nil
}

// question asks for the servers of the root, which every DNS server answers.
var question = []byte{0xbe, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}

func reachDNS(ctx context.Context, to string) error {
	conn, err := open(ctx, "udp", to)
	if err != nil {
		return fmt.Errorf("no DNS server answers at %s", to)
	}
	defer func() { _ = conn.Close() }()
	answer := make([]byte, 512)
	if _, err = conn.Write(question); err == nil {
		var n int
		n, err = conn.Read(answer)
		if err == nil && (n < 12 || answer[0] != question[0] || answer[1] != question[1] || answer[2]&0x80 == 0) {
			return fmt.Errorf("what answers at %s is not a DNS server", to)
		}
	}
	if err != nil {
		return fmt.Errorf("no DNS server answers at %s", to)
	}
	return nil
}
