package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/access"
	"belisha/internal/school/filtering"
	"belisha/internal/school/monitoring"
	"belisha/internal/school/people"
	"belisha/internal/verdict"
)

// open is the day on which the school took Belisha up: the first policy, and
// one account that has kept its password ever since.
func (f *filling) open(ctx context.Context) error {
	if err := f.h.Filtering.Start(ctx); err != nil {
		return err
	}
	head, err := f.as(ctx, "head")
	if err != nil {
		return err
	}
	if err := f.firstPolicy(head); err != nil {
		return err
	}
	return f.account(ctx, f.cast["old-password"], "", rand.Text())
}

func (f *filling) account(ctx context.Context, id people.ID, name, password string) error {
	_, err := f.h.Access.CreateAccount(ctx, access.NewAccount{Person: id, Username: name, Password: password})
	return err
}

// acts is what people do, by school days back from the last.
func (f *filling) acts() (map[int][]act, error) {
	out := map[int][]act{}
	add := func(ago, minute int, part string, do func(ctx context.Context) error) {
		out[ago] = append(out[ago], act{minute, part, do})
	}
	begun := f.accountsDay()
	add(begun, 8*60, "network", f.accounts)
	// Nobody signs in before there are accounts.
	sessions := func(ago, minute int, do func(ctx context.Context) error) {
		if ago < begun {
			add(ago, minute, "", do)
		}
	}
	add(namesFrom, 8*60+5, "head", f.record)
	add(namesFrom-1, 8*60+10, "head", f.confirmHolders)
	add(namesFrom-1, 8*60+25, "filter", f.addDevices)
	for _, e := range f.entries() {
		add(e.ago, e.minute, e.part, e.do)
	}
	add(40, 15*60+50, "head", f.secondPolicy)
	for _, l := range looks() {
		sessions(l.ago, 15*60+45, func(ctx context.Context) error { return f.look(ctx, l) })
	}
	for _, ago := range []int{30, 19, 8, 2, 1} {
		sessions(ago, 16*60, func(ctx context.Context) error { return f.comeIn(ctx, "head", 6) })
	}
	sessions(11, 8*60+12, f.mistype)
	add(4, 16*60+10, "deputy", f.thirdPolicy)
	for _, more := range []func(adder){f.agreed, f.cases, f.reports, f.lessonsOpened, f.watched, f.governed, f.inside, f.classroom, f.probed, f.alarmed} {
		more(add)
	}
	return out, f.confiscations(add)
}

// accountsDay is when everybody was given an account: early, but so that no
// password is too old yet.
func (f *filling) accountsDay() int {
	oldest := f.cal.Day(f.now).Add(-78)
	for i, d := range f.days {
		if d >= oldest {
			return min(len(f.days)-1-i, namesFrom-2)
		}
	}
	return 0
}

// maxAccounts bounds how many staff have one: a password takes a moment.
const maxAccounts = 44

// accounts gives the cast their easy passwords and other staff one that nobody
// knows.
func (f *filling) accounts(ctx context.Context) error {
	made := map[people.ID]bool{f.cast["old-password"]: true}
	for _, p := range parts() {
		made[f.cast[p.name]] = true
		if err := f.account(ctx, f.cast[p.name], p.name, password(p.name)); err != nil {
			return fmt.Errorf("the account of the %s: %w", p.role, err)
		}
	}
	for i, id := range f.staff {
		if i >= maxAccounts || made[id] {
			continue
		}
		if err := f.account(ctx, id, "", rand.Text()); err != nil {
			return fmt.Errorf("an account of staff: %w", err)
		}
	}
	return nil
}

// record is the head's word that names may be recorded, and who may look.
func (f *filling) record(ctx context.Context) error {
	now := f.c.Now()
	err := f.h.Monitoring.ConfirmRecording(ctx, f.cal.Day(now.AddDate(0, 0, -9)), "Letter to all homes, the staff handbook and the rules that pupils sign")
	if err != nil {
		return err
	}
	list, err := f.h.Monitoring.Candidates(ctx)
	if err != nil {
		return err
	}
	return f.h.Monitoring.ConfirmList(ctx, list)
}

func (f *filling) confirmHolders(ctx context.Context) error {
	offices, err := f.h.Filtering.Candidates(ctx)
	if err != nil {
		return err
	}
	var ids []people.ID
	for _, o := range offices {
		ids = append(ids, o.Person.ID)
	}
	return f.h.Filtering.ConfirmHolders(ctx, ids)
}

func (f *filling) addDevices(ctx context.Context) error {
	for _, d := range kit() {
		_, err := f.h.Filtering.SaveDevice(ctx, filtering.Device{
			Label: d.label, Addresses: []string{d.address}, Group: d.group, KeyStage: string(d.stage), Site: people.MainSite,
			Place: d.place, Shared: d.shared,
		})
		if err != nil {
			return fmt.Errorf("the device %s: %w", d.label, err)
		}
	}
	_, err := f.h.Filtering.SaveDevice(ctx, filtering.Device{
		Label: "Pupils' laptops", Addresses: []string{"10.20.0.0/20"}, Group: access.GroupPupils, Site: people.MainSite, CA: true,
	})
	return err
}

// entry is a change of the filter, by whom and when.
type entry struct {
	ago, minute int
	part        string
	do          func(ctx context.Context) error
}

// own adds an entry of the school's own.
func (f *filling) own(o filtering.Own) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := f.h.Filtering.AddOwn(ctx, o)
		return err
	}
}

func (f *filling) entries() []entry {
	pupils := []string{access.GroupPupils}
	var mirror string
	return []entry{
		{57, 8*60 + 15, "computing", f.own(filtering.Own{
			Text: "chess.com", Act: verdict.Allow, Groups: pupils, Ground: filtering.GroundWrong,
			Reason: "The chess club plays here on Tuesdays. It is on the games list, and to us it is a lesson.",
		})},
		{50, 8*60 + 20, "filter", func(ctx context.Context) error {
			o, err := f.h.Filtering.AddOwn(ctx, filtering.Own{
				Text: "unblock-maths.example", Act: verdict.Block, Groups: pupils,
				Reason: "Games dressed as a maths site. Two classes found it in one week.",
			})
			mirror = o.ID
			return err
		}},
		{47, 8*60 + 12, "teacher", f.refused(filtering.Own{Text: "kahoot.it", Act: verdict.Allow, Groups: pupils, Reason: "For my quiz on Friday."})},
		{36, 16*60 + 5, "computing", f.own(filtering.Own{
			Text: "soundcloud.com", Act: verdict.Allow, Groups: pupils, KeyStages: []string{"KS4"},
			Window: "14:15-15:15", Ground: filtering.GroundApproved, ApprovedBy: "Amira Quist, head teacher",
			Reason: "GCSE music listens to reference tracks in period 5.",
		})},
		{30, 16*60 + 10, "computing", f.own(filtering.Own{
			Text: "copilot.microsoft.com", Act: verdict.Allow, Groups: pupils, KeyStages: []string{"KS3", "KS4"},
			Ground: filtering.GroundApproved, ApprovedBy: "Amira Quist, head teacher",
			Reason: "The AI service that we have assessed. What pupils write there is looked through.",
		})},
		{28, 8*60 + 8, "filter", f.own(filtering.Own{
			Text: "essay-friend.example", Act: verdict.Block, Groups: pupils,
			Reason: "Writes homework for money; a parent told us.",
		})},
		{22, 16*60 + 15, "filter", func(ctx context.Context) error {
			return f.h.Filtering.EndOwn(ctx, mirror, "The site is gone.")
		}},
		{15, 8*60 + 20, "filter", func(ctx context.Context) error {
			return f.h.Filtering.SetCategory(ctx, filtering.Override{
				Group: access.GroupPupils, Category: "advertising", Act: verdict.Block,
				Reason: "Advertisements crowd the pages that the youngest use.",
			})
		}},
		{9, 8*60 + 18, "computing", f.must("https://www.thenational.academy/", verdict.Allow, "Lessons are planned round it.")},
		{9, 8*60 + 22, "computing", f.must("https://www.bet365.com/", verdict.Block, "Named in the policy.")},
		{6, 8*60 + 16, "filter", f.own(filtering.Own{
			Text: "quiz-arcade.example", Act: verdict.Block, Groups: pupils,
			Reason: "A games site under a new name, reported by Year 6.",
		})},
	}
}

func (f *filling) must(url string, a verdict.Action, why string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := f.h.Filtering.AddMust(ctx, filtering.Must{URL: url, Group: access.GroupPupils, Act: a, Reason: why})
		return err
	}
}

// refused is somebody who may not change the filter and tries.
func (f *filling) refused(o filtering.Own) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := f.h.Filtering.AddOwn(ctx, o)
		var no *filtering.Refused
		if errors.As(err, &no) || errors.Is(err, store.ErrForbidden) {
			return nil
		}
		if err == nil {
			return errors.New("somebody without filter management changed the filter")
		}
		return err
	}
}

// lookAt is a monitor's look at the record.
type lookAt struct {
	ago     int
	purpose string
	reason  string
	asked   monitoring.Asked
}

func looks() []lookAt {
	return []lookAt{
		{46, "standards", "The head asked which games are tried most.", monitoring.Asked{Category: "games", Action: "block"}},
		{38, "operation", "Tablets are slow in the mornings.", monitoring.Asked{Device: "Tablet trolley 2"}},
		{24, "standards", "The random sample of the month.", monitoring.Asked{Group: access.GroupPupils, Action: "block"}},
		{12, "operation", "A supplier's page would not open in the office.", monitoring.Asked{Host: "arbor-education.com"}},
		{5, "standards", "Ways round the filter, for the report to governors.", monitoring.Asked{Category: "web-proxy"}},
		{2, "standards", "The random sample of the month.", monitoring.Asked{Group: access.GroupPupils, Action: "block"}},
	}
}

// look signs the monitor in, gives a purpose, looks, and signs out.
func (f *filling) look(ctx context.Context, l lookAt) error {
	return f.session(ctx, "monitor", func(ctx context.Context) error {
		f.pass(90 * time.Second)
		if _, err := f.h.Monitoring.GivePurpose(ctx, l.purpose, l.reason); err != nil {
			return err
		}
		f.pass(40 * time.Second)
		_, err := f.h.Monitoring.Search(ctx, l.asked)
		return err
	})
}

// comeIn signs somebody in who comes back to the page for some minutes.
func (f *filling) comeIn(ctx context.Context, name string, minutes int) error {
	return f.session(ctx, name, func(context.Context) error {
		f.pass(time.Duration(minutes) * 20 * time.Second)
		return nil
	})
}

// session signs one of the cast in at the office's computer, does something as
// them, comes back once, and signs out.
func (f *filling) session(ctx context.Context, name string, do func(ctx context.Context) error) error {
	s, token, err := f.h.Access.SignIn(ctx, access.Attempt{
		Username: name, Password: password(name), From: netip.MustParseAddr("10.21.0.8"),
		Device: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
	})
	if err != nil {
		return fmt.Errorf("signing in as %s: %w", name, err)
	}
	f.pass(45 * time.Second)
	st, err := f.h.Access.Stand(ctx, token)
	if err != nil {
		return err
	}
	if st.MustChange || st.Locked {
		return fmt.Errorf("the account %s cannot be used", name)
	}
	if err := do(withActor(ctx, st.Actor)); err != nil {
		return err
	}
	f.pass(80 * time.Second)
	if _, err := f.h.Access.Stand(ctx, token); err != nil {
		return err
	}
	return f.h.Access.EndSession(withActor(ctx, st.Actor), s.Person, s.ID, "signed out")
}

// pass lets some time go by, never past the present.
func (f *filling) pass(d time.Duration) {
	t := f.c.Now().Add(d)
	if t.After(f.now) {
		t = f.now
	}
	f.c.travel(t)
}

// mistype is somebody who gets a password wrong twice and then right.
func (f *filling) mistype(ctx context.Context) error {
	for range 2 {
		_, _, err := f.h.Access.SignIn(ctx, access.Attempt{Username: "dsl", Password: "not this one", From: netip.MustParseAddr("10.21.0.31")})
		var no access.Refused
		if !errors.As(err, &no) {
			return fmt.Errorf("a wrong password: %w", err)
		}
		f.pass(20 * time.Second)
	}
	return f.comeIn(ctx, "dsl", 3)
}
