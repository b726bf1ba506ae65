package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/probe"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

const buffer = 32 << 10

// buffers are lent to the copying of bodies.
var buffers = sync.Pool{New: func() any { b := make([]byte, buffer); return &b }}

// hopByHop are headers for one connection only.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Authentication-Info", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// claims are headers by which a client might say that it is somebody else.
var claims = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Forwarded", "X-Real-Ip",
	"X-Client-Ip", "X-Client-Username", "X-Authenticated-User", "X-Authenticated-Groups", "X-Subscriber-Id",
	"X-Belisha-Client", "X-Belisha-Time", "X-Belisha-Sign", "X-Belisha-Secure", "X-Belisha-Who", noteHeader,
}

// unclaim takes such headers away where a line below stands for a hyphen: some
// programs behind a site take the one for the other.
func unclaim(h http.Header) {
	for name := range h {
		if strings.IndexByte(name, '_') >= 0 && slices.ContainsFunc(claims, func(c string) bool {
			return strings.EqualFold(strings.ReplaceAll(name, "_", "-"), c)
		}) {
			delete(h, name)
		}
	}
}

// request handles a request whose whole URL is seen.
func (s *Server) request(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	host, port, ok := splitHost(r.URL.Host, 80)
	if !ok {
		s.malformed(w, r, client)
		return
	}
	if s.looped(w, r) || s.closedMethod(w, r) {
		return
	}
	basic, asked := s.authenticate(w, r, client)
	if asked {
		return
	}
	s.requested(w, r, site{host: host, port: port}, client, basic)
}

// requested answers for a name of our own, or sees the request through. Who
// asks is known by then.
func (s *Server) requested(w http.ResponseWriter, r *http.Request, to site, client netip.Addr, basic *subject.Row) {
	host, port := to.host, to.port
	if slices.Contains(s.porter.Settings().OwnHosts, host) && port == 80 {
		s.people.serve(w, provedBy(r, basic), client)
		return
	}
	if isFinder(host) && port == 80 {
		s.pac(w, r)
		return
	}
	if host == probe.Here && port == 80 {
		s.here(w, r, client)
		return
	}
	x := &exchange{Server: s, w: w, r: r, to: to, client: client, basic: basic}
	x.run()
}

// passes reports an answer that is open, or a warning that was read.
func (s *Server) passes(a *porter.Answer) bool {
	return a.Allowed() || a.Verdict.Action == verdict.Warn && s.goOn.has(a.Who.Address, a.Host, s.porter.High())
}

// webPort keeps the proxy from being used to talk to mail, shells and the
// like in the guise of a web page.
func webPort(port uint16) bool { return port == 80 || port == 443 || port >= 1024 }

func (s *Server) privateOpen(host string, port uint16) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && s.cfg.Guard.PrivateOpen(a, port)
}

// splitHost reads "host" or "host:port" into a canonical host and a port.
func splitHost(text string, port uint16) (string, uint16, bool) {
	raw := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		n, err := strconv.ParseUint(text[i+1:], 10, 16)
		if err != nil || n == 0 || text[i+1] == '0' || text[i+1] == '+' {
			return "", 0, false
		}
		raw, port = text[:i], uint16(n)
	}
	host, _, err := verdict.CanonicalHost(raw)
	return host, port, err == nil
}

// looped answers a request that has been here before.
func (s *Server) looped(w http.ResponseWriter, r *http.Request) bool {
	for _, v := range r.Header["Via"] {
		if strings.Contains(v, s.name) {
			http.Error(w, "This request has come round in a circle.", http.StatusLoopDetected)
			return true
		}
	}
	return false
}

func joinHost(host string, port, usual uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == usual {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}

// isWebSocket reports the one upgrade that is passed on.
func isWebSocket(h http.Header) bool {
	if up := h["Upgrade"]; len(up) != 1 || !strings.EqualFold(up[0], "websocket") {
		return false
	}
	for _, v := range h["Connection"] {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "upgrade") {
				return true
			}
		}
	}
	return false
}

// removeHop removes the headers of one connection, and those it names.
func removeHop(h http.Header) {
	for _, v := range h["Connection"] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				h.Del(part)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

// cleanAnswer removes what is for one connection only, and what would lead
// the browser to talk past the gate.
func cleanAnswer(h http.Header) {
	removeHop(h)
	delete(h, "Alt-Svc")
	delete(h, "Alternate-Protocol")
}

func (s *Server) copyBody(w http.ResponseWriter, res *http.Response) (n int64, err error) {
	lent := buffers.Get().(*[]byte)
	defer buffers.Put(lent)
	if res.ContentLength >= 0 {
		return io.CopyBuffer(onlyWriter{w}, res.Body, *lent)
	}
	// Of unknown length: events and streams must not wait for a full buffer.
	control := http.NewResponseController(w)
	if eventful(res.Header) {
		if err := control.Flush(); err != nil { // the first event may take its time
			return 0, err
		}
	}
	for {
		got, rerr := res.Body.Read(*lent)
		if got > 0 {
			if _, err := w.Write((*lent)[:got]); err != nil {
				return n, err
			}
			n += int64(got)
			if err := control.Flush(); err != nil {
				return n, err
			}
		}
		if errors.Is(rerr, io.EOF) {
			return n, nil
		}
		if rerr != nil {
			return n, rerr
		}
	}
}

// eventful reports an answer whose head is waited for before its body.
func eventful(h http.Header) bool {
	kind := h.Get("Content-Type")
	return strings.HasPrefix(kind, "text/event-stream") || strings.HasPrefix(kind, "application/grpc")
}

// onlyWriter hides the writer's own copying, which would ignore our buffer.
type onlyWriter struct{ io.Writer }

// malformed refuses what no browser would send.
func (s *Server) malformed(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	s.refused.Add(1)
	who := s.porter.Who(client, nil)
	answer := s.porter.Refuse(&who, porter.Question{Door: verdict.DoorProxy}, verdict.ReasonMalformed)
	s.porter.Record(r.Context(), &answer)
	w.Header().Set("Connection", "close")
	s.pages.Write(w, http.StatusBadRequest, s.view(&answer, ""))
}

// view puts an answer into the page's words. Target is where "go on" leads.
func (s *Server) view(a *porter.Answer, target string) blockpage.View {
	set, b := s.porter.Settings(), a.Explain()
	v := blockpage.View{
		Reason: b.Reason, Host: b.Host, Pupil: b.Pupil, Quiet: b.Alert, Title: b.Title, Teacher: b.Teacher, Category: b.Category,
		Rule: b.Rule, Clause: b.Clause, Group: b.Group, School: set.SchoolName, Adult: set.TrustedAdult, Pages: set.Pages(),
		At: a.At.In(s.porter.Zone()), Notice: set.Notice,
	}
	v.Class, v.Sites, v.Until = b.Class, b.Sites, b.Until
	if zone, err := set.Location(); err == nil {
		v.At, v.Until = a.At.In(zone), b.Until.In(zone)
		if b.Until.IsZero() {
			v.Until = b.Until
		}
	}
	switch {
	case ofAudience(a, "staff"):
		v.Reader, v.Notice = blockpage.Staff, set.NoticeStaff
	case ofAudience(a, "guest"):
		v.Reader = blockpage.Guest
	}
	if f := a.Finding(); f != nil {
		v.Detail = f.Detail
	}
	if a.Who.Guest() && (a.Verdict.Reason == verdict.ReasonAgreement || a.Verdict.Reason == verdict.ReasonUnsigned) {
		v.Reason = "guest"
	}
	v.Address = target
	if f := a.Finding(); f != nil && f.Asked != "" {
		v.Address = f.Asked
	}
	for _, h := range set.Help {
		v.Help = append(v.Help, blockpage.Help{Name: h.Name, Phone: h.Phone, URL: h.URL, Says: h.Says})
	}
	if a.Verdict.Action == verdict.Warn && target != "" {
		v.Reason = "warn"
		v.GoOn = s.goOn.link(set.Pages(), a.Who.Address, a.Host, target, a.At)
	}
	return v
}

// ofAudience reports a reader all of whose groups are of an audience. Whoever
// is not known is spoken to as a pupil.
func ofAudience(a *porter.Answer, audience string) bool {
	if len(a.Who.Groups) == 0 {
		return false
	}
	for _, slug := range a.Who.Groups {
		of := slices.ContainsFunc(a.Names().Groups, func(g verdict.Group) bool { return g.Slug == slug && g.Audience == audience })
		if !of {
			return false
		}
	}
	return true
}
