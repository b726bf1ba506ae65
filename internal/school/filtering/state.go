package filtering

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
	"belisha/internal/verdict/lists"

	"golang.org/x/net/publicsuffix"
)

// The groups that every school has. People are in one of them by what they
// are; devices by the device table.
const (
	GroupPupils = "pupils"
	GroupStaff  = "staff"
	GroupGuests = "guests"
)

// Groups is the groups of every school, in the order of pages.
func Groups() []string { return []string{GroupPupils, GroupStaff, GroupGuests} }

var groupTitle = map[string]string{GroupPupils: "Pupils", GroupStaff: "Staff", GroupGuests: "Guests"}

const day = 24 * time.Hour

// Grounds on which a site may be opened although the policy closes its
// category.
const (
	GroundWrong    = "wrongly-listed" // the site is not what the list says
	GroundApproved = "approved"       // approved by name, by a body or person
)

// Own is one of the school's own entries.
type Own struct {
	ID         string
	Text       string // host, =host, host/path, address or range; canonical
	Act        verdict.Action
	Groups     []string // none: everybody
	KeyStages  []string
	Places     []string
	Days       []string // "mon" … "sun"; none: every day
	Window     string   // "08:30-15:30", "" for all day
	From       time.Time
	Until      time.Time
	Reason     string
	Ground     string
	ApprovedBy string
	AddedAt    time.Time
	AddedBy    string
	EndedAt    time.Time
	EndedBy    string
}

// Override is what a filter manager decided about a whole category.
type Override struct {
	ID       string
	Group    string
	Category string
	Act      verdict.Action
	Reason   string
	AddedAt  time.Time
	AddedBy  string
	EndedAt  time.Time
	EndedBy  string
}

// Must is one line of what must be closed or open whatever else changes.
type Must struct {
	ID      string
	URL     string
	Group   string // "" for everybody
	Act     verdict.Action
	Reason  string
	AddedAt time.Time
	AddedBy string
	EndedAt time.Time
	EndedBy string
}

// Source is one imported list.
type Source struct {
	ID         string
	Title      string
	Path       string
	Format     string
	Category   string
	Map        map[string]string
	Segment    string // hash of the last good one
	Names      int64
	Categories []SourceCategory
	ImportedAt time.Time
	ImportedBy string
	DatedAt    time.Time // when the newest file of it was written
	TriedAt    time.Time
	Problem    string // why the latest attempt was refused, "" for none
	Enabled    bool
	Version    int64
}

// SourceCategory is one category of a list.
type SourceCategory struct {
	Slug    string `json:"slug"`           // ours
	From    string `json:"from,omitempty"` // as the list calls it
	Names   int64  `json:"names"`
	Neutral bool   `json:"neutral,omitempty"`
}

// Device is a device that the filter knows by its address or hardware address.
type Device struct {
	ID        string
	Label     string
	Addresses []string // addresses or ranges
	MAC       string
	Group     string
	KeyStage  string
	Site      string
	Place     string
	Shared    bool // several people use it: an address says nothing about who
	CA        bool // the school's certificate is installed
	Version   int64
}

// state is everything that is decided in this room.
type state struct {
	own       []Own
	overrides []Override
	musts     []Must
	sources   []Source
	licensed  []Licensed
	phrases   []PhraseList
	devices   []Device
	left      []Left
	unblocks  []Unblock // granted, and their end not written down yet
	permits   []Permit  // likewise
	version   Version
}

// Bounds of what people may add.
const (
	maxOwn     = 20_000
	maxMusts   = 500
	maxReason  = 500
	maxEntry   = 500
	maxDevices = 20_000
	maxSources = 40
)

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// check brings an entry into its one form and says what is wrong with it.
func (o *Own) check() error {
	bad := store.Invalid{}
	o.Reason, o.ApprovedBy = strings.TrimSpace(o.Reason), strings.TrimSpace(o.ApprovedBy)
	if err := o.canonical(); err != nil {
		bad["entry"] = err.Error()
	}
	if o.Reason == "" {
		bad["reason"] = "Write why, in a sentence that somebody will understand in a year."
	}
	if len(o.Reason) > maxReason || len(o.ApprovedBy) > maxReason {
		bad["reason"] = fmt.Sprintf("Write at most %d characters.", maxReason)
	}
	if o.Act != verdict.Allow && o.Act != verdict.Block && o.Act != verdict.Warn {
		bad["act"] = "Choose open, closed or warn."
	}
	if !slices.Contains([]string{"", GroundWrong, GroundApproved}, o.Ground) {
		bad["ground"] = "Choose one of the grounds."
	}
	if o.Ground == GroundApproved && o.ApprovedBy == "" {
		bad["approved_by"] = "Write who approved this site."
	}
	if !o.Until.IsZero() && !o.Until.After(o.From) {
		bad["until"] = "The end is not after the beginning."
	}
	o.checkWho(bad)
	o.checkWhen(bad)
	return bad.OrNil()
}

func (o *Own) canonical() error {
	text := strings.TrimSpace(o.Text)
	if len(text) > maxEntry {
		return fmt.Errorf("%.30q goes on too long: an entry has at most %d characters", text, maxEntry)
	}
	kind, canonical, err := lists.One(text)
	if kind == lists.URL && o.Act == verdict.Allow {
		// A list's page stands for every www. of the site; what somebody opens is
		// what they wrote and no more.
		canonical, err = pageAsWritten(text, canonical)
	}
	if err != nil {
		return fmt.Errorf("%q cannot be used: %w. Write a name such as example.com, a page such as example.com/page, or an address", o.Text, err)
	}
	if kind == lists.Name || kind == lists.Exact {
		if suffix, icann := publicsuffix.PublicSuffix(canonical); suffix == canonical && (icann || !strings.Contains(canonical, ".")) {
			return fmt.Errorf("%q is a whole ending that thousands of sites share. Write the name of one site", o.Text)
		}
	}
	if p, err := netip.ParsePrefix(canonical); err == nil && (p.Addr().Is4() && p.Bits() < 16 || p.Addr().Is6() && p.Bits() < 32) {
		return fmt.Errorf("%q is too wide a range. Write one of at least /16, or /32 for IPv6", o.Text)
	}
	if kind == lists.Exact {
		canonical = "=" + strings.TrimPrefix(canonical, "=")
	}
	o.Text = canonical
	return nil
}

// pageAsWritten is a page under the very host that somebody wrote.
func pageAsWritten(text, canonical string) (string, error) {
	u, err := verdict.CanonicalURL(text)
	if err != nil {
		return "", err
	}
	if strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	_, path, _ := strings.Cut(canonical, "/")
	return u.Host + "/" + path, nil
}

func (o *Own) checkWho(bad store.Invalid) {
	for _, g := range o.Groups {
		if !slices.Contains(Groups(), g) {
			bad["groups"] = fmt.Sprintf("There is no group %q.", g)
		}
	}
	for _, s := range o.KeyStages {
		if !slices.Contains(people.KeyStages, people.KeyStage(s)) {
			bad["stages"] = fmt.Sprintf("There is no key stage %q.", s)
		}
	}
	for _, p := range o.Places {
		if !placeName(p) {
			bad["places"] = fmt.Sprintf("%q is not the name of a place. Use small letters, digits and hyphens.", p)
		}
	}
}

func (o *Own) checkWhen(bad store.Invalid) {
	for _, d := range o.Days {
		if !slices.Contains(weekdays, d) {
			bad["days"] = fmt.Sprintf("%q is not a day of the week.", d)
		}
	}
	if o.Window == "" {
		return
	}
	v, err := setting.Setting{Kind: setting.Span}.Parse(o.Window)
	if err != nil {
		bad["window"] = err.Error() + "."
		return
	}
	o.Window = clockSpan(v.From, v.To)
}

func clockSpan(from, to int) string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60)
}

// live reports whether the entry still counts.
func (o Own) live(now time.Time) bool {
	return o.EndedAt.IsZero() && (o.Until.IsZero() || o.Until.After(now))
}

func placeName(s string) bool {
	if s == "" || len(s) > 60 || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (o *Override) check(known map[string]verdict.Category) error {
	bad := store.Invalid{}
	o.Reason = strings.TrimSpace(o.Reason)
	if !slices.Contains(Groups(), o.Group) {
		bad["group"] = "Choose a group."
	}
	c, ok := known[o.Category]
	switch {
	case !ok:
		bad["category"] = "Choose a category."
	case c.Neutral && o.Act != verdict.Allow:
		bad["category"] = "Nothing is ever closed because it is in this category."
	}
	if o.Reason == "" || len(o.Reason) > maxReason {
		bad["reason"] = fmt.Sprintf("Write why, in at most %d characters.", maxReason)
	}
	return bad.OrNil()
}

func (m *Must) check() error {
	bad := store.Invalid{}
	m.URL, m.Reason = strings.TrimSpace(m.URL), strings.TrimSpace(m.Reason)
	if _, err := verdict.CanonicalURL(m.URL); err != nil || len(m.URL) > maxEntry {
		bad["url"] = "This is not an address that a browser would open. Write it as example.com or https://example.com/page."
	}
	if m.Group != "" && !slices.Contains(Groups(), m.Group) {
		bad["group"] = "Choose a group."
	}
	if m.Act != verdict.Allow && m.Act != verdict.Block {
		bad["act"] = "Choose open or closed."
	}
	if m.Reason == "" || len(m.Reason) > maxReason {
		bad["reason"] = fmt.Sprintf("Write why, in at most %d characters.", maxReason)
	}
	return bad.OrNil()
}

func (d *Device) check() error {
	bad := store.Invalid{}
	d.Label, d.MAC = strings.TrimSpace(d.Label), strings.TrimSpace(d.MAC)
	if d.Label == "" || len(d.Label) > 100 {
		bad["label"] = "Write what the device is called, in at most 100 characters."
	}
	d.checkAddresses(bad)
	if d.MAC != "" {
		hw, err := net.ParseMAC(d.MAC)
		if err != nil || len(hw) != 6 {
			bad["mac"] = "Write the hardware address as 00:1a:2b:3c:4d:5e."
		} else {
			d.MAC = hw.String()
		}
	}
	if d.MAC == "" && len(d.Addresses) == 0 {
		bad["addresses"] = "Write an address, a range or a hardware address, so that the filter can know the device."
	}
	if !slices.Contains(Groups(), d.Group) {
		bad["group"] = "Choose a group."
	}
	if d.KeyStage != "" && !slices.Contains(people.KeyStages, people.KeyStage(d.KeyStage)) {
		bad["stage"] = "Choose a key stage."
	}
	if d.Place != "" && !placeName(d.Place) {
		bad["place"] = "Write the place in small letters, digits and hyphens, such as library."
	}
	if d.Site == "" {
		d.Site = people.MainSite
	}
	return bad.OrNil()
}

func (d *Device) checkAddresses(bad store.Invalid) {
	var out []string
	for _, a := range d.Addresses {
		a = strings.TrimSpace(a)
		if a == "" {
			continue
		}
		p, err := netip.ParsePrefix(a)
		if err != nil {
			var one netip.Addr
			if one, err = netip.ParseAddr(a); err == nil {
				p = netip.PrefixFrom(one, one.BitLen())
			}
		}
		if err != nil || p.Addr().Zone() != "" {
			bad["addresses"] = fmt.Sprintf("%q is neither an address nor a range such as 10.0.4.0/24.", a)
			return
		}
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
		} else {
			out = append(out, p.Masked().String())
		}
	}
	if len(out) > 50 {
		bad["addresses"] = "A device has at most 50 addresses."
	}
	d.Addresses = out
}
