package verdict

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"belisha/internal/verdict/canon"
)

// Content is how what a group's people send and get is looked at, wherever a
// door sees inside: plain HTTP, inspected TLS, ICAP. The zero value looks at
// nothing.
type Content struct {
	// Inspect: TLS is ended by the filter on devices that have the school's
	// certificate. With InspectOnly, just for sites in these categories.
	Inspect     bool     `json:"inspect,omitempty"`
	InspectOnly []string `json:"inspectOnly,omitempty"`
	// Phrases is the weight above which a page is closed; 0: pages are not
	// weighed.
	Phrases int `json:"phrases,omitempty"`
	// Files says what happens to a kind of file, by the kind's word; kinds
	// that are not named are open.
	Files map[string]Action `json:"files,omitempty"`
	// Viruses is "" (nothing is scanned), "closed" (what cannot be scanned
	// stays out) or "open" (it is let through and said so).
	Viruses string `json:"viruses,omitempty"`
	// MaxScan is the size in bytes up to which a file is looked into and
	// scanned; 0 is DefaultMaxScan. TooLarge is what happens to a larger one,
	// where files are scanned.
	MaxScan  int64  `json:"maxScan,omitempty"`
	TooLarge Action `json:"tooLarge"`
	// Chat: what is written to AI services, and what they answer, is weighed
	// and looked through for alert words.
	Chat bool `json:"chat,omitempty"`
}

// DefaultMaxScan is the size up to which a file is looked into and scanned where
// nothing else is set: clamd's own limit for a stream as shipped.
const DefaultMaxScan = 25 << 20

// MaxPhrases is the highest limit for the weight of a page.
const MaxPhrases = 10_000

// FileKind is a kind of file that may be closed.
type FileKind uint8

// The kinds of file.
const (
	FileProgram    FileKind = iota // machine code: PE, ELF, Mach-O, DEX …
	FileInstaller                  // MSI, MSIX, DEB, RPM, PKG, DMG …
	FileScript                     // PowerShell, batch, VBScript, shell, HTA, shortcut, a script offered for saving
	FileApp                        // packages for tablets and browsers: APK, IPA, CRX, XPI
	FileMacro                      // an office document with macros
	FileActive                     // PDF that launches, SVG with script, a page that assembles a file itself
	FileDisk                       // images of discs: ISO, IMG, VHD
	FileArchive                    // any archive
	FileLocked                     // an archive or document that only a password opens
	FileUnreadable                 // an archive that is damaged, too deep, too many or too large to look into
	fileKinds
)

var fileWords = [fileKinds]string{
	"program", "installer", "script", "app", "macro", "active", "disk", "archive", "locked", "unreadable",
}

// FileKinds lists the words of all kinds.
func FileKinds() []string { return slices.Clone(fileWords[:]) }

// String returns the kind's word.
func (k FileKind) String() string {
	if k < fileKinds {
		return fileWords[k]
	}
	return ""
}

// Handling is how a message is looked at: what the strictest of somebody's
// groups asks. It is small and holds no pointers.
type Handling struct {
	Inspect  bool // TLS is ended for some sites: ask Inspects
	Chat     bool
	Viruses  Scan
	Phrases  int   // limit, 0: not weighed
	MaxScan  int64 // bytes
	TooLarge Action
	files    [fileKinds]Action
}

// Scan says whether files are scanned for viruses, and what happens to what
// cannot be.
type Scan uint8

// The values of Scan, the stricter the higher.
const (
	ScanNone   Scan = iota
	ScanOpen        // what cannot be scanned is let through
	ScanClosed      // what cannot be scanned stays out
)

// File is what happens to a kind of file.
func (h *Handling) File(k FileKind) Action {
	if k >= fileKinds {
		return Block
	}
	return h.files[k]
}

// Files reports whether any kind of file is closed or warned of.
func (h *Handling) Files() bool {
	for _, a := range h.files {
		if a != Allow {
			return true
		}
	}
	return false
}

// Looks reports whether anything at all is looked at inside an answer.
func (h *Handling) Looks() bool { return h.Phrases > 0 || h.Viruses != ScanNone || h.Chat || h.Files() }

// Splice names TLS that is never ended, for anybody: hosts (and all below
// them) and categories.
type Splice struct {
	Hosts      []string `json:"hosts,omitempty"`
	Categories []string `json:"categories,omitempty"`
}

// Header is a header that is set on requests to some hosts (and all below
// them), such as a restricted mode or the tenants that may be signed in to. A
// copy that the client sends is always removed; Value "" only removes.
type Header struct {
	Name  string   `json:"name"`
	Value string   `json:"value,omitempty"`
	Hosts []string `json:"hosts"`
	// Groups for whom it is set; none: for everybody.
	Groups []string `json:"groups,omitempty"`
}

// Permit opens one file, for some people, for a time, although its kind is
// closed. It never opens what the scanner found something in.
type Permit struct {
	ID   string `json:"id"`
	Who  Who    `json:"who"`
	Span Span   `json:"span"`
	Host string `json:"host"`           // exact name
	Path string `json:"path"`           // exact path with query, as sent
	Hash string `json:"hash,omitempty"` // SHA-256 in hex, where only these very bytes are meant
}

// Bounds of what is said of content.
const (
	MaxHeaders = 200
	MaxPermits = 10_000
	maxName    = 200
	maxValue   = 4096
)

type handling struct {
	Handling
	only CategorySet // sites whose TLS is ended; all of them where empty and Inspect
}

type header struct {
	Header
	groups uint64 // 0: everybody
}

type permit struct {
	who  who
	span Span
	hash string
}

func openHandling() Handling {
	h := Handling{TooLarge: Allow}
	for k := range h.files {
		h.files[k] = Allow
	}
	return h
}

// content compiles what is said of content.
func (c *compiler) content() error {
	for i := range c.r.Groups {
		h, err := c.handling(&c.r.Groups[i])
		if err != nil {
			return err
		}
		c.s.handlings = append(c.s.handlings, h)
	}
	if err := c.spliced(); err != nil {
		return err
	}
	if err := c.headers(); err != nil {
		return err
	}
	return c.permits()
}

func (c *compiler) handling(g *Group) (handling, error) {
	h := handling{Handling: openHandling()}
	x := g.Content
	if x == nil {
		return h, nil
	}
	h.Inspect, h.Chat, h.Phrases = x.Inspect, x.Chat, x.Phrases
	if x.Phrases < 0 || x.Phrases > MaxPhrases {
		return h, refuse("the group %q sets the weight of a page to %d: use 0 to %d", g.Slug, x.Phrases, MaxPhrases)
	}
	for _, slug := range x.InspectOnly {
		n, err := c.category(slug, "the inspection of the group "+g.Slug)
		if err != nil {
			return h, err
		}
		h.only.Add(n)
	}
	for word, act := range x.Files {
		k := slices.Index(fileWords[:], word)
		if k < 0 {
			return h, refuse("the group %q names the kind of file %q: use one of %s", g.Slug, word, strings.Join(fileWords[:], ", "))
		}
		h.files[k] = act
	}
	switch x.Viruses {
	case "":
	case "open":
		h.Viruses = ScanOpen
	case "closed":
		h.Viruses = ScanClosed
	default:
		return h, refuse("the group %q sets the virus scan to %q: use open or closed", g.Slug, x.Viruses)
	}
	if x.MaxScan < 0 {
		return h, refuse("the group %q scans files up to %d bytes", g.Slug, x.MaxScan)
	}
	if h.MaxScan = x.MaxScan; h.MaxScan == 0 {
		h.MaxScan = DefaultMaxScan
	}
	if h.Viruses != ScanNone {
		h.TooLarge = x.TooLarge
	}
	return h, nil
}

func (c *compiler) hostNames(list []string, of string) error {
	for _, host := range list {
		if h, kind, err := canon.Host(host); err != nil || kind != canon.Name || h != host {
			return refuse("%s names %q, which is not a host name in lower case", of, host)
		}
	}
	return nil
}

func (c *compiler) spliced() error {
	if err := c.hostNames(c.r.Splice.Hosts, "what is never inspected"); err != nil {
		return err
	}
	c.s.spliceHosts, c.s.essentials = setOf(c.r.Splice.Hosts), setOf(c.r.Essentials)
	for _, slug := range c.r.Splice.Categories {
		n, err := c.category(slug, "what is never inspected")
		if err != nil {
			return err
		}
		c.s.spliceCats.Add(n)
	}
	return nil
}

func setOf(hosts []string) map[string]struct{} {
	out := make(map[string]struct{}, len(hosts))
	for _, host := range hosts {
		out[host] = struct{}{}
	}
	return out
}

func (c *compiler) headers() error {
	for i, x := range c.r.Headers {
		if !isToken(x.Name) || len(x.Name) > maxName || len(x.Value) > maxValue || strings.ContainsFunc(x.Value, isControl) {
			return refuse("header %d (%q) is not one that can be sent", i+1, x.Name)
		}
		if err := c.hostNames(x.Hosts, "the header "+x.Name); err != nil {
			return err
		}
		h := header{Header: x}
		for _, slug := range x.Groups {
			b := c.s.names.GroupBit(slug)
			if b == 0 {
				return refuse("the header %s names the group %q, which does not exist", x.Name, slug)
			}
			h.groups |= b
		}
		c.s.headers = append(c.s.headers, h)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isToken reports a header's name as RFC 9110 section 5.6.2 has it.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func (c *compiler) permits() error {
	c.s.permits = make(map[string][]permit, len(c.r.Permits))
	for i, x := range c.r.Permits {
		of := "permit " + x.ID
		w, err := c.who(x.Who, of)
		if err != nil {
			return err
		}
		if err := c.hostNames([]string{x.Host}, of); err != nil {
			return err
		}
		if x.Path == "" || x.Span.Until == 0 || x.Hash != "" && (len(x.Hash) != 64 || strings.Trim(x.Hash, "0123456789abcdef") != "") {
			return refuse("permit %d (%s) names no path, has no end, or has a hash that is not SHA-256 in hex", i+1, x.ID)
		}
		c.s.moments = append(c.s.moments, x.Span.From, x.Span.Until)
		key := x.Host + x.Path
		c.s.permits[key] = append(c.s.permits[key], permit{w, x.Span, x.Hash})
	}
	return nil
}

// handled are the groups whose content is looked at: those that are only
// being tried out change nothing on the way.
func (s *Snapshot) handled(groups uint64, at time.Time) uint64 {
	if groups == 0 || groups&^s.known != 0 {
		groups = s.strict
	}
	if s.tryOuts != 0 {
		groups &^= s.trying(at)
	}
	return groups
}

// Handling says how a message of somebody in these groups is looked at; of
// several groups the strictest counts, and no group, or one not known, is all
// that hold for who is not known.
func (s *Snapshot) Handling(groups uint64, at time.Time) Handling {
	out := openHandling()
	if s.mode != modeRules {
		return out
	}
	for rest := s.handled(groups, at); rest != 0; rest &= rest - 1 {
		out.stricter(&s.handlings[bits.TrailingZeros64(rest)].Handling)
	}
	return out
}

func (h *Handling) stricter(o *Handling) {
	h.Inspect, h.Chat = h.Inspect || o.Inspect, h.Chat || o.Chat
	h.Viruses = max(h.Viruses, o.Viruses)
	if o.Phrases > 0 && (h.Phrases == 0 || o.Phrases < h.Phrases) {
		h.Phrases = o.Phrases
	}
	// The larger file is scanned, and what is larger still is as closed as the
	// strictest has it.
	h.MaxScan = max(h.MaxScan, o.MaxScan)
	if strictness(o.TooLarge) > strictness(h.TooLarge) {
		h.TooLarge = o.TooLarge
	}
	for k := range h.files {
		if strictness(o.files[k]) > strictness(h.files[k]) {
			h.files[k] = o.files[k]
		}
	}
}

// Inspects reports whether TLS to the host is ended for somebody in these
// groups, given the categories that the judge found it in. The help floor, the
// essentials and what is named never to be inspected stay closed to the
// filter.
func (s *Snapshot) Inspects(groups uint64, at time.Time, host string, v *Verdict) bool {
	if s.mode != modeRules || v.Support || v.Reason == ReasonOurs || !v.Categories.And(s.spliceCats).Empty() || hasOrBelow(s.spliceHosts, host) {
		return false
	}
	for rest := s.handled(groups, at); rest != 0; rest &= rest - 1 {
		h := &s.handlings[bits.TrailingZeros64(rest)]
		if h.Inspect && (h.only.Empty() || !v.Categories.And(h.only).Empty()) {
			return true
		}
	}
	return false
}

// hasOrBelow reports a host of the set, or one below.
func hasOrBelow(set map[string]struct{}, host string) bool {
	for len(set) > 0 {
		if _, ok := set[host]; ok {
			return true
		}
		_, rest, ok := strings.Cut(host, ".")
		if !ok {
			return false
		}
		host = rest
	}
	return false
}

// Headers calls do for every header that is removed from a request of somebody
// in these groups to the host, with value "", and then for every one that is
// set on it.
func (s *Snapshot) Headers(groups uint64, at time.Time, host string, do func(name, value string)) {
	groups = s.handled(groups, at)
	for _, set := range [...]bool{false, true} {
		for i := range s.headers {
			h := &s.headers[i]
			if !slices.ContainsFunc(h.Hosts, func(x string) bool { return below(host, x) }) {
				continue
			}
			switch {
			case !set:
				do(h.Name, "")
			case h.Value != "" && (h.groups == 0 || h.groups&groups != 0):
				do(h.Name, h.Value)
			}
		}
	}
}

// below reports whether host is the name or below it.
func below(host, name string) bool {
	return len(host) == len(name) && host == name ||
		len(host) > len(name) && host[len(host)-len(name)-1] == '.' && host[len(host)-len(name):] == name
}

// Permitted reports whether a permit opens this very file now; hash is its
// SHA-256 in hex, "" where it is not known yet. again says that a permit would
// if it were.
func (s *Snapshot) Permitted(a *Ask, hash string) (ok, again bool) {
	at := a.At.UnixMilli()
	for _, p := range s.permits[a.Host+a.Path] {
		if !p.span.covers(at) {
			continue
		}
		all := true
		for rest := s.groupsOf(a); rest != 0; rest &= rest - 1 {
			all = all && p.who.holds(uint8(bits.TrailingZeros64(rest)), a, false)
		}
		switch {
		case !all:
		case p.hash == "" || p.hash == hash:
			return true, false
		case hash == "":
			again = true
		}
	}
	return false, again
}
