package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"testing"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
)

// rebinding is a resolver that has taken inside addresses out of an answer.
type rebinding struct{ table }

func (r rebinding) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if host == "inside.test" {
		return nil, fmt.Errorf("finding %s: %w", host, porter.ErrInside)
	}
	return r.table.Lookup(ctx, host)
}

func TestANameThatLeadsInsideIsABlockAndNeverAskedOfAnUpstreamProxy(t *testing.T) {
	far := newBench(t, nil)
	for name, upstream := range map[string]*url.URL{"alone": nil, "behind a provider": {Scheme: "http", Host: far.server.Addr().String()}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(c *Config, names table) { c.Upstream, c.Lookup = upstream, rebinding{names} })
			if status, _ := b.get(t, b.url("inside.test", "/")); status != 403 {
				t.Errorf("plain: %d", status)
			}
			if _, err := b.tunnel(t, fmt.Sprintf("inside.test:%d", port(b.secure)), "inside.test"); err == nil {
				t.Error("a tunnel leads inside")
			}
			for _, e := range b.Events(t, 2) {
				if e.Action != spool.ActionBlock || e.Reason != "private" {
					t.Errorf("event: %+v", e)
				}
			}
		})
	}
	for _, e := range far.Events(t, 0) {
		t.Errorf("the upstream proxy was asked: %+v", e)
	}
}
