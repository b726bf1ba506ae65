package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// excluder is a certificate authority that may not speak for every name.
type excluder interface{ Excludes(host string) bool }

// canSpeak reports whether the gate can stand in for a host on this person's
// device.
func (s *Server) canSpeak(who *subject.Found, host string) bool {
	if !s.canShow(who) {
		return false
	}
	x, ok := s.cfg.Leaves.(excluder)
	return !ok || !x.Excludes(host)
}

// inspects reports whether TLS to the host that an answer is about is ended
// here. A host of a licensed list is closed as a whole: nothing of what was
// asked of it is read.
func (s *Server) inspects(a *porter.Answer, host string) bool {
	return a.Verdict.Licensed == 0 && a.Inspects(host) && s.canSpeak(&a.Who, host)
}

// noteOther has another host's name beside an answer's own written down,
// unless it is one that nothing may be written down of.
func (s *Server) noteOther(a *porter.Answer, says, host string) {
	name, _, ok := splitHost(host, 80)
	if ok {
		v := s.porter.Judge(&a.Who, porter.Question{Host: name}).Verdict
		ok = !v.Support && v.Licensed == 0
	}
	if !ok {
		name = "another host"
	}
	a.Note(says + " " + name)
}

// inspect ends TLS in place of the site, and judges what is asked on it
// request by request. What was answered for the name alone is written down
// only if it does not come to that.
func (s *Server) inspect(ctx context.Context, v *visit, answer *porter.Answer, name string) {
	q := answer.Question
	err := s.serveTLS(v, name, nil, func(who *subject.Found) bool {
		again := s.porter.Judge(who, q)
		return s.inspects(&again, name)
	})
	if err == nil {
		return
	}
	if refusedOurs(err) {
		s.troubles.add(name, troublePinned, "", v.addr, s.porter.Now())
		answer.Note("the program did not take the school's certificate")
	}
	s.porter.Record(detached(ctx), answer)
}

// Alerts by which a client says that it does not take a certificate.
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49}

// refusedOurs reports that the client went away because of our certificate:
// with an alert that says so, or without a word.
func refusedOurs(err error) bool {
	return alerted(err, certificateAlerts...) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// within answers a request that came inside TLS.
func (s *Server) within(w http.ResponseWriter, r *http.Request) {
	l, ok := r.Context().Value(lineKey{}).(*line)
	if !ok {
		http.Error(w, "This connection is not known.", http.StatusInternalServerError)
		return
	}
	s.requests.Add(1)
	l.begun.Add(1)
	if l.page == nil {
		s.troubles.works(l.name)
	}
	defer l.over(r)
	defer s.isolate()
	r.TLS = &l.state
	if l.page != nil {
		l.page(w, r)
		return
	}
	s.inspected(w, r, l)
}

// inspected judges a request under its own name, whatever name its connection
// was opened for.
func (s *Server) inspected(w http.ResponseWriter, r *http.Request, l *line) {
	client := l.running.client
	if twoNames(r) {
		s.malformed(w, r, client)
		return
	}
	host, port, ok := splitHost(r.Host, 443)
	nested := r.Method == http.MethodConnect || r.Header[":protocol"] != nil
	if !ok || port != l.port && !nested || r.URL.Opaque != "" || r.URL.Scheme != "" && r.URL.Scheme != "https" || r.URL.Path == "" && !nested {
		s.malformed(w, r, client)
		return
	}
	x := &exchange{
		Server: s, w: w, r: r, to: site{host: host, port: port, secure: true},
		client: client, basic: s.basicOf(l.running), inside: l,
	}
	switch {
	case nested:
		x.refuse(verdict.ReasonBypass, "a tunnel inside a connection")
		return
	case s.looped(w, r) || s.closedMethod(w, r):
		return
	case slices.Contains(s.porter.Settings().OwnHosts, host):
		s.people.serve(w, r, client)
		return
	case r.ProtoMajor >= 2 && host != l.name && x.misdirected():
		return
	}
	r.URL.Scheme, r.URL.Host = "https", x.to.authority() // as what looks inside expects
	x.run()
}

// twoNames reports an HTTP/2 request whose Host says something else than its
// authority. One that says the same is taken off: it goes on anew.
func twoNames(r *http.Request) bool {
	hosts, ok := r.Header["Host"]
	if ok && (len(hosts) != 1 || hosts[0] != r.Host) {
		return true
	}
	delete(r.Header, "Host")
	return false
}

// misdirected answers an HTTP/2 request for another name than the one that
// its connection's certificate is for. No browser sends one.
func (x *exchange) misdirected() bool {
	who := x.porter.Who(x.client, x.basic)
	a := x.porter.Judge(&who, x.question())
	if !x.passes(&a) {
		return false // it is closed, and the page says so
	}
	a = x.porter.Refuse(&who, a.Question, verdict.ReasonMismatch)
	x.noteOther(&a, "sent to", x.inside.name)
	x.porter.Record(x.r.Context(), &a)
	http.Error(x.w, "This connection is for another site.", http.StatusMisdirectedRequest)
	return true
}

// refuse closes a request that needs no judge.
func (x *exchange) refuse(reason verdict.Reason, detail string) {
	who := x.porter.Who(x.client, x.basic)
	a := x.porter.Refuse(&who, x.question(), reason)
	a.Note(detail)
	x.porter.Record(x.r.Context(), &a)
	x.hangUp()
	x.pages.Write(x.w, http.StatusForbidden, x.view(&a, ""))
}

// mirrors reports a method by which a server tells of itself, however it is
// written: some servers do not mind.
func mirrors(method string) bool {
	return strings.EqualFold(method, http.MethodTrace) || strings.EqualFold(method, "TRACK") || strings.EqualFold(method, "DEBUG")
}

// closedMethod answers methods that are of no use but to look at the filter.
func (s *Server) closedMethod(w http.ResponseWriter, r *http.Request) bool {
	if !mirrors(r.Method) {
		return false
	}
	http.Error(w, "This method is not open.", http.StatusMethodNotAllowed)
	return true
}
