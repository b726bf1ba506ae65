package icap

import (
	"maps"
	"net/http"
	"slices"

	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// response answers RESPMOD: may this come in? What was said of the request
// does not count: it is judged again, since it may be another client's that
// asked, or nobody's.
func (x *exchange) response() error {
	a, err := parseRequest(x.req, x.scheme())
	who := x.who()
	if err != nil {
		q := x.nothing()
		q.Host = a.host
		refused := x.s.porter.Refuse(&who, q, verdict.ReasonMalformed)
		return x.refuse(&refused, "")
	}
	answer := x.s.judge(&who, a)
	if !x.s.cfg.Front.Passes(&answer) {
		return x.refuse(&answer, a.page)
	}
	res, err := parseResponse(x.res, a.http)
	if err != nil {
		refused := x.s.porter.Refuse(&who, answer.Question, verdict.ReasonMalformed)
		return x.refuse(&refused, "")
	}
	return x.receive(a, &answer, res)
}

// receive lets an open answer come in, unless what is in it closes it.
func (x *exchange) receive(a *asked, answer *porter.Answer, res *http.Response) error {
	before := maps.Clone(res.Header)
	for name, values := range before {
		before[name] = slices.Clone(values)
	}
	// What would lead the browser to talk past the filter.
	res.Header.Del("Alt-Svc")
	res.Header.Del("Alternate-Protocol")
	body, said := bodyOf(x.body, res.ContentLength)
	res.Body, res.ContentLength = body, said
	found, err := x.look(a, answer, res, before)
	if x.s.cfg.Content != nil {
		defer func() { _ = res.Body.Close() }() // what stands in its place frees what it holds
	}
	if err != nil {
		return err
	}
	*answer = x.s.porter.Found(answer, found)
	if !x.s.cfg.Front.Passes(answer) {
		if x.began {
			x.record(answer)
			return errShut
		}
		return x.refuse(answer, a.page)
	}
	if written := x.s.pairs.answered(answer.Who.Address, a.http.Method, a.key(), x.s.porter.Now()); written && found == nil {
		x.s.porter.Written(answer)
	} else {
		x.record(answer)
	}
	head, edited := editHead(x.res, before, res.Header)
	p := &passing{of: resHead, head: head, edited: edited, body: res.Body, said: said, judge: x.again(answer, a)}
	err = x.pass(p)
	if p.sent == 0 && err == nil {
		p.sent = max(res.ContentLength, 0)
	}
	x.s.porter.Passed(answer, uint64(p.sent))
	return err
}

// look looks inside an answer.
func (x *exchange) look(a *asked, answer *porter.Answer, res *http.Response, before http.Header) (*porter.Finding, error) {
	c := x.s.cfg.Content
	if c == nil {
		return nil, nil
	}
	if x.body != nil {
		head, _ := editHead(x.res, before, res.Header)
		defer x.watch(head)()
	}
	found := c.Response(x.s.ctx, answer, a.http.WithContext(x.s.ctx), res)
	return found, x.broken()
}
