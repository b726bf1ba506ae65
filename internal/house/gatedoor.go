package house

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/control"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/school/access"
	"belisha/internal/school/devices"
	"belisha/internal/school/help"
	"belisha/internal/school/people"
)

// gateDoor is the house's side of the filter: it keeps the process running,
// tells it what the school decided and who is behind an address, and takes up
// what it saw.
type gateDoor struct {
	h     *House
	dir   string
	child *gateChild

	telling sync.Mutex // one message of the presence stream at a time
	writing sync.Mutex // one reading of the settings is written at a time

	mu     sync.Mutex
	facts  control.State
	known  bool // facts are of a filter that answered
	pushes uint64
	wakes  chan struct{}

	pumps *pump
	pages net.Addr
	admin net.Addr

	// What later rooms plug in; each may be nil.
	standing func(context.Context, people.ID) (string, error)    // the agreement: "", "remind" or "hold"
	paused   func(context.Context, people.ID) (time.Time, error) // until when the web is withdrawn
	pac      func(context.Context) (string, error)               // the file by which browsers find the proxy
	captive  func(context.Context) (bool, error)                 // devices are led to sign-in
}

// StartGate makes sure that the filter of the folder runs, before any record
// is opened: it starts from what was last published, and closed when nothing
// was. The child outlives this process.
func StartGate(ctx context.Context, cfg Config, f *Folder) error {
	if _, err := ReadPublicKey(f.Path("gate")); err != nil {
		return nil // a fresh folder: Run starts it once there are rules
	}
	child, err := newGateChild(cfg, f.Dir)
	if err != nil {
		return err
	}
	_, err = child.Start(ctx)
	return err
}

// StopGate ends the filter of a folder, if one runs.
func StopGate(ctx context.Context, dir string) error {
	err := controlOf(dir).Stop(ctx)
	if errors.Is(err, control.ErrNotThere) {
		return nil
	}
	return err
}

// controlOf is the client of the filter in a data folder.
func controlOf(dir string) *control.Client {
	return control.NewClient(control.SocketPath(gateDir(dir)))
}

func newGateDoor(h *House) *gateDoor {
	return &gateDoor{h: h, dir: h.folder.Path("gate"), wakes: make(chan struct{}, 1)}
}

func (g *gateDoor) client() *control.Client { return controlOf(g.h.folder.Dir) }

// status asks how the filter is.
func (g *gateDoor) status(ctx context.Context) (control.Status, error) {
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	return g.client().Status(ctx)
}

// begin writes the filter's settings, starts it or takes up the one that
// runs, and tells it everything.
func (g *gateDoor) begin(ctx context.Context, pages, admin net.Addr) (control.State, error) {
	g.pages, g.admin = pages, admin
	if err := g.writeSettings(ctx); err != nil {
		return control.State{}, err
	}
	if err := g.prepareFolder(ctx); err != nil {
		return control.State{}, err
	}
	child, err := newGateChild(g.h.cfg, g.h.folder.Dir)
	if err != nil {
		return control.State{}, err
	}
	g.child = child
	facts, err := child.Start(ctx)
	if err != nil {
		return control.State{}, err
	}
	g.took(facts)
	g.changed() // its settings name the ports that it took
	reader, err := spool.OpenReader(filepath.Join(g.dir, "spool"))
	if err != nil {
		return control.State{}, err
	}
	called := &deviceNames{list: g.h.Filtering.Devices, clock: g.h.cfg.Clock}
	g.pumps = &pump{
		called: called.of, gate: "main", reader: reader, store: g.h.memory, clock: g.h.cfg.Clock,
		recording: g.h.Monitoring.RecordingSince, saw: g.h.Monitoring.Saw,
	}
	if err := g.tell(ctx); err != nil {
		return control.State{}, err
	}
	return facts, nil
}

// prepareFolder writes the key that the filter trusts rules by, and makes the
// school's certificate authority where there is none yet.
func (g *gateDoor) prepareFolder(ctx context.Context) error {
	key, err := g.h.signingKey(ctx)
	if err != nil {
		return err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("the key that signs the rules has no public half")
	}
	if err := writePublicKey(g.dir, public); err != nil {
		return err
	}
	dir := filepath.Join(g.dir, "ca")
	if ca.Exists(dir) {
		return nil
	}
	seal, err := CASealer(g.h.keyFile())
	if err != nil {
		slog.Warn("there is no certificate for the filter: the school key is not in a file", "err", err)
		return nil
	}
	about, err := g.h.Setup.School(ctx)
	if err != nil {
		return err
	}
	name := about.Name
	if name == "" {
		name = "This school"
	}
	_, err = ca.Create(dir, name, seal, g.h.cfg.Clock)
	return err
}

// took notes the facts of a filter that answers.
func (g *gateDoor) took(s control.State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.facts, g.known = s, true
}

// tell has the filter read its settings and rules, and gives it the devices.
func (g *gateDoor) tell(ctx context.Context) error {
	c := g.client()
	if err := c.Reload(ctx); err != nil {
		return fmt.Errorf("telling the filter: %w", err)
	}
	known, err := g.devices(ctx)
	if err != nil {
		return err
	}
	if err := c.SetDevices(ctx, known); err != nil {
		return fmt.Errorf("telling the filter its devices: %w", err)
	}
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.pushes = st.Presence
	g.mu.Unlock()
	return g.everybody(ctx)
}

// devices are the devices that the school knows, as the filter takes them.
func (g *gateDoor) devices(ctx context.Context) ([]subject.Device, error) {
	known, err := g.h.Filtering.Devices(ctx)
	if err != nil {
		return nil, err
	}
	out := probeDevices()
	for _, d := range known {
		x := subject.Device{
			ID: d.ID, Addresses: d.Prefixes(), MAC: d.MAC, KeyStage: d.KeyStage,
			Site: d.Site, Place: d.Place, Shared: d.Shared, CA: d.CA,
		}
		x.Guests = g.h.Devices.AsksGuests(devices.Known{Group: d.Group, Addresses: d.Prefixes()})
		switch {
		case d.Group == "":
		case d.KeyStage == "": // anybody's: not only the youngest use it
			x.Groups = []string{d.Group}
		default:
			x.Groups = g.h.Filtering.Narrow([]string{d.Group}, people.KeyStage(d.KeyStage))
		}
		out = append(out, x)
	}
	return out, nil
}

// configure writes the settings anew and has the filter read them, if it runs.
func (g *gateDoor) configure(ctx context.Context) error {
	if g.child == nil {
		return nil // not serving: the next start writes them
	}
	if err := g.writeSettings(ctx); err != nil {
		return err
	}
	return g.tell(ctx)
}

// changed asks for the filter to be told, soon and once.
func (g *gateDoor) changed() {
	select {
	case g.wakes <- struct{}{}:
	default:
	}
}

// watch keeps the filter running.
func (g *gateDoor) watch(ctx context.Context) error {
	g.child.Keep(ctx, func(s control.State) {
		g.took(s)
		g.changed()
	})
	return nil
}

// keep keeps the filter told.
func (g *gateDoor) keep(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-g.wakes:
		}
		if err := g.configure(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("the filter could not be told yet and is told again", "err", err)
			wait = min(max(wait*2, gateLook), gateMostWait)
			if pause(ctx, wait) == nil {
				g.changed()
			}
			continue
		}
		wait = 0
	}
}

func (g *gateDoor) pump(ctx context.Context) error {
	g.pumps.Run(ctx)
	return nil
}

// pumped is what the pump says of itself.
func (g *gateDoor) pumped() (uint64, string) {
	if g.pumps == nil {
		return 0, ""
	}
	return g.pumps.state()
}

// peopleHandler is what the filter's people's socket answers: passwords for
// the proxy, and the people's pages for whoever the filter says is asking.
func (g *gateDoor) peopleHandler(pages http.Handler) http.Handler {
	now := g.h.cfg.Clock.Now
	mux := http.NewServeMux()
	mux.Handle(control.VerifyPath, control.VerifyHandler(g.verify, g.secret, now))
	mux.Handle(control.NamePath, control.NameHandler(g.byName, g.secret, now))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		client, secure, ok := control.SignedClient(r, g.secret(), now())
		if !ok {
			http.Error(w, "only the filter asks here", http.StatusForbidden)
			return
		}
		who := r.Header.Get(control.HeaderWho)
		for _, k := range []string{control.HeaderClient, control.HeaderTime, control.HeaderSecure, control.HeaderSign, control.HeaderWho} {
			r.Header.Del(k)
		}
		r = r.WithContext(context.WithValue(context.WithValue(r.Context(), viaFilter{}, secure), provedToFilter{}, who))
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		if r.URL.Path == "/" { // the desk's first page is not to be had here
			http.Redirect(w, r, "/start", http.StatusSeeOther)
			return
		}
		pages.ServeHTTP(w, r)
	})
	return mux
}

// viaFilter marks a request that the filter handed over, with whether the
// reader speaks TLS with the filter.
type viaFilter struct{}

// overTLS reports that a reader behind the filter speaks TLS with it: the
// last step, over the socket, never leaves the machine.
func overTLS(r *http.Request) bool {
	secure, ok := r.Context().Value(viaFilter{}).(bool)
	return ok && secure
}

// provedToFilter marks a request with the pseudonym of whoever has proved to
// the filter by it who they are. It explains what was closed for them, and is
// no sign-in to anything.
type provedToFilter struct{}

func throughFilter(r *http.Request) bool { return r.Context().Value(viaFilter{}) != nil }

func (g *gateDoor) secret() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.facts.Secret
}

func (g *gateDoor) verify(ctx context.Context, user, password string) (subject.Row, bool, error) {
	row, ok, err := g.h.Access.VerifyBasic(ctx, user, password, netip.IPv4Unspecified())
	if err != nil || !ok {
		return subject.Row{}, false, err
	}
	found, err := g.toRow(ctx, row)
	return found, err == nil, err
}

// byName says who a name of the school's network means.
func (g *gateDoor) byName(ctx context.Context, in control.NameRequest) (subject.Row, bool, error) {
	// A message of who is there is either read after this is written, and has
	// it, or is with the filter before the answer is.
	g.telling.Lock()
	defer g.telling.Unlock()
	row, ok, err := g.h.Access.ByNetworkName(ctx, in.Name, in.Realm, in.How)
	if err != nil || !ok {
		return subject.Row{}, false, err
	}
	found, err := g.toRow(ctx, row)
	return found, err == nil, err
}

// latest asks the filter for the latest block at an address.
func (h *House) latest(ctx context.Context, at netip.Addr) (help.Closed, bool, error) {
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	who, _ := ctx.Value(provedToFilter{}).(string)
	b, err := h.gate.client().LatestOf(ctx, at, who)
	if errors.Is(err, control.ErrNone) {
		return help.Closed{}, false, nil
	}
	if err != nil {
		return help.Closed{}, false, err
	}
	return closedOf(b), true, nil
}

var _ access.Presence = (*gateDoor)(nil)
