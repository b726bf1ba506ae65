package evasion

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// verbs are what a case can do and expect; cases/README.md tells of each.
var verbs = map[string]func(*run, string) error{
	// What the site says.
	"site": (*run).doSite, "page": (*run).doPage, "raw": (*run).doRaw, "speaks": (*run).doSpeaks,
	// What the client does.
	"open": (*run).doOpen, "send": (*run).doSend, "trickle": (*run).doTrickle, "hangup": (*run).doHangUp, "read": (*run).doRead,
	"listen": (*run).doListen, "get": (*run).doGet, "ask": (*run).doAsk, "post": (*run).doPost, "tunnel": (*run).doTunnel,
	"tls": (*run).doTLS, "notls": (*run).doNoTLS, "hello": (*run).doHello, "h2": (*run).doH2,
	"dns": (*run).doDNS, "dnsraw": (*run).doDNSRaw, "scanner": (*run).doScanner, "rules": (*run).doRules, "many": (*run).doMany,
	// What is expected.
	"blocked": (*run).isBlocked, "passed": (*run).isPassed, "refused": (*run).isRefused, "status": (*run).hasStatus, "cut": (*run).isCut,
	"ended": (*run).hasEnded, "body": (*run).hasBody, "header": (*run).hasHeader, "got": (*run).siteGot, "untouched": (*run).isUntouched,
	"inspected": (*run).isInspected, "heard": (*run).hasHeard, "rcode": (*run).hasRcode, "answers": (*run).hasAnswers, "ede": (*run).hasEDE,
	"logged": (*run).isLogged,
}

func (r *run) doSite(args string) error {
	r.sites.mu.Lock()
	defer r.sites.mu.Unlock()
	status, head, _ := strings.Cut(args, " | ")
	now := greeting()
	now.status = status
	if head != "" {
		now.head = nil
		for h := range strings.SplitSeq(head, " | ") {
			text, err := unescape(h)
			if err != nil {
				return err
			}
			now.head = append(now.head, text)
		}
	}
	r.sites.reply = now
	return nil
}

// made is a body, which a case that runs in two modes makes once.
func (r *run) made(expr string) ([]byte, error) {
	if b, ok := r.bodies[expr]; ok {
		return b, nil
	}
	b, err := body(r.t, expr)
	if err == nil {
		if len(r.bodies) > 50 {
			clear(r.bodies)
		}
		r.bodies[expr] = b
	}
	return b, err
}

// doPage sets a body, and the type and other headers before it:
// page text/html; Content-Encoding: gzip = "text" | gzip
func (r *run) doPage(args string) error {
	kind, expr, ok := strings.Cut(args, " = ")
	if !ok {
		return errors.New("page has headers = body")
	}
	b, err := r.made(expr)
	if err != nil {
		return err
	}
	r.sites.mu.Lock()
	defer r.sites.mu.Unlock()
	now := &reply{status: "200 OK", body: b}
	for i, h := range strings.Split(kind, " & ") {
		h = strings.TrimSpace(h)
		switch {
		case h == "none":
		case h == "chunked":
			now.chunk, now.pieces = true, max(now.pieces, 1000)
		case h == "bytes":
			now.chunk, now.pieces = true, 1
		case i == 0 && !strings.Contains(h, ": "):
			now.head = append(now.head, "Content-Type: "+h)
		default:
			now.head = append(now.head, h)
		}
	}
	r.sites.reply = now
	return nil
}

func (r *run) doRaw(args string) error {
	text, rest, err := quoted(args)
	r.sites.mu.Lock()
	defer r.sites.mu.Unlock()
	r.sites.reply = &reply{raw: []byte(text), hold: rest == "hold", body: []byte(text)}
	return err
}

func (r *run) doSpeaks(args string) error {
	r.sites.mu.Lock()
	defer r.sites.mu.Unlock()
	r.sites.reply.h2 = args == "h2"
	return nil
}

func (r *run) doOpen(args string) error {
	at := r.values[args]
	if at == "" {
		return fmt.Errorf("there is no door %q", args)
	}
	return r.open(at)
}

func (r *run) doSend(args string) error {
	text, _, err := quoted(args)
	r.send([]byte(text), 0)
	return err
}

func (r *run) doTrickle(args string) error {
	n, rest, _ := strings.Cut(args, " ")
	pieces, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	text, _, err := quoted(rest)
	r.send([]byte(text), pieces)
	return err
}

func (r *run) doHangUp(string) error { return r.conn.Close() }

// doRead reads the next HTTP answer.
func (r *run) doRead(args string) error {
	r.read(strings.ToUpper(args))
	return nil
}

// doListen reads whatever comes until the other side ends or it holds text.
func (r *run) doListen(args string) error {
	until := ""
	if args != "" {
		var err error
		if until, _, err = quoted(args); err != nil {
			return err
		}
	}
	r.said, r.ended, r.answer, r.body = nil, "", nil, nil
	if r.c.only["slow"] {
		if err := r.conn.SetReadDeadline(now().Add(3 * patience)); err != nil {
			return err
		}
	}
	buf := make([]byte, 16<<10)
	for until == "" || !bytes.Contains(r.said, []byte(until)) {
		n, err := r.r.Read(buf)
		r.said = append(r.said, buf[:n]...)
		if err != nil {
			r.ended = why(err)
			break
		}
	}
	return nil
}

func (r *run) doGet(args string) error { return r.request("GET", args, "") }

// doAsk is doGet with another method.
func (r *run) doAsk(args string) error {
	method, rest, _ := strings.Cut(args, " ")
	return r.request(method, rest, "")
}

// doPost is an address, headers, and = body.
func (r *run) doPost(args string) error {
	args, expr, ok := strings.Cut(args, " = ")
	if !ok {
		return errors.New("post has an address = body")
	}
	b, err := r.made(expr)
	if err != nil {
		return err
	}
	return r.request("POST", args, string(b))
}

func (r *run) doTunnel(args string) error { return r.tunnel(args) }

func (r *run) doTLS(args string) error {
	f := strings.Fields(args)
	return r.handshake(f[0], f[1:]...)
}

func (r *run) doNoTLS(args string) error {
	if err := r.handshake(args); err == nil {
		return errors.New("TLS was agreed on")
	}
	return nil
}

func (r *run) doScanner(args string) error {
	if r.scanner == nil {
		return fmt.Errorf("clamd %w", errAbsent)
	}
	r.scanner.behave(args)
	return nil
}

// doRules changes what is in force: "block HOST", "unblock HOST", "allow HOST",
// "base", "damaged".
func (r *run) doRules(args string) error {
	what, host, _ := strings.Cut(args, " ")
	switch what {
	case "block", "allow":
		act := verdict.Block
		if what == "allow" {
			act = verdict.Allow
		}
		r.publish(func(x *verdict.Rules) {
			x.Own = append(x.Own, verdict.Own{ID: "case", Text: host, Act: act})
		})
	case "unblock":
		r.publish(func(x *verdict.Rules) {
			from := now().Add(-time.Minute)
			x.Unblocks = []verdict.Unblock{{ID: "u", Hosts: []string{host}, Span: verdict.Span{From: from.UnixMilli(), Until: from.Add(time.Hour).UnixMilli()}}}
		})
	case "base":
		r.publish(nil)
	case "damaged":
		return r.damage()
	default:
		return fmt.Errorf("rules cannot be %q", args)
	}
	return nil
}

// damage puts rules in force that are half-written: what ran goes on. The
// next good ones have a higher number.
func (r *run) damage() error {
	before := r.status().RulesNumber
	n, err := snapfile.Publish(r.dir, r.key, now(), r.rules, r.refs)
	if err != nil {
		return err
	}
	path := filepath.Join(r.dir, "snapshots", strconv.FormatUint(n, 10)+".manifest")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, b[:len(b)/2], 0o600); err != nil {
		return err
	}
	if s := r.status(); s.RulesNumber != before && s.RulesNumber != n {
		return fmt.Errorf("rules %d are in force", s.RulesNumber)
	}
	return nil
}

// doMany opens so many connections to a door and leaves them idle.
func (r *run) doMany(args string) error {
	n, door, _ := strings.Cut(args, " ")
	count, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	for range count {
		c, err := dialFrom(r.addr, r.values[door])
		if err != nil {
			return err
		}
		r.all = append(r.all, c)
	}
	return nil
}

func (r *run) isBlocked(args string) error {
	r.closed = true
	if r.two != nil {
		if r.two.status != 403 {
			return fmt.Errorf("HTTP/2 status %d, ended %q", r.two.status, r.two.ended)
		}
		return nil
	}
	if bytes.Contains(r.body, []byte(hello)) || !r.isPage() && (r.answer != nil || r.ended == "" || r.ended == "late") {
		return fmt.Errorf("it is not closed: %s", r.shape())
	}
	if args != "" && !bytes.Contains(r.body, []byte(args)) {
		return fmt.Errorf("the page does not say %q: %.600q", args, r.body)
	}
	return nil
}

func (r *run) isPassed(string) error {
	if r.two != nil {
		if r.two.status != 200 {
			return fmt.Errorf("HTTP/2 status %d, ended %q", r.two.status, r.two.ended)
		}
		return nil
	}
	if r.answer == nil || r.answer.StatusCode != 200 || r.bodyErr != nil || !bytes.Equal(r.body, r.sites.now().body) {
		return fmt.Errorf("it did not come as the site sent it: %s", r.shape())
	}
	return nil
}

// isRefused is an answer that says the request is no good, or none at all.
func (r *run) isRefused(string) error {
	if r.answer == nil && r.ended != "" && r.ended != "late" {
		return nil
	}
	if r.answer == nil || !slices.Contains([]int{400, 405, 414, 421, 431, 501, 505, 508}, r.answer.StatusCode) {
		return fmt.Errorf("it is not refused: %s", r.shape())
	}
	return nil
}

func (r *run) hasStatus(args string) error {
	have := 0
	if r.answer != nil {
		have = r.answer.StatusCode
	}
	if r.two != nil {
		have = r.two.status
	}
	for want := range strings.SplitSeq(args, ",") {
		if strconv.Itoa(have) == want {
			return nil
		}
	}
	return fmt.Errorf("%s", r.shape())
}

func (r *run) isCut(string) error {
	if r.bodyErr == nil && r.ended == "" {
		return fmt.Errorf("it came whole: %s", r.shape())
	}
	return nil
}

func (r *run) hasEnded(args string) error {
	if r.two != nil {
		return r.two.over()
	}
	if r.answer != nil || r.ended == "" || r.ended == "late" || args != "" && r.ended != args {
		return fmt.Errorf("it has not ended: %s", r.shape())
	}
	return nil
}

// has reads "has "text"" or "lacks "text"".
func has(what string, in []byte, args string) error {
	how, rest, _ := strings.Cut(args, " ")
	text, _, err := quoted(rest)
	if err != nil {
		return err
	}
	if found := bytes.Contains(in, []byte(text)); found != (how == "has") {
		return fmt.Errorf("%s: %.800q", what, in)
	}
	return nil
}

func (r *run) hasBody(args string) error { return has("the body", r.body, args) }

func (r *run) hasHeader(args string) error {
	name, rest, _ := strings.Cut(args, " ")
	if r.answer == nil {
		return errors.New("there is no answer")
	}
	return has("the header", []byte(strings.Join(r.answer.Header.Values(name), ", ")), rest)
}

func (r *run) siteGot(args string) error { return has("the site got", []byte(r.sites.asked()), args) }

func (r *run) hasHeard(args string) error { return has("came back", r.said, args) }

func (r *run) isUntouched(string) error {
	if got := r.sites.asked(); got != "" {
		return fmt.Errorf("the site was asked: %.400q", got)
	}
	return nil
}

func (r *run) isInspected(args string) error {
	if want := args != "no"; r.inspected != want {
		return fmt.Errorf("looked into: %v", r.inspected)
	}
	return nil
}

func (r *run) isLogged(args string) error {
	if rest, ok := strings.CutPrefix(args, "only"); ok {
		r.exact = true
		args = strings.TrimSpace(rest)
	}
	if args != "" {
		r.wants = append(r.wants, args)
	}
	return nil
}
