package demo

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/approval"
	"belisha/internal/school/access"
	"belisha/internal/school/devices"
	"belisha/internal/school/filtering"
	"belisha/internal/school/people"
	"belisha/internal/school/review"
)

// governed is the story of what leaders see and sign: reports, approvals,
// rights, tasks that were given and excused, and somebody's word that no way
// goes round the filter.
func (f *filling) governed(add adder) {
	for i, d := range f.days {
		ago := len(f.days) - 1 - i
		if i == 0 || d[:7] == f.days[i-1][:7] || ago > rulesDay-5 {
			continue
		}
		add(ago, 7*60+20, "", func(ctx context.Context) error { return f.keepReport(ctx, review.ForHead) })
		if ago > 12 {
			add(ago-1, 16*60+18, "head", func(ctx context.Context) error {
				return f.signReport(ctx, review.ForHead, "Read. The posts and the passwords are on my list for this month.")
			})
		}
	}
	add(39, 7*60+25, "", func(ctx context.Context) error { return f.keepReport(ctx, review.ForBoard) })
	add(36, 16*60+22, "governor", func(ctx context.Context) error {
		return f.signReport(ctx, review.ForBoard, "Tabled on Tuesday. The board asks why a deputy for online safety is not named.")
	})
	add(35, 16*60+22, "link-governor", func(ctx context.Context) error { return f.signReport(ctx, review.ForBoard, "") })
	add(34, 16*60+21, "online", func(ctx context.Context) error { return f.signReport(ctx, review.ForBoard, "") })
	add(32, 8*60+15, "head", f.rights)
	add(16, 16*60+2, "head", f.approveList)
	add(14, 15*60+58, "head", f.taskGiven)
	add(45, 16*60+20, "network", f.tried)
	if f.accountsDay() > 2 {
		add(2, 9*60+48, "", f.elsewhere)
	}
	add(44, 8*60+26, "filter", f.addUnseen)
}

func (f *filling) keepReport(ctx context.Context, kind string) error {
	if err := f.h.Policies.RunControls(ctx); err != nil {
		return err
	}
	id, err := f.h.Review.Keep(ctx, kind)
	f.kept[kind] = id
	return err
}

// signReport signs the newest report of a kind.
func (f *filling) signReport(ctx context.Context, kind, comment string) error {
	if f.kept[kind] == "" {
		return nil
	}
	k, err := f.h.Review.Open(ctx, f.kept[kind])
	if err != nil {
		return err
	}
	f.pass(100 * time.Second)
	return f.h.Review.Sign(ctx, k.ID, k.Digest, comment)
}

// rights is the head's look at who has the most rights.
func (f *filling) rights(ctx context.Context) error {
	list, err := f.h.Access.Admins(ctx)
	if err != nil {
		return err
	}
	var seen []string
	for _, a := range list {
		seen = append(seen, string(a.Person.ID))
	}
	return f.h.Access.ReviewRights(ctx, seen)
}

// approveList says yes to the list of monitors that the deputy asked for.
func (f *filling) approveList(ctx context.Context) error {
	a, err := f.h.Access.ActorOf(ctx, f.cast["head"])
	if err != nil {
		return err
	}
	items, err := f.h.Approvals.Waiting(ctx, a)
	if err != nil || len(items) == 0 {
		return err
	}
	ap, err := f.h.Approvals.Get(ctx, items[0].Key)
	if err != nil {
		return err
	}
	_, err = f.h.Approvals.Decide(ctx, ap.ID, approval.Decision{Place: ap.Parts[0].Place, Yes: true, Note: "As it stands."})
	return err
}

// taskGiven gives one task to a colleague and excuses nothing.
func (f *filling) taskGiven(ctx context.Context) error {
	all, _, err := f.h.Duties().All(ctx)
	if err != nil {
		return err
	}
	a, err := f.h.Access.ActorOf(ctx, f.cast["head"])
	if err != nil {
		return err
	}
	for _, d := range all {
		if a.Holds(d.Owner) && d.Source != "watchers" {
			return f.h.Duties().Give(ctx, d.Key, string(f.cast["deputy"]), "You were there; please see to it.")
		}
	}
	return nil
}

// tried is the network manager's word on the way out of the school.
func (f *filling) tried(ctx context.Context) error {
	now := f.c.Now()
	return f.h.Devices.GiveWord(ctx, devices.PathWord{
		Kind: devices.WordSchool, Who: "Owen Castellane, network manager", Given: now.AddDate(0, 0, -1), Review: now.AddDate(0, 11, 0),
		Words: "A laptop and a tablet with the filter's settings taken out: no page opened, by wire and by Wi-Fi. The firewall lets nothing out but this machine.",
	})
}

// elsewhere is an account used at two places within minutes: somebody should
// look at it, and nobody has.
func (f *filling) elsewhere(ctx context.Context) error {
	var open []access.Session
	for _, at := range []string{"10.20.30.10", "10.20.1.77"} {
		s, _, err := f.h.Access.SignIn(ctx, access.Attempt{Username: "teacher", Password: password("teacher"), From: netip.MustParseAddr(at)})
		if err != nil {
			return fmt.Errorf("signing in at two places: %w", err)
		}
		open = append(open, s)
		f.pass(2 * time.Minute)
	}
	who, err := f.as(ctx, "teacher")
	if err != nil {
		return err
	}
	for _, s := range open {
		if err := f.h.Access.EndSession(who, s.Person, s.ID, "signed out"); err != nil {
			return err
		}
	}
	return nil
}

// addUnseen adds devices that have not come to the filter yet.
func (f *filling) addUnseen(ctx context.Context) error {
	for label, address := range map[string]string{"Hall projector": "10.20.44.8", "Sports hall laptop": "10.20.44.9"} {
		_, err := f.h.Filtering.SaveDevice(ctx, filtering.Device{
			Label: label, Addresses: []string{address}, Group: access.GroupStaff, Site: people.MainSite, Shared: true,
		})
		if err != nil {
			return fmt.Errorf("the device %s: %w", label, err)
		}
	}
	return nil
}
