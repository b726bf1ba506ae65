package icap

import (
	"net/netip"
	"slices"
	"strings"

	"belisha/internal/gate/identity"
	"belisha/internal/gate/subject"
)

const maxNames = 8

// client is the address that the one who asks has, as the client says. Without
// it nobody is known: the client's own address is not the browser's.
func (x *exchange) client() netip.Addr {
	list := x.m.header["X-Client-Ip"]
	if len(list) != 1 {
		return netip.Addr{}
	}
	if a, err := netip.ParseAddr(list[0]); err == nil {
		return a.Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(list[0]); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// who is behind the request. A name counts only where it leads to somebody, a
// password only where it proves somebody, and of two people it is neither.
func (x *exchange) who() subject.Found {
	client := x.client()
	var row *subject.Row
	for _, r := range x.rows(client) {
		if row != nil && row.Subject != r.Subject {
			found := x.s.porter.Who(netip.Addr{}, nil)
			found.Address = client
			x.proved = true
			return found
		}
		row = r
	}
	x.proved = row != nil
	return x.grouped(x.s.porter.Who(client, row))
}

// grouped puts somebody who is not known, nor their device, into the groups
// that the client says they are in, where the school has said which those are.
// Of several the strictest holds.
func (x *exchange) grouped(found subject.Found) subject.Found {
	if len(found.Groups) > 0 || found.Subject != "" || len(x.s.cfg.Groups) == 0 {
		return found
	}
	for _, name := range identity.Groups(x.m.header["X-Authenticated-Groups"], x.encoded()) {
		if slug, ok := x.s.cfg.Groups[name]; ok && !slices.Contains(found.Groups, slug) {
			found.Groups = append(found.Groups, slug)
		}
	}
	return found
}

// encoded reports that names are always in base64, by agreement.
func (x *exchange) encoded() bool {
	return slices.Contains(strings.Split(x.m.query, "&"), "names=base64")
}

// rows are those of the people that the request names.
func (x *exchange) rows(client netip.Addr) []*subject.Row {
	var rows []*subject.Row
	strangers := false
	if namer := x.s.cfg.Namer; namer != nil {
		for _, spellings := range x.names() {
			before := len(rows)
			for _, name := range spellings {
				if row, ok := namer.ByName(x.s.ctx, name, client); ok && row != nil {
					rows = append(rows, row)
					break
				}
			}
			strangers = strangers || len(rows) == before
		}
	}
	if proof := x.m.header.Get("Proxy-Authorization"); proof != "" && (x.c.peer.IsLoopback() || x.s.porter.Settings().BasicAnywhere) {
		// Squid hands on what the browser sent, whether or not anybody has
		// checked it: without the password the name in it is anybody's.
		if row := x.s.cfg.Front.Password(x.s.ctx, proof, client); row != nil {
			rows = append(rows, row)
		}
	}
	if strangers && len(rows) == 0 {
		// Somebody whom nobody here knows is not whoever signed in there before.
		rows = append(rows, identity.Nobody(x.s.porter.Now()))
	}
	return rows
}

// names are the names that the client gives, each in the spellings in which it
// may be known.
func (x *exchange) names() [][]string {
	encoded := x.encoded()
	var out [][]string
	for _, header := range []string{"X-Authenticated-User", "X-Client-Username", "X-Subscriber-Id"} {
		for _, value := range x.m.header[header] {
			if list := identity.Spellings(value, encoded); len(list) > 0 && len(out) < maxNames {
				out = append(out, list)
			}
		}
	}
	return out
}
