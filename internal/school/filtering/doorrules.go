package filtering

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/setting"
)

// What the school decides about the ways in themselves.
const (
	keyTwoNames    = "filtering.two-names"
	keyNameTunnels = "filtering.name-tunnels"
	keyPorts       = "filtering.secure-ports"
)

// Ports of encrypted sites.
const (
	securePort = 443
	lowestPort = 1024 // besides: those below are mail, shells and the like
	mostPorts  = 20
)

func doorSettings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyTwoNames, Title: "A request that names two sites at once", Kind: setting.Choice, Default: "noted",
			Options:      []setting.Option{{Value: "noted", Title: "noted", Words: []string{"written down"}}, {Value: "refused", Title: "refused"}},
			Help:         "Browsers never send one; tools that try to go round a filter do, and some old programs. Noted: the site that the request is addressed to counts, and the other is written down. Refused: nothing is fetched.",
			Requirements: []string{"FIL-01"},
		},
		{
			Key: keyNameTunnels, Title: "Data that is carried in the names of sites", Kind: setting.Choice, Default: "closed",
			Options:      []setting.Option{{Value: "closed", Title: "closed"}, {Value: "counted", Title: "counted"}},
			Help:         "A way round a filter that sends everything as questions for names. Closed: such names are not answered. Counted: they are, and the alarm is raised all the same; for a school whose own software looks like it.",
			Requirements: []string{"FIL-01"},
		},
		{
			Key: keyPorts, Title: "Ports of encrypted sites", Kind: setting.Text, Default: "443",
			Help:         "Numbers with commas between them. 443 is always open; others, from 1024 on, are for sites of the school's suppliers that are reached as example.com:8443. Every port that is opened is a way for other programs too.",
			Requirements: []string{"FIL-01"},
		},
	}
}

// doors makes what the ways in go by.
func (m *maker) doors() error {
	m.rules.Doors.StrictHost = m.v.Choice(keyTwoNames) == "refused"
	m.rules.Doors.NameTunnelsOpen = m.v.Choice(keyNameTunnels) == "counted"
	said := m.v.Get(keyPorts)
	ports, err := portList(said.Text)
	if err != nil {
		return &Refused{Words: "The ports of encrypted sites: " + err.Error() + ".", Clause: said.Clause}
	}
	if len(ports) > 1 {
		m.rules.TunnelPorts = ports
	}
	return nil
}

// portList reads numbers with commas or spaces between them. 443 is always
// among them.
func portList(text string) ([]uint16, error) {
	out := []uint16{securePort}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		if word == "and" {
			continue
		}
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil || n != securePort && n < lowestPort {
			return nil, fmt.Errorf("%.20q is not one: write 443, or numbers from %d to 65535", word, lowestPort)
		}
		if !slices.Contains(out, uint16(n)) {
			out = append(out, uint16(n))
		}
	}
	if len(out) > mostPorts {
		return nil, fmt.Errorf("%d are too many; write at most %d", len(out), mostPorts)
	}
	slices.Sort(out)
	return out, nil
}

// doorEffects are the changes of the ways in.
func doorEffects(now, next *setting.Values) []setting.Effect {
	var out []setting.Effect
	add := func(loses bool, words string) {
		out = append(out, setting.Effect{Room: "filtering", Loses: loses, Words: words})
	}
	if a, b := now.Choice(keyTwoNames), next.Choice(keyTwoNames); a != b {
		add(b == "refused", "A request that names two sites at once is "+b+".")
	}
	if a, b := now.Choice(keyNameTunnels), next.Choice(keyNameTunnels); a != b {
		add(b == "closed", "Data that is carried in the names of sites is "+b+".")
	}
	if a, b := now.Get(keyPorts).Text, next.Get(keyPorts).Text; a != b {
		add(false, "Encrypted sites may be reached by the ports "+b+".")
	}
	return out
}
