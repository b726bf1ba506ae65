// Package gate is the door: the process through which the school's web goes.
// It starts from the last rules on disk before anything else, and goes on when
// the database, the pages or the parent process are gone. It ends when it is
// told to, or when its folder has vanished. It never fails open.
package gate

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/content"
	"belisha/internal/gate/control"
	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

// Settings are what the parent writes to the settings file; see porter.
type Settings = porter.Settings

// SettingsFile is the file's name in the gate's folder.
const SettingsFile = "gate-config.json"

// Config is what a gate is started with and keeps until it ends.
type Config struct {
	Dir     string // the gate's folder: rules, presence, spool, sockets
	Version string

	Proxy string // address to listen on; "" is 127.0.0.1:3128
	DNS   string // "" is 127.0.0.1:5335
	Sink  string // "" is none: plain HTTP for names that DNS answers with our address
	Doors Doors  // more ways in; all off where nothing is set

	UpstreamDNS    []string // "host:port"; none given: the system's
	UpstreamProxy  string
	AllowPrivate   []string // "10.1.0.0/16", "127.0.0.1:8443"
	WithoutRules   string   // "closed" (also "") or "open"
	PublicKey      ed25519.PublicKey
	Unseal         func(sealed []byte) ([]byte, error) // opens licensed lists; nil: rules that have one are refused
	Seal           ca.Sealer                           // opens the school's CA key; nil: no pages in place of HTTPS sites
	Searcher       porter.Searcher                     // finds search words; nil: none are recorded
	Chats          content.Chats                       // knows AI services; nil: none is known
	SpoolBytes     int64
	VanishedAfter  time.Duration // 0: 30 seconds
	Clock          clock.Clock
	Log            *slog.Logger
	DNSPerClient   int
	ReportedListen func(control.State) // called once all doors are open; may be nil
}

func (c *Config) fill() error {
	if c.Dir == "" {
		return errors.New("the filter has no folder: give one with --dir")
	}
	if c.WithoutRules != "" && c.WithoutRules != "closed" && c.WithoutRules != "open" {
		return fmt.Errorf("without-snapshot is %q: use closed or open", c.WithoutRules)
	}
	if len(c.PublicKey) != ed25519.PublicKeySize {
		return errors.New("the filter was not given the school's public key: without it no rules can be trusted")
	}
	for at, usual := range map[*string]string{&c.Proxy: "127.0.0.1:3128", &c.DNS: "127.0.0.1:5335"} {
		if *at == "" {
			*at = usual
		}
	}
	if c.VanishedAfter == 0 {
		c.VanishedAfter = 30 * time.Second
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

func (c *Config) upstreamProxy() (*url.URL, error) {
	if c.UpstreamProxy == "" {
		return nil, nil
	}
	text := c.UpstreamProxy
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return nil, errors.New("upstream-proxy is not an address such as http://proxy.example:3128")
	}
	return u, nil
}

// unsettled holds while there are no settings that can be used. Whether
// names may be kept is then not known, so none are.
func unsettled() Settings { return Settings{CountOnly: true} }

// ReadSettings reads the settings file of a gate's folder. No file is the
// defaults, which count and keep no names.
func ReadSettings(dir string) (Settings, error) {
	var s Settings
	raw, err := os.ReadFile(filepath.Join(dir, SettingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return unsettled(), nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the filter's settings: %w", err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return Settings{}, fmt.Errorf("reading the filter's settings: %w", err)
	}
	return s, nil
}

// WriteSettings writes the settings file, whole or not at all. Tell the gate
// to reload afterwards.
func WriteSettings(dir string, s Settings) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the filter's settings: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the filter's folder: %w", err)
	}
	path := filepath.Join(dir, SettingsFile)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return fmt.Errorf("writing the filter's settings: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the filter's settings: %w", err)
	}
	return nil
}

// ErrInUse is wrapped by the error for an address that is taken.
var ErrInUse = errors.New("the address is in use")

// plainly turns an error about an address into a sentence with what to do.
func plainly(err error, address, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: %s is taken by another program; end that, or choose another with %s", ErrInUse, address, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the system does not allow listening on %s: choose a port above 1023 with %s", address, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine: choose another with %s", address, flag)
	}
	return fmt.Errorf("listening on %s (%s): %w", address, flag, err)
}

// Run opens the doors and keeps them until ctx ends, the gate is told to stop,
// or its folder is gone.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.fill(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r, err := start(cfg, stop)
	if err != nil {
		return err
	}
	return r.run(ctx)
}

// forbidden are the addresses that no visitor may reach: the parent's pages
// and our own doors.
func forbidden(s *Settings, doors ...netip.AddrPort) []netip.AddrPort {
	return append(append([]netip.AddrPort(nil), s.Forbidden...), doors...)
}
