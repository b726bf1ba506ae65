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
	a, err := parseRequest(x.req)
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
	res.Body, res.ContentLength = bodyOf(x.body, res.ContentLength)
	var found *porter.Finding
	if c := x.s.cfg.Content; c != nil {
		found = c.Response(x.s.ctx, answer, a.http.WithContext(x.s.ctx), res)
		defer func() { _ = res.Body.Close() }() // what it has put there frees what it holds
		if err := x.broken(); err != nil {
			return err
		}
		*answer = x.s.porter.Found(answer, found)
		if !x.s.cfg.Front.Passes(answer) {
			return x.refuse(answer, a.page)
		}
	}
	// What would lead the browser to talk past the filter.
	res.Header.Del("Alt-Svc")
	res.Header.Del("Alternate-Protocol")
	if written := x.s.pairs.answered(answer.Who.Address, a.http.Method, a.key(), x.s.porter.Now()); written && found == nil {
		x.s.porter.Written(answer)
	} else {
		x.record(answer)
	}
	head, edited := editHead(x.res, before, res.Header)
	p := &passing{of: resHead, head: head, edited: edited, body: res.Body, judge: x.s.again(answer, a)}
	err := x.pass(p)
	if p.sent == 0 && err == nil {
		p.sent = max(res.ContentLength, 0)
	}
	x.s.porter.Passed(answer, uint64(p.sent))
	return err
}
