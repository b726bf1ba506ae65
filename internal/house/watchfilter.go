package house

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
)

// filter looks at the process itself.
func (w *watching) filter(st control.Status, now time.Time, see *sight) {
	see.looked("filter-restarts", "rules-behind")
	if n := len(w.starts); n == 0 || !w.starts[n-1].Equal(st.Started) {
		w.starts = append(w.starts, st.Started)
	}
	for len(w.starts) > 0 && now.Sub(w.starts[0]) > time.Hour && len(w.starts) > 1 {
		w.starts = w.starts[1:]
	}
	if len(w.starts) > oftenStarted {
		see.bad(alarms.Signal{
			Kind: "filter-restarts", Words: fmt.Sprintf("The filter was started %d times within an hour", len(w.starts)),
			May: "Something ends it: a fault, too little memory, or somebody at the machine.", Todo: "Look into gate/gate.log in the data folder, and report it.",
			Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
		})
	}
	snap := w.h.Filtering.Snapshot()
	if snap != nil && st.RulesNumber != snap.Number() || st.RulesError != "" {
		see.bad(alarms.Signal{
			Kind: "rules-behind", Words: "The filter does not hold the rules that were published", May: "What was decided last is not in force.",
			Todo: "It takes new rules within a second. If this stays, look at the health page and into gate/gate.log.", Owner: people.FilterManager, Risk: 3, Link: "/health",
		})
	}
}

// record looks whether what passes the filter is written down.
func (w *watching) record(ctx context.Context, _ time.Time, see *sight) error {
	see.looked("record-stuck")
	if _, trouble := w.h.gate.pumped(); trouble != "" {
		see.bad(alarms.Signal{
			Kind: "record-stuck", Words: "What passes the filter is not taken up", May: "The disk may be full, or the records cannot be written. Nothing is lost yet.",
			Todo: "Look at the health page, and make room.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
	st, err := w.h.gate.status(ctx)
	if err != nil {
		return nil //nolint:nilerr // told as an alarm of its own
	}
	see.looked("record-lost")
	lost := st.Spool.Dropped + st.Spool.Lost + st.Decisions.Unrecorded
	if w.seeded && lost > w.lost {
		see.bad(alarms.Signal{
			Kind: "record-lost", Words: "Some of what passed the filter was not written down", May: "More came than the disk could take, so the record has a gap.",
			Todo: "Look at the health page: whether the disk is full or slow.", Owner: people.NetworkManager, Risk: 2, Link: "/health", After: 1,
		})
	}
	w.lost, w.seeded = lost, true
	return nil
}

// scanners looks at the virus scanners.
func (w *watching) scanners(st control.Status, see *sight) {
	list := st.Content.Scanners
	see.looked("scanner-away", "scanner-old")
	asked, there, stale := 0, 0, 0
	for _, s := range list {
		if !s.Asked {
			continue
		}
		asked++
		switch {
		case s.OK && s.Stale:
			there, stale = there+1, stale+1
		case s.OK:
			there++
		}
	}
	if len(list) == 0 {
		see.cannot("no scanner is set", "scanner-away", "scanner-old")
	} else if asked == 0 {
		see.cannot("nothing was to be scanned yet", "scanner-away", "scanner-old")
	}
	if asked > 0 && there == 0 {
		see.bad(alarms.Signal{
			Kind: "scanner-away", Words: "No virus scanner answers", May: "Files that must be scanned stay out, or come in unscanned where the policy lets them.",
			Todo: "Start it again: on Debian, systemctl restart clamav-daemon.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
	if there > 0 && stale == there {
		see.bad(alarms.Signal{
			Kind: "scanner-old", Words: "The virus scanner's signatures are old", May: "It does not know the newest viruses.",
			Todo: "Look why it fetches none: on Debian, systemctl status clamav-freshclam.", Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
}

// signIn looks at the ways in which the network says who is there.
func (w *watching) signIn(st control.Status, see *sight) {
	see.looked("sign-in-broken")
	if !st.Kerberos.Set && !st.Accounting.Set {
		see.cannot("neither is set up", "sign-in-broken")
	}
	broken := func(subject, words, todo string) {
		see.bad(alarms.Signal{
			Kind: "sign-in-broken", Subject: subject, Words: words, May: "Whoever is not known meets the strictest rules, and stands in no record by name.",
			Todo: todo, Owner: people.NetworkManager, Risk: 2, Link: "/health",
		})
	}
	if st.Kerberos.Set && !st.Kerberos.OK {
		broken("kerberos", "Nobody can sign in by their computer’s ticket", "Look on the health page what is wrong with the keytab.")
	}
	for _, p := range st.Accounting.Peers {
		if !p.OK && p.Refused > 0 {
			broken(p.Address, "What the access point "+p.Address+" says of who is there cannot be used", "Look on the health page; mostly the shared secret differs.")
		}
	}
}

// bypasses looks for devices that insist on a way round the filter. What
// browsers and phones ask by themselves, once in a while, is not counted.
func (w *watching) bypasses(ctx context.Context, st control.Status, now time.Time, see *sight) {
	see.looked("bypass")
	for _, b := range st.Bypasses {
		tries := b.Foreign + b.Tunnel + b.Hidden
		if tries < insists || now.Sub(b.Last) > bypassWithin || isProbe(b.Device) {
			continue
		}
		subject, name := b.Address.String(), b.Address.String()
		if b.Device != "" {
			subject, name = b.Device, w.names.of(ctx, b.Device)
		}
		see.bad(alarms.Signal{
			Kind: "bypass", Subject: subject, Words: "The device " + name + " tries again and again to go round the filter",
			May:  fmt.Sprintf("%d times within a day it asked for names of services outside the school, sent data in names, or opened connections that hide which site they are for. A program may do that by itself, such as a VPN, a messenger or a browser with a name service of its own.", tries),
			Todo: "Look at the device: take the VPN off, or turn its own name service off. It was closed each time that the filter saw it.", Owner: people.NetworkManager, Risk: 1, Link: "/devices",
		})
	}
}
