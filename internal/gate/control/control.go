// Package control is how the parent process and the gate talk, over sockets
// in the data folder that only their owner may open: the gate's own, where the
// parent pushes presence and asks for state, and the people's pages', where
// the gate hands over requests and asks who a password belongs to. Both ends
// of both are here.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
)

const (
	maxBody   = 64 << 20
	callFor   = 10 * time.Second
	stateFile = "gate.json"
)

// State is what a running gate says of itself in its folder, for a parent that
// starts after it.
type State struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Proxy   string `json:"proxy"`
	DNS     string `json:"dns"`
	Sink    string `json:"sink,omitempty"`
	Control string `json:"control"` // path of the socket
	// More says where further doors are, by name: "icap", "icaps", "transparent",
	// "dot", "doh", "radius".
	More    map[string]string `json:"more,omitempty"`
	Secret  string            `json:"secret"` // signs what is handed to the people's pages
	Started time.Time         `json:"started"`
}

// ReadState reads what the gate of a folder wrote; fs.ErrNotExist if none ran.
func ReadState(dir string) (State, error) {
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return State{}, fmt.Errorf("reading the filter's state: %w", err)
	}
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return State{}, fmt.Errorf("reading the filter's state: %w", err)
	}
	return s, nil
}

// WriteState writes the state, whole or not at all.
func WriteState(dir string, s State) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the filter's state: %w", err)
	}
	tmp := filepath.Join(dir, stateFile+".new")
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("writing the filter's state: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, stateFile)); err != nil {
		return fmt.Errorf("writing the filter's state: %w", err)
	}
	return nil
}

// Status is how the gate is doing.
type Status struct {
	State
	RulesNumber uint64        `json:"rulesNumber"`
	HasRules    bool          `json:"hasRules"`
	RulesError  string        `json:"rulesError,omitempty"` // why newer rules are not used
	Presence    uint64        `json:"presence"`             // number of the last push
	Rows        int           `json:"rows"`
	Devices     int           `json:"devices"`
	UptimeMilli int64         `json:"uptimeMilli"`
	Decisions   porter.Counts `json:"decisions"`
	Spool       spool.Stats   `json:"spool"`
	Requests    uint64        `json:"requests"`
	Refused     uint64        `json:"refused"`
	Tunnels     int           `json:"tunnels"`
	Questions   uint64        `json:"questions"` // DNS
	// Mute are the zones whose servers did not answer the last questions: "." is
	// the upstream resolvers, another one of the school's own.
	Mute   []string `json:"mute,omitempty"`
	Faults uint64   `json:"faults"`
	CA     string   `json:"ca,omitempty"` // fingerprint of the school's certificate
	// Bypasses are the devices that tried to go round the filter by name.
	Bypasses []porter.Bypasses `json:"bypasses,omitempty"`
	// Inspection is what was seen where TLS is ended by the filter.
	Inspection Inspection `json:"inspection,omitzero"`
	// Content is what was looked at inside messages.
	Content Content `json:"content,omitzero"`
	// ICAP is what other proxies and firewalls asked, where that door is open.
	ICAP *ICAP `json:"icap,omitempty"`
	// Kerberos and Accounting are how the network says who is there.
	Kerberos   Kerberos   `json:"kerberos,omitzero"`
	Accounting Accounting `json:"accounting,omitzero"`
	// Proxies are the listed ones that asked at the proxy's door, by address.
	Proxies []Proxy `json:"proxies,omitempty"`
	// Paused says by row until when the web is paused, for those rows for
	// which it is.
	Paused map[string]time.Time `json:"paused,omitempty"`
	// Known are the rows of people who are known without an address of theirs
	// of which the parent told: by a password or a ticket with each request, or
	// by an access point. With each, until when their web is paused.
	Known map[string]time.Time `json:"known,omitempty"`
}

// Kerberos is how people are proved by their browsers' tickets, since the
// filter's start.
type Kerberos struct {
	Set     bool              `json:"set"` // there is to be a keytab
	OK      bool              `json:"ok"`
	Why     string            `json:"why,omitempty"`
	Proved  uint64            `json:"proved"`
	Last    time.Time         `json:"last,omitzero"`
	Refused map[string]uint64 `json:"refused,omitempty"` // by what is wrong
}

// Accounting is what access points said about who is where (RADIUS), since the
// filter's start.
type Accounting struct {
	Set      bool      `json:"set"`
	Peers    []Speaker `json:"peers,omitempty"`
	Strange  uint64    `json:"strange"`  // packets from whom nobody listed
	Sessions int       `json:"sessions"` // of people, now
	Unknown  uint64    `json:"unknown"`  // names that mean nobody here
}

// Proxy is one that is believed when it says who asks.
type Proxy struct {
	Address string    `json:"address"`
	Asked   uint64    `json:"asked"`
	Silent  uint64    `json:"silent"` // of these, those that did not say who asks
	Last    time.Time `json:"last"`
}

// Speaker is one that sends accounting.
type Speaker struct {
	Address string    `json:"address"` // or the range that it is in
	OK      bool      `json:"ok"`
	Why     string    `json:"why,omitempty"`
	Last    time.Time `json:"last,omitzero"`
	Taken   uint64    `json:"taken"`
	Refused uint64    `json:"refused"` // a wrong secret, or malformed
}

// ICAP is what came by ICAP since the filter's start.
type ICAP struct {
	Requests uint64 `json:"requests"`
	Blocked  uint64 `json:"blocked"`
	Refused  uint64 `json:"refused"` // malformed, from strangers, or too many
	Faults   uint64 `json:"faults"`
	Conns    int    `json:"conns"` // open now
}

// Content is what was looked at inside messages since the filter's start.
type Content struct {
	Pages     uint64 `json:"pages"`     // weighed
	Files     uint64 `json:"files"`     // looked into
	Scanned   uint64 `json:"scanned"`   // by the virus scanner
	Closed    uint64 `json:"closed"`    // for what was in them
	Unscanned uint64 `json:"unscanned"` // that could not be looked at as they must
	// Scanners are the virus scanners in the order in which they are asked;
	// none: none is set.
	Scanners []Scanner `json:"scanners,omitempty"`
}

// Scanner is how one virus scanner is.
type Scanner struct {
	Address    string    `json:"address"`
	OK         bool      `json:"ok"`
	Asked      bool      `json:"asked"` // it has been asked at all
	Since      time.Time `json:"since,omitzero"`
	Why        string    `json:"why,omitempty"`
	Version    string    `json:"version,omitempty"`
	Signatures string    `json:"signatures,omitempty"`
	Made       time.Time `json:"made,omitzero"` // of the signatures
	Stale      bool      `json:"stale,omitempty"`
}

// Inspection is what was seen where TLS is ended by the filter, since its
// start.
type Inspection struct {
	Connections uint64    `json:"connections"`
	Resumed     uint64    `json:"resumed"`
	Troubles    []Trouble `json:"troubles,omitempty"`
}

// Trouble is a site that could not be inspected as it is.
type Trouble struct {
	Host string `json:"host"`
	// Kind is "pinned" (a program did not take the school's certificate for
	// the site's), "certificate" (the site's own proves nothing) or
	// "client-certificate" (the site asks visitors for one).
	Kind    string    `json:"kind"`
	Detail  string    `json:"detail,omitempty"`
	Count   int       `json:"count"`
	Devices int       `json:"devices"` // how many different ones, up to 16
	Last    time.Time `json:"last"`
}

// DecideRequest asks what would happen, for a page.
type DecideRequest struct {
	Address netip.Addr `json:"address,omitzero"`
	URL     string     `json:"url"`
}

// Decision is the answer.
type Decision struct {
	Action string       `json:"action"`
	Why    porter.Block `json:"why"`
}

// Gate is what the gate does when it is told to.
type Gate interface {
	Status() Status
	Reload() error
	Push(subject.Push) error
	SetDevices([]subject.Device) error
	Latest(at netip.Addr, who string) (porter.Block, bool)
	Seen() []porter.Seen
	Decide(DecideRequest) (Decision, error)
	Stop()
}

// SocketPath is where the gate of a folder listens. Paths of sockets are
// short: a folder too deep gets one in the system's own place for them.
func SocketPath(dir string) string {
	path := filepath.Join(dir, "control.sock")
	if len(path) < 100 {
		return path
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("belisha-%d-%08x.sock", os.Getuid(), checksum(dir)))
}

func checksum(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// Listen opens a socket that only its owner may use. One left by a process
// that died is replaced; one that answers is not.
func Listen(path string) (net.Listener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("a filter already runs in this folder (%s answers): stop it first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing an old socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("closing the control socket to others: %w", err)
	}
	return ln, nil
}

// Handler serves the gate's socket.
func Handler(g Gate) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Status(), nil) })
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, _ *http.Request) { reply(w, struct{}{}, g.Reload()) })
	mux.HandleFunc("POST /v1/stop", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, struct{}{}, nil)
		// The answer goes out before the sockets close. Who asked has gone
		// if it cannot.
		_ = http.NewResponseController(w).Flush()
		g.Stop()
	})
	mux.HandleFunc("POST /v1/presence", func(w http.ResponseWriter, r *http.Request) {
		var p subject.Push
		if take(w, r, &p) {
			reply(w, struct{}{}, g.Push(p))
		}
	})
	mux.HandleFunc("POST /v1/devices", func(w http.ResponseWriter, r *http.Request) {
		var d []subject.Device
		if take(w, r, &d) {
			reply(w, struct{}{}, g.SetDevices(d))
		}
	})
	mux.HandleFunc("POST /v1/decide", func(w http.ResponseWriter, r *http.Request) {
		var d DecideRequest
		if take(w, r, &d) {
			got, err := g.Decide(d)
			reply(w, got, err)
		}
	})
	mux.HandleFunc("GET /v1/seen", func(w http.ResponseWriter, _ *http.Request) { reply(w, g.Seen(), nil) })
	mux.HandleFunc("GET /v1/latest", func(w http.ResponseWriter, r *http.Request) {
		a, err := netip.ParseAddr(r.URL.Query().Get("addr"))
		if err != nil {
			http.Error(w, "addr is not an address", http.StatusBadRequest)
			return
		}
		b, ok := g.Latest(a, r.URL.Query().Get("who"))
		if !ok {
			http.Error(w, "nothing was blocked there lately", http.StatusNotFound)
			return
		}
		reply(w, b, nil)
	})
	return mux
}

func take(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(v); err != nil {
		http.Error(w, "the message cannot be read: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The other end has gone if this fails, and asks again.
	_ = json.NewEncoder(w).Encode(v)
}

// ErrNotThere says that no gate answers.
var ErrNotThere = errors.New("no filter answers on the control socket")

// ErrNone says that there is nothing of what was asked for.
var ErrNone = errors.New("nothing was found")

// Client is the parent's end of the gate's socket.
type Client struct{ http *http.Client }

// NewClient returns a client of the socket at path; see State.Control.
func NewClient(path string) *Client { return &Client{unixClient(func() string { return path })} }

func unixClient(path func() string) *http.Client {
	return &http.Client{Timeout: callFor, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path())
		},
		MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second,
	}}
}

// Status asks how the gate is doing.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Reload tells the gate to read its settings and rules now. The error says
// what it could not use; what ran before goes on.
func (c *Client) Reload(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/reload", struct{}{}, nil)
}

// Stop tells the gate to end.
func (c *Client) Stop(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/stop", struct{}{}, nil)
}

// Push sends presence. On an error, send everything in a full push.
func (c *Client) Push(ctx context.Context, p subject.Push) error {
	return c.call(ctx, http.MethodPost, "/v1/presence", p, nil)
}

// SetDevices replaces the device table.
func (c *Client) SetDevices(ctx context.Context, d []subject.Device) error {
	return c.call(ctx, http.MethodPost, "/v1/devices", d, nil)
}

// Latest asks for the latest block at an address; ErrNone if there is none.
func (c *Client) Latest(ctx context.Context, a netip.Addr) (b porter.Block, err error) {
	return b, c.call(ctx, http.MethodGet, "/v1/latest?addr="+a.String(), nil, &b)
}

// LatestOf is Latest for somebody who proves with each request who they are,
// by their pseudonym; "" is nobody who does.
func (c *Client) LatestOf(ctx context.Context, a netip.Addr, who string) (b porter.Block, err error) {
	return b, c.call(ctx, http.MethodGet, "/v1/latest?addr="+a.String()+"&who="+url.QueryEscape(who), nil, &b)
}

// Seen asks which addresses asked for something within a day, newest first.
func (c *Client) Seen(ctx context.Context) (s []porter.Seen, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/seen", nil, &s)
}

// Decide asks what would happen to a URL from an address.
func (c *Client) Decide(ctx context.Context, d DecideRequest) (out Decision, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/decide", d, &out)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("writing to the filter: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://gate"+path, &body)
	if err != nil {
		return fmt.Errorf("asking the filter: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotThere, err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return ErrNone
	}
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what came of it must do
		return fmt.Errorf("the filter says: %s", bytes.TrimSpace(text))
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(out); err != nil {
		return fmt.Errorf("reading the filter's answer: %w", err)
	}
	return nil
}
