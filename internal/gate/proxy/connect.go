package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// alertDenied is a TLS alert: fatal, access denied.
var alertDenied = []byte{21, 3, 1, 0, 2, 2, 49}

// visit is one CONNECT on its way through.
type visit struct {
	client net.Conn // raw, after the answer to CONNECT
	first  []byte   // what the client has sent so far
	addr   netip.Addr
	basic  *subject.Row
	who    subject.Found
	host   string // asked for by name, "" where nothing was
	port   uint16
	handed bool // the connection is somebody else's now
}

// connect handles a tunnel: by the name it asks for, and then by the name in
// its first TLS message.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	w.Header().Set("Connection", "close") // unless it becomes a tunnel
	host, port, ok := splitHost(r.URL.Host, 0)
	if !ok || port == 0 {
		s.malformed(w, r, client)
		return
	}
	if s.looped(w, r) {
		return
	}
	basic, asked := s.authenticate(w, r, client)
	if asked {
		return
	}
	v := &visit{addr: client, basic: basic, who: s.porter.Who(client, basic), host: host, port: port}
	own := slices.Contains(s.porter.Settings().OwnHosts, host)
	if !s.tunnelPort(port) {
		s.refuseTunnel(w, r, s.porter.Refuse(&v.who, s.question(v, host), verdict.ReasonPort))
		return
	}
	answer := s.porter.Judge(&v.who, s.question(v, host))
	open := s.passes(&answer)
	page := s.canShow(&v.who)
	if (own || !open) && !page {
		s.refuseTunnel(w, r, answer)
		return
	}
	if !s.takeOver(w, v) {
		return
	}
	defer v.leave()
	if own {
		s.showTLS(v, host, func(w http.ResponseWriter, r *http.Request) { s.people.serve(w, provedBy(r, basic), client) })
		return
	}
	s.arrive(r.Context(), v, &answer)
}

// leave closes the connection, unless somebody else has it now.
func (v *visit) leave() {
	if !v.handed {
		v.client.Close()
	}
}

// tunnelPort reports a port that CONNECT may name: 443, or the school's list.
func (s *Server) tunnelPort(port uint16) bool {
	list := s.porter.Settings().ConnectPorts
	return len(list) == 0 && port == 443 || slices.Contains(list, port) || s.cfg.Guard.Port(port)
}

func (s *Server) question(v *visit, host string) porter.Question {
	return porter.Question{Door: verdict.DoorTunnel, Host: host, Port: v.port, PrivateOpen: s.privateOpen(host, v.port)}
}

// canShow reports whether a page can stand in place of an HTTPS site.
func (s *Server) canShow(who *subject.Found) bool {
	if s.cfg.Leaves == nil || !who.CA && !s.porter.Settings().CAEverywhere {
		return false
	}
	x, ok := s.cfg.Leaves.(interface{ Ready() bool })
	return !ok || x.Ready()
}

// refuseTunnel answers CONNECT itself with the block.
func (s *Server) refuseTunnel(w http.ResponseWriter, r *http.Request, answer porter.Answer) {
	answer.Verdict.Action = verdict.Block
	s.porter.Record(r.Context(), &answer)
	s.pages.Write(w, http.StatusForbidden, s.view(&answer, ""))
}

// takeOver answers 200 and takes the connection from net/http.
func (s *Server) takeOver(w http.ResponseWriter, v *visit) bool {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.cfg.Log.Error("a tunnel could not be taken over", "error", err.Error())
		return false
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, err := rw.Reader.Peek(n)
		if err != nil {
			conn.Close()
			return false
		}
		v.first = append(v.first, early...)
	}
	if c, ok := conn.(*strictConn); ok {
		c.tunnel()
	}
	v.client = conn
	if err := conn.SetDeadline(systemNow().Add(helloFor)); err != nil {
		conn.Close()
		return false
	}
	head := "HTTP/1.1 200 Connection established\r\n"
	if proof := w.Header().Get(proveHeader); proof != "" {
		head += proveHeader + ": " + proof + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		conn.Close()
		return false
	}
	return true
}

// hello waits for the whole first TLS message.
func (v *visit) hello() (hello, error) {
	lent := chunks.Get().(*[]byte)
	defer chunks.Put(lent)
	buf := *lent
	for {
		h, err := readHello(v.first)
		if !errors.Is(err, errMoreHello) {
			return h, err
		}
		if len(v.first) > maxHello {
			return hello{}, errBadHello
		}
		n, err := v.client.Read(buf)
		v.first = append(v.first, buf[:n]...)
		if n == 0 && err != nil {
			return hello{}, errNotTLS // nothing came, or not in time
		}
	}
}

// reasonOf is the reason to close a tunnel whose first message was no good.
func reasonOf(err error) verdict.Reason {
	switch {
	case errors.Is(err, errNoName):
		return verdict.ReasonNoName
	case errors.Is(err, errBadHello):
		return verdict.ReasonMalformed
	}
	return verdict.ReasonNotTLS
}

// arrive reads the server's name, judges it together with the name that was
// asked for, and lets the visit through, looks into it, or closes it. Asked is
// nil where no name was asked for: the network itself sent the visit here.
func (s *Server) arrive(ctx context.Context, v *visit, asked *porter.Answer) {
	h, err := v.hello()
	name := ""
	if err == nil {
		name, err = serverHost(h.name)
	}
	if err != nil && asked != nil && v.addressed(&h, err) && s.passes(asked) {
		s.admitTLS(ctx, v, asked, []porter.Question{asked.Question}, &h, v.host)
		return
	}
	if err != nil {
		s.unnamed(ctx, v, asked, err)
		return
	}
	if asked == nil {
		answer := s.porter.Judge(&v.who, s.question(v, name))
		s.admitTLS(ctx, v, &answer, []porter.Question{answer.Question}, &h, name)
		return
	}
	answer, questions := *asked, []porter.Question{asked.Question}
	if name == v.host {
		s.admitTLS(ctx, v, &answer, questions, &h, name)
		return
	}
	answer = s.porter.Judge(&v.who, s.question(v, name))
	s.noteOther(&answer, "asked for", v.host)
	switch {
	case !s.passes(asked):
		s.blockTLS(ctx, v, asked, name)
	case !s.passes(&answer):
		if answer.Verdict.Reason != verdict.ReasonLocked {
			answer.Verdict.Reason = verdict.ReasonMismatch
		}
		s.blockTLS(ctx, v, &answer, name)
	default:
		s.admitTLS(ctx, v, &answer, append(questions, answer.Question), &h, name)
	}
}

// addressed reports a visit to an address by its numbers, of which TLS has no
// name: what was judged is the very address that is reached.
func (v *visit) addressed(h *hello, err error) bool {
	a, aerr := netip.ParseAddr(v.host)
	if aerr != nil {
		return false
	}
	if errors.Is(err, errNoName) {
		return true
	}
	sent, err := netip.ParseAddr(h.name) // no client should, and some do
	return err == nil && sent.Unmap() == a
}

// unnamed ends a visit whose first message names no server, or never came.
func (s *Server) unnamed(ctx context.Context, v *visit, asked *porter.Answer, err error) {
	switch {
	case asked == nil && len(v.first) == 0:
		// Opened ahead of need, and never used: of that nothing is known.
	case asked == nil:
		s.porter.Bypassed(&v.who, porter.BypassHidden)
		refused := s.porter.Refuse(&v.who, s.question(v, ""), reasonOf(err))
		s.closeTunnel(ctx, v, &refused)
	case len(v.first) == 0:
		if !s.passes(asked) {
			asked.Verdict.Action = verdict.Block
		}
		s.porter.Record(detached(ctx), asked)
	case !s.passes(asked):
		s.closeTunnel(ctx, v, asked)
	default:
		if !asked.Verdict.Support {
			s.porter.Bypassed(&v.who, porter.BypassHidden)
		}
		refused := s.porter.Refuse(&v.who, asked.Question, reasonOf(err))
		s.closeTunnel(ctx, v, &refused)
	}
}

// admitTLS does with a visit as its name was answered.
func (s *Server) admitTLS(ctx context.Context, v *visit, answer *porter.Answer, questions []porter.Question, h *hello, name string) {
	switch {
	case h.ech && hidesName(answer):
		s.porter.Bypassed(&v.who, porter.BypassHidden)
		refused := s.porter.Refuse(&v.who, answer.Question, verdict.ReasonBypass)
		refused.Note("the site's name is encrypted")
		s.blockTLS(ctx, v, &refused, name)
	case s.inspects(answer, name):
		s.inspect(ctx, v, answer, name)
	case !s.passes(answer):
		s.blockTLS(ctx, v, answer, name)
	default:
		s.splice(ctx, v, answer, questions, name)
	}
}

// serverHost is the name in a TLS message as the judge knows it.
func serverHost(sent string) (string, error) {
	name, kind, err := verdict.CanonicalHost(sent)
	if err != nil || kind != verdict.HostName || sent[len(sent)-1] == '.' {
		return "", errBadHello
	}
	return name, nil
}

// hidesName reports a name that stands in the open in place of an encrypted
// one. Browsers also send the extension without meaning it, so only the name
// tells. The school may open such a name itself.
func hidesName(a *porter.Answer) bool {
	switch a.Host {
	case "cloudflare-ech.com", "cover.defo.ie", "public.tls-ech.dev":
		return a.Verdict.Reason != verdict.ReasonOwnAllow && a.Verdict.Reason != verdict.ReasonUnblock
	}
	return false
}

// splice connects and lets bytes through both ways until either side ends, or
// the rules close it. The name in the message is the one that is reached:
// whatever address or other name was asked for plays no part any more.
func (s *Server) splice(ctx context.Context, v *visit, answer *porter.Answer, questions []porter.Question, name string) {
	to := name
	if target, ok := answer.SafeTargetOf(name); ok {
		to = target
	}
	both := &ends{client: v.client}
	x := newTunnel(v.addr, v.basic, both.close, questions...)
	q := answer.Question
	x.stay = func(who *subject.Found) bool {
		again := s.porter.Judge(who, q)
		return !s.inspects(&again, name)
	}
	remove := s.tunnels.add(x)
	defer remove()
	if closed, now := s.closedNow(x); now { // while its first message was on its way
		s.closeTunnel(ctx, v, &closed)
		return
	}
	server, err := s.dial.dial(detached(ctx), to, v.port)
	if err != nil {
		if errors.Is(err, errForbidden) || errors.Is(err, porter.ErrInside) {
			refused := s.porter.Refuse(&v.who, answer.Question, verdict.ReasonPrivate)
			s.closeTunnel(ctx, v, &refused)
			return
		}
		s.porter.Record(ctx, answer)
		return
	}
	defer server.Close()
	if !both.join(server) {
		return // closed while we connected, and written down then
	}
	s.porter.Record(ctx, answer)
	if err := v.client.SetDeadline(time.Time{}); err != nil {
		return
	}
	if _, err := server.Write(v.first); err != nil {
		return
	}
	n := pipe(v.client, server)
	s.bytes.Add(n)
	s.porter.Passed(answer, n)
}

// ends are the two connections of a tunnel, of which the second comes later.
type ends struct {
	mu             sync.Mutex
	closed         bool
	client, server net.Conn
}

func (e *ends) join(server net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server = server
	return !e.closed
}

func (e *ends) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	e.client.Close()
	if e.server != nil {
		e.server.Close()
	}
}

// pipe copies both ways and returns how many bytes passed.
func pipe(client, server net.Conn) uint64 {
	var total atomic.Uint64
	copyOne := func(to, from net.Conn) {
		n, err := io.Copy(plain(to), readFrom(from))
		total.Add(uint64(n))
		if half, ok := plain(to).(interface{ CloseWrite() error }); ok && err == nil {
			if half.CloseWrite() == nil {
				return
			}
		}
		to.Close()
		from.Close()
	}
	var wg sync.WaitGroup
	wg.Go(func() { copyOne(server, client) })
	copyOne(client, server)
	wg.Wait()
	return total.Load()
}

// plain is the connection itself below our wrappers, which the system can
// copy to without us.
func plain(c net.Conn) net.Conn {
	switch w := c.(type) {
	case *strictConn:
		return plain(w.Conn)
	case *countedConn:
		return plain(w.Conn)
	}
	return c
}

// readFrom is plain, unless something read ahead still waits in a wrapper.
func readFrom(c net.Conn) io.Reader {
	w, ok := c.(*strictConn)
	if !ok {
		return c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at < len(w.out) || len(w.in) > 0 {
		return c
	}
	return plain(c)
}

// closeTunnel writes the block down, and ends the tunnel as TLS does.
func (s *Server) closeTunnel(ctx context.Context, v *visit, answer *porter.Answer) {
	answer.Verdict.Action = verdict.Block
	s.porter.Record(detached(ctx), answer)
	if len(v.first) > 0 && v.first[0] == recordHandshake {
		// The client may have gone already.
		_, _ = v.client.Write(alertDenied)
	}
}
