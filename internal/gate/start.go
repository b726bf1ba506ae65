package gate

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"belisha/internal/gate/accounting"
	"belisha/internal/gate/blockpage"
	"belisha/internal/gate/ca"
	"belisha/internal/gate/control"
	"belisha/internal/gate/dns"
	"belisha/internal/gate/identity"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/proxy"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// running is a gate whose doors are open.
type running struct {
	cfg       Config
	stop      func()
	folder    os.FileInfo // the very folder that it was started on
	loader    *snapfile.Loader
	table     *subject.Table
	porter    *porter.Porter
	spool     *spool.Writer
	guard     *proxy.Guard
	authority authority // the school's certificate
	proxy     *proxy.Server
	sink      *proxy.Server // or nil
	dns       *dns.Server
	more      []opened
	names     *identity.Names // whom the network's names mean
	radius    *accounting.Server
	peers     *identity.Peers // nil where none is listed
	looks     looks           // inside messages
	shared    proxy.Config    // what the browsers' door was opened with, for others that do as it does
	ctl       net.Listener
	web       *http.Server
	state     control.State

	reloading  sync.Mutex
	rulesError atomic.Pointer[string]
	unsaved    atomic.Bool   // presence changed since it was written
	changed    chan struct{} // somebody came, went or was paused
	looked     time.Time     // up to which it was looked for what ends by the clock
}

// start opens everything, rules first. What was opened is closed again when
// something later cannot be.
func start(cfg Config, stop func()) (_ *running, err error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the filter's folder: %w", err)
	}
	r := &running{cfg: cfg, stop: stop, changed: make(chan struct{}, 1), loader: snapfile.NewLoader(cfg.Dir, cfg.PublicKey).Unsealing(cfg.Unseal)}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.folder, err = os.Stat(cfg.Dir); err != nil {
		return nil, fmt.Errorf("looking at the filter's folder: %w", err)
	}
	set, err := ReadSettings(cfg.Dir)
	if err != nil {
		// A damaged file must not keep the filter from standing: defaults are
		// the strict ones.
		cfg.Log.Error("the filter's settings cannot be used; the defaults hold", "error", err.Error())
		set = unsettled()
	}
	snapshot, err := r.firstSnapshot(&set)
	if err != nil {
		return nil, err
	}
	if r.ctl, err = control.Listen(control.SocketPath(cfg.Dir)); err != nil {
		return nil, err
	}
	if err := r.openInside(&set, snapshot); err != nil {
		return nil, err
	}
	if err := r.openDoors(&set); err != nil {
		return nil, err
	}
	return r, nil
}

// firstSnapshot is the newest that can be used, or the one for when there is
// none.
func (r *running) firstSnapshot(set *Settings) (*verdict.Snapshot, error) {
	s, skipped, err := r.loader.LoadNewest()
	for _, e := range skipped {
		r.cfg.Log.Error("some rules on disk cannot be used", "error", e.Error())
	}
	if err == nil {
		if len(skipped) > 0 {
			r.setRulesError(skipped[0])
		}
		return s, nil
	}
	if !errors.Is(err, snapfile.ErrNone) {
		r.setRulesError(err)
	}
	s, err = verdict.WithoutRules(set.HelpHosts, set.OwnHosts, set.Essentials, r.cfg.WithoutRules == "open")
	if err != nil {
		r.cfg.Log.Error("the names that stay open without rules cannot be used", "error", err.Error())
		s, err = verdict.Closed(nil, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("starting without rules: %w", err)
	}
	return s, nil
}

func (r *running) setRulesError(err error) {
	if err == nil {
		r.rulesError.Store(nil)
		return
	}
	text := err.Error()
	r.rulesError.Store(&text)
}

// openInside opens what no visitor sees.
func (r *running) openInside(set *Settings, snapshot *verdict.Snapshot) (err error) {
	cfg := &r.cfg
	if r.guard, err = proxy.NewGuard(cfg.AllowPrivate, cfg.Clock); err != nil {
		return err
	}
	r.table = subject.New(func() {
		r.unsaved.Store(true)
		select {
		case r.changed <- struct{}{}:
		default:
		}
	})
	if err := r.table.Load(filepath.Join(cfg.Dir, "presence"), cfg.Clock.Now()); err != nil {
		// Nobody known is the strictest; the parent pushes everything again.
		cfg.Log.Error("who is signed in cannot be read; everybody counts as not known", "error", err.Error())
	}
	r.spool, err = spool.Open(spool.Options{Dir: filepath.Join(cfg.Dir, "spool"), MaxBytes: cfg.SpoolBytes, Site: set.Site, Clock: cfg.Clock, Log: cfg.Log})
	if err != nil {
		return err
	}
	deps := porter.Deps{Clock: cfg.Clock, Table: r.table, Spool: r.spool, Search: cfg.Searcher, Log: cfg.Log, Settings: set, Snapshot: snapshot}
	if r.porter, err = porter.New(deps); err != nil {
		cfg.Log.Error("the filter's settings cannot be used; the defaults hold", "error", err.Error())
		strict := unsettled()
		deps.Settings = &strict
		if r.porter, err = porter.New(deps); err != nil {
			return err
		}
	}
	// Without it the filter stands all the same, and what is wrong is in the log.
	_ = r.readCA()
	return nil
}

func (r *running) openDoors(set *Settings) error {
	cfg := &r.cfg
	servers := cfg.UpstreamDNS
	if len(servers) == 0 {
		servers = dns.SystemServers()
	}
	if len(servers) == 0 {
		cfg.Log.Error("there is no upstream resolver: set upstream-dns, or no site can be found")
	}
	resolver, err := dns.NewResolver(servers, r.guard.Address, cfg.Clock, cfg.Log)
	if err != nil {
		return err
	}
	pages, err := blockpage.New()
	if err != nil {
		return err
	}
	upstream, err := cfg.upstreamProxy()
	if err != nil {
		return err
	}
	secret := control.NewSecret()
	socket := func() string { return r.porter.Settings().PeopleSocket }
	people := control.NewPeople(socket, secret, cfg.Clock.Now)
	r.names = identity.NewNames(people, cfg.Clock.Now)
	pc := proxy.Config{
		Porter: r.porter, Lookup: resolver, Guard: r.guard, Pages: pages, Upstream: upstream, Secret: secret,
		Clock: cfg.Clock, Log: cfg.Log, Verifier: people,
	}
	if cfg.Seal != nil {
		pc.Leaves = &r.authority
	}
	if err := r.openIdentity(&pc); err != nil {
		return err
	}
	if pc.Roots, err = ca.Roots(filepath.Join(cfg.Dir, "ca")); err != nil {
		cfg.Log.Error("only issuers that this machine knows are believed", "error", err.Error())
	}
	if pc.Content, err = r.openContent(); err != nil {
		return err
	}
	r.shared = pc
	dc := dns.Config{Porter: r.porter, Resolver: resolver, Clock: cfg.Clock, Log: cfg.Log, PerClient: cfg.DNSPerClient}
	if err := r.listen(pc, dc); err != nil {
		return err
	}
	if err := r.openMore(set); err != nil {
		return err
	}
	r.guard.Forbid(forbidden(set, r.doors()...))
	r.state = control.State{
		PID: os.Getpid(), Version: cfg.Version, Proxy: r.proxy.Addr().String(), DNS: r.dns.Addr().String(),
		Control: control.SocketPath(cfg.Dir), Secret: secret, Started: cfg.Clock.Now(),
	}
	if r.sink != nil {
		r.state.Sink = r.sink.Addr().String()
	}
	for _, d := range r.more {
		if r.state.More == nil {
			r.state.More = map[string]string{}
		}
		r.state.More[d.name] = d.Addr().String()
	}
	r.web = &http.Server{Handler: control.Handler(r), ReadHeaderTimeout: 10 * time.Second}
	return nil
}

// listen opens the doors' addresses.
func (r *running) listen(pc proxy.Config, dc dns.Config) (err error) {
	cfg := &r.cfg
	if r.proxy, err = proxy.Listen(cfg.Proxy, pc); err != nil {
		return plainly(err, cfg.Proxy, "--listen-proxy")
	}
	if cfg.Sink != "" {
		pc.Sink = true
		if r.sink, err = proxy.Listen(cfg.Sink, pc); err != nil {
			return plainly(err, cfg.Sink, "--listen-sink")
		}
	}
	if r.dns, err = dns.Listen(cfg.DNS, dc); err != nil {
		return plainly(err, cfg.DNS, "--listen-dns")
	}
	return nil
}

func (r *running) doors() []netip.AddrPort {
	out := []netip.AddrPort{r.proxy.Addr(), r.dns.Addr()}
	if r.sink != nil {
		out = append(out, r.sink.Addr())
	}
	for _, d := range r.more {
		if at := d.Addr(); at.IsValid() {
			out = append(out, at)
		}
	}
	return out
}
