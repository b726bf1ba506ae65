package house

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"belisha/internal/gate"
	"belisha/internal/gate/dns"
	"belisha/internal/gate/dns/upstream"
	"belisha/internal/kit/clock"

	"github.com/pelletier/go-toml/v2"
)

// Config is how one Belisha runs: where its folder is and where it listens.
// What a policy decides is not in it.
type Config struct {
	Dir     string
	Demo    bool
	Listen  Listen
	File    File
	Clock   clock.Clock
	Version string
	// ConfigFile is the config file's path where one was named.
	ConfigFile string
	// Program is the binary that is started as the filter's child process;
	// empty means this very program.
	Program string
}

// Listen is where each door listens; port 0 takes any free one. Empty is off.
type Listen struct {
	Pages string
	Proxy string
	DNS   string
	Admin string

	ICAP, Transparent, DoT, RADIUS string
}

// DefaultListen is loopback only.
func DefaultListen() Listen {
	return Listen{Pages: "127.0.0.1:8080", Proxy: "127.0.0.1:3128", DNS: "127.0.0.1:5335", Admin: "127.0.0.1:9090"}
}

// File is the config file. Its zero value is a working configuration, and a
// newer Belisha runs with an older one's file. Unknown keys are errors.
type File struct {
	Gate     GateFile     `toml:"gate" json:"gate"`
	Records  RecordsFile  `toml:"records" json:"records"`
	Activity ActivityFile `toml:"activity" json:"activity"`
	Mail     MailFile     `toml:"mail" json:"mail"`
	Clamd    ClamdFile    `toml:"clamd" json:"clamd"`
	Vault    VaultFile    `toml:"vault" json:"vault"`
	Backup   BackupFile   `toml:"backup" json:"backup"`
	Pages    PagesFile    `toml:"pages" json:"pages"`
}

// GateFile is [gate].
type GateFile struct {
	UpstreamDNS     []string `toml:"upstream-dns" json:"upstream-dns"`
	UpstreamProxy   string   `toml:"upstream-proxy" json:"upstream-proxy"`
	AllowPrivate    []string `toml:"allow-private" json:"allow-private"`
	WithoutSnapshot string   `toml:"without-snapshot" json:"without-snapshot"`
	// AskBasic makes the proxy ask for a name and password (loopback only).
	AskBasic bool `toml:"ask-basic" json:"ask-basic"`
	// Going is what the further ways in go by, and who may use them.
	gate.Going
}

// RecordsFile is [records].
type RecordsFile struct {
	DSN string `toml:"dsn" json:"dsn"`
}

// ActivityFile is [activity].
type ActivityFile struct {
	DSN string `toml:"dsn" json:"dsn"`
}

// MailFile is [mail].
type MailFile struct {
	SMTP string `toml:"smtp" json:"smtp"`
	// StartTLS is "always", "if-offered" or "never"; empty is "always" off
	// this machine.
	StartTLS     string `toml:"starttls" json:"starttls"`
	From         string `toml:"from" json:"from"`
	User         string `toml:"user" json:"user"`
	PasswordFile string `toml:"password-file" json:"password-file"`
}

// ClamdFile is [clamd].
type ClamdFile struct {
	// Address of the virus scanner: "unix:/run/clamav/clamd.ctl" or
	// "127.0.0.1:3310". More are asked in order when it does not answer.
	Address string   `toml:"address" json:"address"`
	More    []string `toml:"more" json:"more"`
}

// addresses are all of them, in the order in which they are asked.
func (c ClamdFile) addresses() []string {
	if c.Address == "" {
		return nil
	}
	return append([]string{c.Address}, c.More...)
}

// VaultFile is [vault].
type VaultFile struct {
	KeyFile string `toml:"key-file" json:"key-file"`
}

// BackupFile is [backup].
type BackupFile struct {
	Folder string `toml:"folder" json:"folder"`
}

// PagesFile is [pages].
type PagesFile struct {
	// Names are the host names the pages answer to, besides the addresses
	// they listen on.
	Names []string `toml:"names" json:"names"`
	// CertFile and KeyFile are the pages' certificate, with what leads to its
	// authority, and its key, both PEM. Without them the school's own authority
	// makes one wherever the pages listen off loopback.
	CertFile string `toml:"cert-file" json:"cert-file"`
	KeyFile  string `toml:"key-file" json:"key-file"`
}

// ReadFile reads a config file. An empty name reads belisha.toml in dir if
// there is one.
func ReadFile(name, dir string) (File, error) {
	var f File
	optional := name == ""
	if optional {
		name = filepath.Join(dir, "belisha.toml")
	}
	b, err := os.ReadFile(name)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("there is no config file %s; look at its name and folder", name)
	}
	if err != nil {
		return f, fmt.Errorf("the config file %s cannot be read: %s", name, plain(err))
	}
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("the config file %s, %s", name, tomlFault(err))
	}
	if err := f.check(); err != nil {
		return f, fmt.Errorf("the config file %s: %w", name, err)
	}
	return f, nil
}

// tomlFault makes one sentence of a TOML error.
func tomlFault(err error) string {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		key := ""
		for i, k := range strict.Errors[0].Key() {
			if i > 0 {
				key += "."
			}
			key += k
		}
		return fmt.Sprintf("line %d: there is no setting called %s; take it out or correct its name", row, key)
	}
	var dec *toml.DecodeError
	if errors.As(err, &dec) {
		row, col := dec.Position()
		return fmt.Sprintf("line %d, column %d: this is not TOML (%s); mend it, then start again", row, col, strings.TrimPrefix(dec.Error(), "toml: "))
	}
	return err.Error()
}

// check validates what can be checked without the network.
func (f File) check() error {
	for _, a := range f.Gate.UpstreamDNS {
		check := hostPort
		if strings.HasPrefix(a, "tls://") {
			check = upstream.Check
		}
		if err := check(a); err != nil {
			return fmt.Errorf("gate.upstream-dns: %w", err)
		}
	}
	if f.Gate.UpstreamProxy != "" {
		if err := hostPort(f.Gate.UpstreamProxy); err != nil {
			return fmt.Errorf("gate.upstream-proxy: %w", err)
		}
	}
	if _, err := f.Gate.Private(); err != nil {
		return err
	}
	if err := f.Gate.Going.Check(); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if err := dns.CheckZones(f.Gate.OwnZones); err != nil {
		return fmt.Errorf("gate.own-zones: %w", err)
	}
	switch f.Gate.WithoutSnapshot {
	case "", "closed", "open":
	default:
		return fmt.Errorf("gate.without-snapshot: %q is neither \"closed\" nor \"open\"", f.Gate.WithoutSnapshot)
	}
	if f.Mail.SMTP != "" {
		if err := f.Mail.server().Check(); err != nil {
			return err
		}
	}
	if len(f.Clamd.More) > 0 && f.Clamd.Address == "" {
		return errors.New("clamd: more is given without address")
	}
	if (f.Pages.CertFile == "") != (f.Pages.KeyFile == "") {
		return errors.New("pages: cert-file and key-file are given together")
	}
	if f.Activity.DSN != "" {
		return errors.New("activity.dsn: web activity on a server is not built yet; leave it out")
	}
	return nil
}

// Private returns allow-private as prefixes; a single address is a prefix of
// its own. An address with its port is one service, which the filter takes as
// it stands, and is in no prefix.
func (g GateFile) Private() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range g.AllowPrivate {
		if _, err := netip.ParseAddrPort(s); err == nil {
			continue
		}
		if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("gate.allow-private: %q is neither a network such as 10.0.0.0/8 nor an address with its port such as 10.0.0.5:8443", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not host:port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q has no port between 1 and 65535", s)
	}
	return nil
}
