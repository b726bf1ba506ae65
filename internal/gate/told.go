package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"belisha/internal/gate/control"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
	"belisha/internal/verdict/snapfile"
)

// Status implements control.Gate.
func (r *running) Status() control.Status {
	rows, devices := r.table.Len()
	snapshot, counts := r.porter.Snapshot(), r.proxy.Counts()
	questions, _ := r.dns.Counts()
	s := control.Status{
		State: r.state, RulesNumber: snapshot.Number(), HasRules: snapshot.HasRules(), Presence: r.table.Number(),
		Rows: rows, Devices: devices, UptimeMilli: r.cfg.Clock.Now().Sub(r.state.Started).Milliseconds(),
		Decisions: r.porter.Counts(), Spool: r.spool.Stats(), Requests: counts.Requests, Refused: counts.Refused,
		Tunnels: counts.Tunnels, Inspection: counts.Inspection, Questions: questions, Mute: r.dns.Mute(), Faults: counts.Panics, Paused: r.table.Paused(r.cfg.Clock.Now()),
		Bypasses: r.porter.Bypasses(), Content: r.looks.status(), ICAP: r.icapStatus(),
		Kerberos: r.shared.Kerberos.Status(), Accounting: r.radius.Status(r.table.Heard(nil)),
		Proxies: r.peers.Status(), Known: r.known(),
	}
	if text := r.rulesError.Load(); text != nil {
		s.RulesError = *text
	}
	s.CA = r.authority.fingerprint()
	return s
}

// known are the people without an address of which the parent told, with until
// when their web is paused; of several rows of one, the earliest.
func (r *running) known() map[string]time.Time {
	out := map[string]time.Time{}
	note := func(id string, row *subject.Row) {
		if had, ok := out[id]; !ok || row.PausedUntil.Before(had) {
			out[id] = row.PausedUntil
		}
	}
	own := func(row *subject.Row) { note(row.ID, row) }
	r.names.Known(own)
	r.proxy.Known(own)
	r.table.KnownByNetwork(r.porter.High(), func(row *subject.Row) { note(row.Of, row) })
	return out
}

// Reload implements control.Gate: settings and rules are read now. Whatever
// cannot be used leaves what runs as it is.
func (r *running) Reload() error {
	var errs []error
	set, err := ReadSettings(r.cfg.Dir)
	if err == nil {
		err = r.porter.Configure(&set)
	}
	if err != nil {
		errs = append(errs, err)
	} else {
		r.guard.Forbid(forbidden(&set, r.doors()...))
	}
	_ = r.readCA() // what runs goes on, and the log says why
	switch {
	case snapfile.Newer(r.cfg.Dir, r.loader.Have()):
		errs = append(errs, r.takeRules())
	case err == nil && r.loader.Have() == 0:
		if s, err := r.firstSnapshot(&set); err == nil {
			r.porter.Use(s)
		} else {
			errs = append(errs, err)
		}
	}
	select {
	case r.changed <- struct{}{}: // running tunnels are judged again
	default:
	}
	return errors.Join(errs...)
}

// Push implements control.Gate. Who is there is kept before it is confirmed.
func (r *running) Push(p subject.Push) error {
	// Before the table: its change has the running tunnels judged again.
	r.names.Told(p.Gone, p.Full, p.Known)
	r.proxy.Left(p.Gone, p.Full, p.Known...)
	now := r.porter.High()
	leaving := r.table.Leaving(&p, now)
	if err := r.table.Apply(p, now); err != nil {
		return err
	}
	r.stay(leaving, now)
	return r.keep()
}

// stay has what a teacher set for a class hold on where somebody of it has
// signed out.
func (r *running) stay(leaving []subject.Row, now time.Time) {
	s := r.porter.Snapshot()
	names := s.Names()
	for _, row := range leaving {
		a := verdict.Ask{Groups: names.GroupBits(row.Groups), Classes: names.ClassNumbers(row.Classes), At: now}
		if until := s.LessonEnds(&a); until > 0 {
			r.table.Stay(row, time.UnixMilli(until), now)
		}
	}
}

// SetDevices implements control.Gate.
func (r *running) SetDevices(d []subject.Device) error {
	if err := r.table.SetDevices(d); err != nil {
		return err
	}
	return r.keep()
}

// smallTable is how many rows are written at once; more are written within a
// second, with whatever else has changed by then.
const smallTable = 2000

func (r *running) keep() error {
	if rows, devices := r.table.Len(); rows+devices > smallTable {
		return nil
	}
	r.reloading.Lock() // one writer of the file at a time
	defer r.reloading.Unlock()
	return r.table.Save(filepath.Join(r.cfg.Dir, "presence"))
}

// Latest implements control.Gate.
func (r *running) Latest(a netip.Addr, who string) (porter.Block, bool) {
	return r.porter.LatestOf(a, who)
}

// Seen implements control.Gate.
func (r *running) Seen() []porter.Seen { return r.porter.Seen() }

// Decide implements control.Gate: what would happen, recorded nowhere.
func (r *running) Decide(d control.DecideRequest) (control.Decision, error) {
	u, err := verdict.CanonicalURL(d.URL)
	if err != nil {
		return control.Decision{}, fmt.Errorf("reading the address: %w", err)
	}
	who := r.porter.Who(d.Address, nil)
	a := r.porter.Judge(&who, porter.Question{Door: verdict.DoorNone, Host: u.Host, Path: u.Path, Port: u.Port})
	return control.Decision{Action: a.Verdict.Action.String(), Why: a.Explain()}, nil
}

// Stop implements control.Gate.
func (r *running) Stop() { r.stop() }
