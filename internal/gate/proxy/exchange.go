package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
)

// site is where a request goes.
type site struct {
	host   string // canonical
	port   uint16
	secure bool // over TLS, which is ended here
}

func (t site) usual() uint16 {
	if t.secure {
		return 443
	}
	return 80
}

func (t site) scheme() string {
	if t.secure {
		return "https"
	}
	return "http"
}

// authority is host and port as a Host header has them.
func (t site) authority() string { return joinHost(t.host, t.port, t.usual()) }

// url is the whole address of a request.
func (t site) url(r *http.Request) string {
	return t.scheme() + "://" + t.authority() + pathOf(r)
}

// exchange is one request and its answer, whichever way it came in: what is
// judged, looked at, sent on and written down is the same for all.
type exchange struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	to     site
	client netip.Addr
	basic  *subject.Row
	inside *line // the connection on which TLS was ended, or nil
	answer porter.Answer
}

// run judges the request and sees it through.
func (x *exchange) run() {
	s, w, r, to := x.Server, x.w, x.r, x.to
	who := s.porter.Who(x.client, x.basic)
	q := x.question()
	x.answer = s.porter.Judge(&who, q)
	a := &x.answer
	if a.Allowed() && !to.secure && !webPort(to.port) {
		*a = s.porter.Refuse(&who, q, verdict.ReasonPort)
	}
	x.named()
	if other := r.Header[noteHeader]; other != nil {
		x.noteOther(a, "Host said", other[0])
	}
	if !to.secure && s.captive(w, r, a) || x.remind() {
		return
	}
	switch {
	case !s.passes(a):
		x.block(a)
	case x.roundTheFilter(), x.advised(), x.steered(), x.tested():
	default:
		x.forward()
	}
}

// question is what the judge is asked.
func (x *exchange) question() porter.Question {
	return porter.Question{
		Door: verdict.DoorProxy, Host: x.to.host, Path: pathOf(x.r), Port: x.to.port,
		PrivateOpen: x.privateOpen(x.to.host, x.to.port),
	}
}

// pathOf is path and query as they were sent.
func pathOf(r *http.Request) string { return r.URL.RequestURI() }

// named closes a request whose name is another than its connection's, where
// that name is not to be looked into: it was reached past its own rules.
func (x *exchange) named() {
	a := &x.answer
	if x.inside == nil || x.inside.name == x.to.host {
		return
	}
	switch {
	case !x.passes(a):
		if a.Verdict.Reason != verdict.ReasonLocked {
			a.Verdict.Reason = verdict.ReasonMismatch
		}
	case !x.inspects(a, x.to.host):
		*a = x.porter.Refuse(&a.Who, a.Question, verdict.ReasonMismatch)
	}
	x.noteOther(a, "sent to", x.inside.name)
}

// forward sends an open request on and its answer back. Until that has ended
// it is judged again whenever something changes.
func (x *exchange) forward() {
	s, r, a := x.Server, x.r, &x.answer
	if !x.to.secure && x.leftToProxy() {
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	running := newTunnel(a.Who.Address, x.basic, stop, a.Question)
	remove := s.tunnels.add(running)
	defer remove()
	if x.looked(func(c porter.Content) *porter.Finding { return c.Request(ctx, a, r) }) {
		return
	}
	res, err := x.roundTrip(ctx)
	if err == nil {
		defer func() { res.Body.Close() }() // whatever stands there by then
	}
	if x.closedMeanwhile(running) {
		return
	}
	if err != nil {
		x.failed(err)
		return
	}
	if x.ledAstray(res) {
		return
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		s.porter.Record(r.Context(), a)
		remove() // the two sides are one tunnel from here on
		x.upgraded(res)
		return
	}
	if x.looked(func(c porter.Content) *porter.Finding { return c.Response(ctx, a, r, res) }) {
		return
	}
	if x.closedMeanwhile(running) { // a look inside may take its time
		return
	}
	s.porter.Record(r.Context(), a)
	x.passOn(res)
}

// looked has a look inside, and shows the page if that closes what was found.
func (x *exchange) looked(look func(porter.Content) *porter.Finding) (closed bool) {
	if x.cfg.Content == nil {
		return false
	}
	f := look(x.cfg.Content)
	if f == nil {
		return false
	}
	found := x.porter.Found(&x.answer, f)
	if f.Action == verdict.Allow || x.passes(&found) {
		if found.Verdict.Action == verdict.Warn {
			found.Verdict.Action = verdict.Allow // it was read, and gone on from
		}
		x.answer = found
		return false
	}
	x.block(&found)
	return true
}

// closedMeanwhile shows the page if the rules, the person or the time have
// changed since the request was judged, and close it now.
func (x *exchange) closedMeanwhile(running *tunnel) bool {
	if !running.shut.Load() && !x.porter.Stale(&x.answer) {
		return false
	}
	again, closed := x.closedNow(running)
	if closed {
		x.block(&again)
	}
	return closed
}

// leftToProxy sees to what is different where an upstream proxy fetches plain
// pages: it, not we, finds the address.
func (x *exchange) leftToProxy() bool {
	a := &x.answer
	if err := x.dial.checkBehindProxy(x.r.Context(), a.Host, a.Port); err != nil {
		x.failed(err)
		return true
	}
	if _, safe := a.SafeTarget(); safe && x.dial.proxy != nil {
		// Only in a tunnel can the safe twin be asked for under the name that
		// its page expects.
		x.porter.Record(x.r.Context(), a)
		http.Redirect(x.w, x.r, "https://"+a.Host+pathOf(x.r), http.StatusTemporaryRedirect)
		return true
	}
	return false
}

func (x *exchange) roundTrip(ctx context.Context) (*http.Response, error) {
	out := x.outgoing().WithContext(ctx)
	if x.to.secure {
		return x.origins.RoundTrip(out)
	}
	return x.asker.RoundTrip(out)
}

// outgoing is the request as it goes on: only what belongs to it, and the
// name that was judged.
func (x *exchange) outgoing() *http.Request {
	r, a := x.r, &x.answer
	h := r.Header
	upgrade, trailers := isWebSocket(h), x.to.secure && wantsTrailers(h)
	removeHop(h)
	for _, name := range claims {
		delete(h, name)
	}
	unclaim(h)
	delete(h, "Expect")
	x.restrict()
	h["Via"] = append(h["Via"], "1.1 "+x.name)
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = []string{""}
	}
	if upgrade {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		if x.looksAtTexts() {
			delete(h, "Sec-Websocket-Extensions") // without compression a text is as long as it is
		}
	}
	if trailers {
		h["Te"] = []string{"trailers"}
	}
	target, _ := a.SafeTarget()
	u := &url.URL{
		Scheme: x.to.scheme(), Path: r.URL.Path, RawPath: r.URL.RawPath,
		RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}
	u.Host = x.to.pool(target, talkOf(r, x.dial.proxy == nil), x.to.secure && upgrade)
	out := &http.Request{
		Method: r.Method, URL: u, Host: x.to.authority(), Header: h, Body: r.Body, ContentLength: r.ContentLength,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return out
}

// wantsTrailers reports a client that takes trailers, such as gRPC, which
// does not work without them.
func wantsTrailers(h http.Header) bool { return len(h["Te"]) == 1 && h["Te"][0] == "trailers" }

// passOn gives the browser what the site answered.
func (x *exchange) passOn(res *http.Response) {
	head := x.w.Header()
	ours := head[proveHeader]
	copyHeader(head, res.Header)
	cleanAnswer(head)
	if ours != nil {
		head[proveHeader] = ours
	}
	head["Via"] = append(head["Via"], "1.1 "+x.name)
	x.w.WriteHeader(res.StatusCode)
	n, err := x.copyBody(x.w, res)
	x.bytes.Add(uint64(n))
	x.porter.Passed(&x.answer, uint64(n))
	if err != nil {
		panic(http.ErrAbortHandler) // the client must see that it is cut off
	}
	if x.to.secure {
		for name, values := range res.Trailer {
			head[http.TrailerPrefix+name] = values
		}
	}
}

// failed answers where the other side could not be reached.
func (x *exchange) failed(err error) {
	a, w := &x.answer, x.w
	detail, bad := certificateFault(err)
	if !bad && x.to.secure && !errors.Is(err, context.Canceled) && x.troubles.lately(a.Host, troubleClientCertificate, x.porter.Now()) {
		detail, bad = wantsVisitor, true
	}
	if bad {
		closed := x.porter.Found(a, &porter.Finding{Action: verdict.Block, Reason: verdict.ReasonCertificate, Category: verdict.NoCategory, Detail: detail})
		x.troubles.add(a.Host, troubleCertificate, detail, x.client, x.porter.Now())
		x.block(&closed)
		return
	}
	switch {
	case errors.Is(err, errForbidden), errors.Is(err, porter.ErrInside):
		private := x.porter.Refuse(&a.Who, a.Question, verdict.ReasonPrivate)
		x.block(&private)
	case isRefused(err):
		x.hangUp()
		http.Error(w, "The request is malformed.", http.StatusBadRequest)
	case errors.Is(err, context.Canceled):
		x.porter.Record(x.r.Context(), a)
		panic(http.ErrAbortHandler)
	default:
		x.porter.Record(x.r.Context(), a)
		status := http.StatusBadGateway
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			status = http.StatusGatewayTimeout
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "The site could not be reached. It is open at school, but it does not answer. Try again later.", status)
	}
}

// block writes down a block, and then shows the page.
func (x *exchange) block(a *porter.Answer) { x.closed(a, x.to.url(x.r)) }

// closed is block with another address to go on to from a warning.
func (x *exchange) closed(a *porter.Answer, target string) {
	if a.Verdict.Action == verdict.Allow {
		a.Verdict.Action = verdict.Block
	}
	x.porter.Record(x.r.Context(), a)
	if x.r.ContentLength != 0 {
		x.hangUp() // its body is not wanted
	}
	x.pages.Write(x.w, http.StatusForbidden, x.view(a, target))
}

// hangUp ends the connection after the answer. In HTTP/2 only the stream ends.
func (x *exchange) hangUp() {
	if x.r.ProtoMajor == 1 {
		x.w.Header().Set("Connection", "close")
	}
}
