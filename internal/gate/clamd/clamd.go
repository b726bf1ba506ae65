// Package clamd asks ClamAV's daemon whether a file carries a virus, over the
// INSTREAM command. There are three answers: clean, found, unscanned. Only a
// daemon that took every byte and said OK makes a file clean; one that is
// away, slow, full, reloading, or hangs up leaves it unscanned, and the reason
// is said. What happens to an unscanned file is the rules' affair.
//
// Nothing here scans inside what clamd skips by its own limits. It says OK to
// a stream larger than its MaxFileSize; so keep the size up to which files are
// sent (Handling.MaxScan) at or below MaxFileSize and StreamMaxLength, and set
// AlertExceedsMax, whose answers are taken for unscanned here.
package clamd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"belisha/internal/kit/clock"
)

// Status is what is known of a file.
type Status uint8

// The values of Status. The zero one is the careful one.
const (
	Unscanned Status = iota
	Clean
	Found
)

// String is the status as a word.
func (s Status) String() string {
	switch s {
	case Clean:
		return "clean"
	case Found:
		return "found"
	}
	return "unscanned"
}

// Result is the answer for one file.
type Result struct {
	Status  Status
	Name    string // of what was found
	Why     string // a file is unscanned, in a few stable words
	Address string // who answered last
}

// Options are the pool's limits; a zero one is the default.
type Options struct {
	Clock   clock.Clock   // the machine's
	Scans   int           // at once, over all addresses; 16
	Connect time.Duration // 2 s
	Idle    time.Duration // until the next byte goes or comes, and for a free place; 10 s
	Total   time.Duration // for one file, and a second more for each MiB; 30 s
	Stale   time.Duration // age from which signatures are stale; 3 days
}

func (o Options) filled() Options {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Scans <= 0 {
		o.Scans = 16
	}
	set(&o.Connect, 2*time.Second)
	set(&o.Idle, 10*time.Second)
	set(&o.Total, 30*time.Second)
	set(&o.Stale, 72*time.Hour)
	return o
}

func set(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}

// maxAddresses bounds the list, which is short by nature.
const maxAddresses = 16

// Pool is one or several scanners, asked in order: the next only when the one
// before is away.
type Pool struct {
	o     Options
	free  chan struct{}
	peers []*peer
}

// New makes a pool of addresses such as "unix:/run/clamav/clamd.ctl" and
// "127.0.0.1:3310". It does not ask them yet.
func New(addresses []string, o Options) (*Pool, error) {
	if len(addresses) == 0 || len(addresses) > maxAddresses {
		return nil, fmt.Errorf("the virus scanner needs 1 to %d addresses, not %d", maxAddresses, len(addresses))
	}
	p := &Pool{o: o.filled()}
	p.free = make(chan struct{}, p.o.Scans)
	for _, a := range addresses {
		network, address, err := parse(a)
		if err != nil {
			return nil, err
		}
		p.peers = append(p.peers, &peer{name: a, network: network, address: address})
	}
	return p, nil
}

func parse(a string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(a, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return "", "", fmt.Errorf("the virus scanner's address %q has no whole path: write it as unix:/run/clamav/clamd.ctl", a)
		}
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(a, "tcp:"))
	if err != nil || host == "" || port == "" {
		return "", "", fmt.Errorf("the virus scanner's address %q: write unix:/a/path or host:port", a)
	}
	return "tcp", net.JoinHostPort(host, port), nil
}

// Scan sends a file to the first scanner that answers. The file must be at
// hand, in memory or on disk. Where r is also an io.Seeker, a scanner that
// fails half-way is followed by the next; otherwise the file is unscanned.
func (p *Pool) Scan(ctx context.Context, r io.Reader) Result {
	if !p.enter(ctx) {
		return Result{Why: "the virus scanner is busy"}
	}
	defer func() { <-p.free }()
	out := Result{Why: "the virus scanner does not answer"}
	src := &source{r: r}
	for _, e := range p.peers {
		if !e.due(p.o.Clock.Now()) {
			continue
		}
		if !src.rewind() || ctx.Err() != nil {
			break
		}
		res, away := p.one(ctx, e, src)
		res.Address = e.name
		if !away {
			return res
		}
		out = res
	}
	return out
}

// enter waits for a free place, for a while.
func (p *Pool) enter(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.o.Idle)
	defer cancel()
	select {
	case p.free <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// one asks one scanner; away says that the next may know better.
func (p *Pool) one(ctx context.Context, e *peer, src *source) (res Result, away bool) {
	res, away, wrong := p.send(ctx, e, src)
	switch {
	case wrong != "" && ctx.Err() == nil: // who has gone away says nothing of the scanner
		e.failed(p.o.Clock.Now(), wrong)
	case wrong == "" && !away && src.failed == nil:
		e.answered(p.o.Clock.Now())
	}
	return res, away
}

// send sends a file to one scanner; wrong is what is wrong with the scanner,
// rather than with the file.
func (p *Pool) send(ctx context.Context, e *peer, src *source) (res Result, away bool, wrong string) {
	c, err := p.dial(ctx, e)
	if err != nil {
		return Result{Why: "the virus scanner does not answer"}, true, "does not answer"
	}
	defer c.close()
	sent, err := c.stream(src)
	if src.failed != nil {
		return Result{Why: "the file could not be read"}, false, ""
	}
	answer, whole := c.answer(sent)
	res, away = judge(answer, whole && err == nil)
	switch {
	case answer == "" && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(c.err, os.ErrDeadlineExceeded)):
		res.Why = "the virus scanner took too long"
		return res, true, "is too slow"
	case answer == "":
		return res, true, "hangs up"
	case !whole || !isAnswer(answer):
		return res, true, "does not answer as ClamAV does"
	}
	return res, away, ""
}

// isAnswer reports what a scanner may say to a file.
func isAnswer(said string) bool {
	said = strings.TrimSpace(said)
	return strings.HasSuffix(said, "OK") || strings.HasSuffix(said, " FOUND") || strings.HasSuffix(said, "ERROR")
}

// judge reads a scanner's answer; whole says that it had every byte and that
// its answer is not cut off.
func judge(answer string, whole bool) (res Result, away bool) {
	said := strings.TrimSpace(strings.TrimPrefix(answer, "stream: "))
	name, isFound := strings.CutSuffix(said, " FOUND")
	switch {
	case isFound && strings.HasPrefix(name, "Heuristics.Limits.Exceeded"):
		return Result{Why: "more is inside than the virus scanner opens"}, false
	case isFound && strings.HasPrefix(name, "Heuristics.Encrypted"):
		return Result{Why: "the virus scanner needs a password"}, false
	case isFound:
		return Result{Status: Found, Name: printable(name)}, false
	case said == "OK" && whole:
		return Result{Status: Clean}, false
	case strings.Contains(said, "size limit exceeded"):
		return Result{Why: "larger than the virus scanner takes"}, false
	case strings.HasSuffix(said, "ERROR"):
		return Result{Why: "the virus scanner reports an error"}, true
	}
	return Result{Why: "the virus scanner hung up"}, true
}

// printable is a scanner's word that may go into a line.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), 120)]
}

// source is a file that may be read again from the start.
type source struct {
	r      io.Reader
	read   bool
	failed error
}

func (s *source) rewind() bool {
	if !s.read {
		return true
	}
	k, ok := s.r.(io.Seeker)
	if !ok {
		return false
	}
	_, err := k.Seek(0, io.SeekStart)
	s.read = false
	return err == nil
}

// fill reads as much as there is into b; done says that this was the end.
func (s *source) fill(b []byte) (n int, done bool) {
	s.read = true
	n, err := io.ReadFull(s.r, b)
	if err == nil {
		return n, false
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.failed = err
	}
	return n, true
}

// cut is the part of an answer before its NUL; whole says that there was one.
func cut(b []byte) (string, bool) {
	head, _, whole := bytes.Cut(b, []byte{0})
	return string(head), whole
}
