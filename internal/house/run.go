package house

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
	"belisha/internal/school/setup"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Addresses are where a running house listens.
type Addresses struct {
	Pages, Proxy, DNS, Admin string
	// More are the filter's further doors, by name.
	More map[string]string
	// Secure: the pages speak TLS. URL is how somebody opens them.
	Secure bool
	URL    string
}

// RunOptions are what whoever runs the house adds.
type RunOptions struct {
	// Console answers commands that come over the socket.
	Console func(ctx context.Context, l net.Listener) error
	// Ready is told once every door is open.
	Ready func(a Addresses)
}

// Run opens the doors and serves until ctx ends or a part fails. The filter
// was started before (StartGate); whether it ends with the house is the
// caller's to say.
func (h *House) Run(ctx context.Context, o RunOptions) (err error) {
	ctx = actor.With(ctx, actor.Belisha("server"))
	l, err := h.listenAll(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if err := h.Filtering.Start(ctx); err != nil {
		return fmt.Errorf("putting the rules in force: %w", err)
	}
	facts, err := h.gate.begin(ctx, l.pages.Addr(), l.admin.Addr())
	if err != nil {
		return err
	}
	if h.certs.wanted() {
		if err := h.certs.begin(); err != nil {
			return err
		}
	}
	if err := h.note(ctx, verbStarted); err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	p := &procs{stop: stop}
	h.startParts(runCtx, p, l, o)
	if o.Ready != nil {
		o.Ready(Addresses{Pages: l.pages.Addr().String(), Proxy: facts.Proxy, DNS: facts.DNS, More: facts.More, Admin: l.admin.Addr().String(), Secure: h.certs.wanted(), URL: h.certs.url(l.pages.Addr().String())})
	}
	<-runCtx.Done()
	err = p.wait()
	// The journal line of the end is written although ctx is over.
	return errors.Join(err, h.note(context.WithoutCancel(ctx), verbStopped))
}

// listeners are the house's own doors; the filter has its own.
type listeners struct {
	pages, admin    net.Listener
	people, console net.Listener
}

func (l *listeners) close() error {
	for _, x := range []net.Listener{l.pages, l.admin, l.people, l.console} {
		if x != nil {
			_ = x.Close() // the servers have closed them already
		}
	}
	return nil
}

func (h *House) listenAll(ctx context.Context) (l *listeners, err error) {
	l = &listeners{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.pages, err = listen(ctx, "pages", h.cfg.Listen.Pages); err != nil {
		return l, err
	}
	if l.admin, err = listenAdmin(ctx, h.cfg.Listen.Admin); err != nil {
		return l, err
	}
	if l.people, err = listenUnix(h.peopleSocket()); err != nil {
		return l, err
	}
	l.console, err = listenUnix(ConsoleSocket(h.folder.Dir))
	return l, err
}

// peopleSocket is where the filter asks for the people's pages.
func (h *House) peopleSocket() string { return socketPath(h.folder.Dir, "people.sock") }

func (h *House) startParts(ctx context.Context, p *procs, l *listeners, o RunOptions) {
	p.start(ctx, "pages", func(ctx context.Context) error { return h.servePages(ctx, l.pages) })
	p.start(ctx, "people's pages", func(ctx context.Context) error {
		return serveUntil(ctx, server(h.gate.peopleHandler(h.people)), l.people)
	})
	p.start(ctx, "admin page", func(ctx context.Context) error { return serveUntil(ctx, server(h.admin()), l.admin) })
	p.start(ctx, "tasks", h.tasks.Run)
	p.start(ctx, "certificate", h.certs.watch)
	p.start(ctx, "filter's watch", h.gate.watch)
	p.start(ctx, "filter's keeper", h.gate.keep)
	p.start(ctx, "pump", h.gate.pump)
	p.start(ctx, "filter's ear", h.followForFilter)
	if o.Console != nil {
		p.start(ctx, "console", func(ctx context.Context) error { return o.Console(ctx, l.console) })
	}
}

// admin answers metrics and "are you alive"; no name is in any of it.
func (h *House) admin() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h.gate.metrics(reg)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if _, err := h.gate.status(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the filter does not answer\n")
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

// concernsFilter are the verbs after which the filter must be told again:
// whether names are recorded, what the school is called, who can help.
var concernsFilter = map[journal.Verb]bool{
	monitoring.VerbRecording: true, monitoring.VerbStopped: true, setup.VerbNamed: true,
	people.VerbAppointed: true, people.VerbPost: true, people.VerbEnded: true, people.VerbCalendar: true,
}

// concernsRules are the verbs after which the rules are made again.
var concernsRules = map[journal.Verb]bool{setup.VerbNamed: true, people.VerbCalendar: true}

// followForFilter tells the filter what the journal says has changed. What
// fails is tried again: the same lines come once more.
func (h *House) followForFilter(ctx context.Context) error {
	for ctx.Err() == nil {
		err := h.journal.Follow(ctx, "filter", h.tellFilter)
		if err != nil && ctx.Err() == nil {
			h.log.Error("the filter could not be told of a change and is told again", "err", err)
			_ = pause(ctx, pumpRetry)
		}
	}
	return nil
}

func (h *House) tellFilter(ctx context.Context, lines []journal.Line) error {
	rules, filter := false, false
	for _, l := range lines {
		rules = rules || concernsRules[l.Verb]
		filter = filter || concernsFilter[l.Verb]
	}
	if rules {
		if err := h.Filtering.Refresh(ctx); err != nil {
			return err
		}
	}
	if filter {
		h.gate.changed()
	}
	return nil
}
