package console

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"belisha/internal/gate"
	"belisha/internal/house"
	"belisha/lists"
)

// gateCmd is the filter alone. serve starts it as a child on its data folder;
// a filter at another site (--snapshot-from) is not built yet.
type gateCmd struct {
	alone
	SnapshotFrom string `help:"The centre that rules come from (not built yet)." placeholder:"URL"`
	TokenFile    string `help:"The token for it (not built yet)." placeholder:"F"`

	ListenProxy     string   `default:"127.0.0.1:3128" hidden:""`
	ListenDNS       string   `name:"listen-dns" default:"127.0.0.1:5335" hidden:""`
	UpstreamDNS     []string `name:"upstream-dns" hidden:""`
	UpstreamProxy   string   `hidden:""`
	AllowPrivate    []string `hidden:""`
	WithoutSnapshot string   `hidden:""`

	ListenICAP        string   `name:"listen-icap" hidden:""`
	ListenICAPS       string   `name:"listen-icaps" hidden:""`
	ListenTransparent string   `hidden:""`
	ListenDoT         string   `name:"listen-dot" hidden:""`
	ListenDoH         string   `name:"listen-doh" hidden:""`
	ListenRADIUS      string   `name:"listen-radius" hidden:""`
	Keytab            string   `hidden:""`
	Peer              []string `hidden:"" sep:"none"`
	PeerGroup         []string `name:"peer-group" hidden:"" sep:"none"`
	RADIUSPeer        []string `name:"radius-peer" hidden:"" sep:"none"`
	Clamd             []string `hidden:"" sep:"none"`
	OwnZone           []string `name:"own-zone" hidden:"" sep:"none"`
}

func (c *gateCmd) doors() gate.Doors {
	return gate.Doors{
		ICAP: c.ListenICAP, ICAPS: c.ListenICAPS, Transparent: c.ListenTransparent, DoT: c.ListenDoT, DoH: c.ListenDoH, RADIUS: c.ListenRADIUS,
		Going: gate.Going{RADIUSPeers: c.RADIUSPeer, Peers: c.Peer, PeerGroups: c.PeerGroup, Keytab: c.Keytab, Clamd: c.Clamd, OwnZones: c.OwnZone},
	}
}

func (c *gateCmd) direct(ctx context.Context, cli *CLI, inv Invocation) error {
	if c.SnapshotFrom != "" || c.TokenFile != "" {
		return later("gate --snapshot-from")
	}
	data := inv.path(cli.Data)
	dir := filepath.Join(data, "gate")
	key, err := house.ReadPublicKey(dir)
	if err != nil {
		return err
	}
	engines, err := lists.SearchEngines()
	if err != nil {
		return fmt.Errorf("reading the search services: %w", err)
	}
	services, err := lists.AIServices()
	if err != nil {
		return fmt.Errorf("reading the AI services: %w", err)
	}
	cfg := gate.Config{
		Dir: dir, Version: inv.Version, Proxy: c.ListenProxy, DNS: c.ListenDNS, UpstreamDNS: c.UpstreamDNS,
		UpstreamProxy: c.UpstreamProxy, AllowPrivate: c.AllowPrivate, WithoutRules: c.WithoutSnapshot,
		PublicKey: key, Searcher: lists.NewSearcher(engines), Chats: lists.NewChats(services),
		Log: slog.New(slog.NewTextHandler(inv.Stderr, nil)),
	}
	file, err := house.ReadFile(inv.path(cli.Config), data)
	if err != nil {
		return err
	}
	cfg.Doors = c.doors()
	cfg.Doors.CertFile, cfg.Doors.KeyFile = inv.path(file.Pages.CertFile), inv.path(file.Pages.KeyFile)
	keyFile := file.Vault.KeyFile
	if keyFile == "" {
		keyFile = filepath.Join(data, "keys", "school.key")
	}
	if seal, err := house.CASealer(keyFile); err == nil {
		cfg.Seal = seal
	}
	if seal, err := house.LicenceSealer(keyFile); err == nil {
		cfg.Unseal = seal.Open
	}
	if os.Getenv("GOGC") == "" {
		keepTidy()
	}
	// What net/http says of its own accord quotes what sites sent: no part of
	// a log that a contractor may read.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	done, err := profiled()
	if err != nil {
		return err
	}
	defer done()
	return gate.Run(ctx, cfg)
}
