package house

import (
	"context"

	"belisha/internal/gate/control"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics offers the filter's counters.
func (g *gateDoor) metrics(reg *prometheus.Registry) {
	gauge := func(name, says string, of func(control.Status) float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "belisha", Name: name, Help: says}, func() float64 {
			st, err := g.status(context.Background())
			if err != nil {
				return -1
			}
			return of(st)
		}))
	}
	gauge("filter_rules_number", "Number of the rules that the filter holds; -1 when it does not answer.", func(s control.Status) float64 { return float64(s.RulesNumber) })
	gauge("filter_requests_total", "Requests since the filter started.", func(s control.Status) float64 { return float64(s.Requests) })
	gauge("filter_dns_questions_total", "DNS questions since the filter started.", func(s control.Status) float64 { return float64(s.Questions) })
	gauge("filter_tunnels", "Tunnels open now.", func(s control.Status) float64 { return float64(s.Tunnels) })
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "belisha", Name: "alarms_running", Help: "Alarms that go on; -1 when they cannot be read.",
	}, func() float64 {
		list, err := g.h.Alarms.Running(context.Background())
		if err != nil {
			return -1
		}
		return float64(len(list))
	}))
	reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "belisha", Name: "events_taken_up_total", Help: "Events moved from the filter into web activity since the start.",
	}, func() float64 { n, _ := g.pumped(); return float64(n) }))
}
