package porter

import (
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/verdict"
)

// HelpLine is one line of "where to turn", the same on every pupil's page.
type HelpLine struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"`
	URL   string `json:"url,omitempty"`
	Says  string `json:"says,omitempty"`
}

// Settings are what the school decided about the gate besides its rules. The
// parent writes them to a small file; the gate reads it at start and when it
// is told to.
type Settings struct {
	SchoolName string `json:"schoolName,omitempty"`
	Site       string `json:"site,omitempty"`
	TimeZone   string `json:"timeZone,omitempty"` // default Europe/London
	// OwnHosts are the names of the people's pages, the first the main one.
	OwnHosts     []string `json:"ownHosts,omitempty"`
	PagesURL     string   `json:"pagesUrl,omitempty"` // default http:// and the first own host
	PeopleSocket string   `json:"peopleSocket,omitempty"`
	// TrustedAdult is the school's sentence about who can help.
	TrustedAdult string `json:"trustedAdult,omitempty"`
	// Notice tells pupils that use is monitored, NoticeStaff staff; both stand
	// at the foot of the page in place of a closed site.
	Notice      string     `json:"notice,omitempty"`
	NoticeStaff string     `json:"noticeStaff,omitempty"`
	Help        []HelpLine `json:"help,omitempty"`
	// HelpHosts and Essentials are open when there are no rules.
	HelpHosts  []string `json:"helpHosts,omitempty"`
	Essentials []string `json:"essentials,omitempty"`

	AskBasic      bool     `json:"askBasic,omitempty"`      // answer 407 to who is not known
	BasicAnywhere bool     `json:"basicAnywhere,omitempty"` // take passwords on listeners off loopback
	StrictHost    bool     `json:"strictHost,omitempty"`    // a request whose Host says another name than its target is refused
	CAEverywhere  bool     `json:"caEverywhere,omitempty"`  // every device has the school's certificate
	ConnectPorts  []uint16 `json:"connectPorts,omitempty"`  // default 443
	// Sink are the addresses that blocked names are answered with; none:
	// such names do not exist.
	Sink []netip.Addr `json:"sink,omitempty"`
	// Themes are phrases by alert theme, looked for in search words.
	Themes map[string][]string `json:"themes,omitempty"`
	// CountOnly: no person, device, address, path or words are recorded.
	CountOnly bool `json:"countOnly,omitempty"`
	// Forbidden are addresses of desk, admin and API pages: never reachable
	// through the gate, whatever is allowed besides.
	Forbidden []netip.AddrPort `json:"forbidden,omitempty"`
	Canaries  []string         `json:"canaries,omitempty"` // more names that must not exist
	// TunnelsOpen: data carried in names is counted and not closed.
	TunnelsOpen bool `json:"tunnelsOpen,omitempty"`
	// PAC is the file by which browsers find the proxy, "" for none. The gate
	// serves it itself, also while the parent is away.
	PAC string `json:"pac,omitempty"`
	// Captive: the checks by which devices find out whether they are online
	// lead to sign-in where nobody is signed in.
	Captive bool `json:"captive,omitempty"`
}

// Location is the zone of the site's clock.
func (s *Settings) Location() (*time.Location, error) {
	name := s.TimeZone
	if name == "" {
		name = "Europe/London"
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q is not known: use a name such as Europe/London", name)
	}
	return loc, nil
}

// Pages is the address of the people's pages, "" where there are none.
func (s *Settings) Pages() string {
	if s.PagesURL != "" {
		return s.PagesURL
	}
	if len(s.OwnHosts) > 0 {
		return "http://" + s.OwnHosts[0]
	}
	return ""
}

// under are the settings with what the rules in force say of the doors.
func (s *Settings) under(rules *verdict.Snapshot) Settings {
	out := *s
	if rules == nil {
		return out
	}
	d, ports := rules.Doors()
	out.StrictHost = out.StrictHost || d.StrictHost
	out.TunnelsOpen = out.TunnelsOpen || d.NameTunnelsOpen
	if len(out.ConnectPorts) == 0 {
		out.ConnectPorts = ports
	}
	return out
}
