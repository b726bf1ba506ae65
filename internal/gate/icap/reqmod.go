package icap

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

const maxForm = 1 << 20 // what the people's pages take

// request answers REQMOD: may this go out?
func (x *exchange) request() error {
	a, err := parseRequest(x.req, x.scheme())
	who := x.who()
	if err != nil {
		q := x.nothing()
		q.Host = a.host
		refused := x.s.porter.Refuse(&who, q, verdict.ReasonMalformed)
		return x.refuse(&refused, "")
	}
	switch {
	case strings.EqualFold(a.http.Method, http.MethodTrace) || strings.EqualFold(a.http.Method, "TRACK") || strings.EqualFold(a.http.Method, "DEBUG"):
		p := x.newPage()
		http.Error(p, "This method is not open.", http.StatusMethodNotAllowed)
		return p.finish()
	case x.s.isOwn(a):
		return x.own(a, who.Address)
	}
	answer := x.s.judge(&who, a)
	if done, err := x.instead(a, &answer); done {
		return err
	}
	if !x.s.cfg.Front.Passes(&answer) {
		return x.refuse(&answer, a.page)
	}
	return x.send(a, &answer)
}

// scheme is that of a request whose own address does not say it: firewalls put
// it beside.
func (x *exchange) scheme() string {
	if strings.EqualFold(x.m.header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}

// send lets an open request go on, unless what is in it closes it.
func (x *exchange) send(a *asked, answer *porter.Answer) error {
	before := maps.Clone(a.http.Header)
	for name, values := range before {
		before[name] = slices.Clone(values)
	}
	body, said := bodyOf(x.body, a.http.ContentLength)
	a.http = a.http.WithContext(x.s.ctx)
	a.http.Body, a.http.ContentLength = body, said
	if !a.connect {
		if c := x.s.cfg.Content; c != nil {
			found := c.Request(x.s.ctx, answer, a.http)
			defer func() { _ = a.http.Body.Close() }() // what stands in its place frees what it holds
			if err := x.broken(); err != nil {
				return err
			}
			*answer = x.s.porter.Found(answer, found)
			if !x.s.cfg.Front.Passes(answer) {
				return x.refuse(answer, a.page)
			}
		}
		p := x.newPage()
		if x.s.cfg.Front.Steer(p, a.http, answer) {
			return p.finish()
		}
	}
	target := a.steered()
	x.record(answer)
	if !a.connect {
		x.s.pairs.asked(answer.Who.Address, a.http.Method, a.key(), x.s.porter.Now())
	}
	head, edited := editHead(x.req, before, a.http.Header)
	if target != "" {
		head, edited = retarget(head, target), true
	}
	p := &passing{of: reqHead, head: head, edited: edited, body: a.http.Body, said: said, judge: x.again(answer, a)}
	err := x.pass(p)
	x.s.porter.Passed(answer, uint64(p.sent))
	return err
}

// broken is what ended the body while it was looked at.
func (x *exchange) broken() error {
	if x.body == nil {
		return nil
	}
	return x.body.failed()
}

// instead answers in place of the page that was asked for, where sign-in or
// the agreement comes first.
func (x *exchange) instead(a *asked, answer *porter.Answer) (done bool, err error) {
	if a.connect {
		return false, nil
	}
	if a.scheme == "http" {
		p := x.newPage()
		if x.s.cfg.Front.Captive(p, a.http, answer) {
			return true, p.finish()
		}
	}
	if !isPage(a.http) || !x.s.porter.Remind(answer) {
		return false, nil
	}
	x.record(answer)
	v := x.s.cfg.Front.View(answer, "")
	v.GoOn = a.page
	p := x.newPage()
	x.s.cfg.Pages.Write(p, http.StatusForbidden, v)
	return true, p.finish()
}

// isPage reports a page that somebody opens in a window of their own.
func isPage(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" {
		return false
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("X-Requested-With") == ""
}

// judge asks the porter about what is asked for.
func (s *Server) judge(who *subject.Found, a *asked) porter.Answer {
	q := porter.Question{Door: verdict.DoorICAP, Host: a.host, Path: a.path, Port: a.port}
	if ip, is := isAddress(a.host); is {
		q.PrivateOpen = s.cfg.Guard.PrivateOpen(ip, a.port)
	}
	if a.connect {
		if !s.tunnelPort(a.port) {
			return s.porter.Refuse(who, q, verdict.ReasonPort)
		}
		q.Door = verdict.DoorTunnel // whose ports are the rules' to say
	}
	answer := s.porter.Judge(who, q)
	answer.Door = verdict.DoorICAP
	if !a.connect && answer.Allowed() && (!webPort(a.port) || a.scheme == "ftp") {
		q.Door = verdict.DoorICAP
		return s.porter.Refuse(who, q, verdict.ReasonPort)
	}
	return answer
}

// tunnelPort reports a port that CONNECT may name: 443, or the school's list.
func (s *Server) tunnelPort(port uint16) bool {
	list := s.porter.Settings().ConnectPorts
	return len(list) == 0 && port == 443 || slices.Contains(list, port) || s.cfg.Guard.Port(port)
}

// again judges anew what is on its way: who is there, and the rules, may be
// others by now.
func (x *exchange) again(answer *porter.Answer, a *asked) func() (porter.Answer, bool) {
	found, who := answer.Finding(), answer.Who
	return func() (porter.Answer, bool) {
		if !x.proved {
			who = x.grouped(x.s.porter.Who(who.Address, nil))
		}
		now := x.s.judge(&who, a)
		if open := x.s.cfg.Front.Passes(&now); !open {
			return now, false
		}
		now = x.s.porter.Found(&now, found)
		return now, x.s.cfg.Front.Passes(&now)
	}
}

// steered takes over a query that was changed, and returns the address as the
// request's first line must have it then; "" where nothing was.
func (a *asked) steered() string {
	path, query, _ := strings.Cut(a.path, "?")
	if a.connect || a.http.URL.RawQuery == query {
		return ""
	}
	was := a.path
	a.path = path + "?" + a.http.URL.RawQuery
	a.page = strings.TrimSuffix(a.page, was) + a.path
	if strings.HasPrefix(a.http.RequestURI, "/") {
		return a.path
	}
	return a.page
}

// key names a request for as long as its answer is awaited.
func (a *asked) key() string { return a.page }

func (s *Server) isOwn(a *asked) bool {
	return !a.connect && (a.port == 80 || a.port == 443) && slices.Contains(s.porter.Settings().OwnHosts, a.host)
}

// own answers a request for the people's pages itself: the client's address is
// known here, and would not be behind another proxy.
func (x *exchange) own(a *asked, client netip.Addr) error {
	r := a.http.WithContext(x.s.ctx)
	r.URL.Path, r.RequestURI = a.http.URL.Path, a.path
	r.Header.Del("Proxy-Authorization")
	r.Header.Del("Expect")
	r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	if r.Host == "" {
		r.Host = a.http.URL.Host
	}
	if a.scheme == "https" && x.c.peer.IsLoopback() {
		r.TLS = &tls.ConnectionState{} // nobody listens between the browser and us
	}
	p := x.newPage()
	if x.body != nil {
		form, err := io.ReadAll(io.LimitReader(x.body, maxForm+1))
		if err != nil {
			return err
		}
		if len(form) > maxForm {
			http.Error(p, "That is more than this page takes.", http.StatusRequestEntityTooLarge)
			return p.finish()
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(form)), int64(len(form))
	}
	x.s.cfg.Front.Own(p, r, client)
	if err := p.finish(); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}
