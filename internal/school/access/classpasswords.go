package access

import (
	"context"
	"slices"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// VerbPupilReset is journalled when a teacher gave a pupil a new password.
const VerbPupilReset journal.Verb = "account.reset-by-teacher"

// ResetPupil gives a pupil of a class that somebody teaches a temporary
// password, where the school lets teachers do so.
func (r *Room) ResetPupil(ctx context.Context, teacher, pupil people.ID) (people.Person, Account, string, error) {
	p, err := r.People.Get(ctx, pupil)
	if err != nil {
		return people.Person{}, Account{}, "", err
	}
	ok, err := r.teaches(ctx, teacher, pupil)
	if err != nil {
		return people.Person{}, Account{}, "", err
	}
	if !ok || p.Kind != people.Pupil || !r.values().Bool(KeyTeachersGive) {
		return people.Person{}, Account{}, "", store.ErrForbidden
	}
	a, err := r.AccountOf(ctx, pupil)
	if err != nil {
		return people.Person{}, Account{}, "", store.Invalid{"": "this pupil has no account yet; ask whoever looks after accounts"}
	}
	if a.Disabled {
		return people.Person{}, Account{}, "", store.Invalid{"": "this account is closed; ask whoever looks after accounts"}
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		return r.Journal.Write(ctx, tx, journal.Entry{Verb: VerbPupilReset, Kind: "account", ID: a.ID})
	})
	if err != nil {
		return people.Person{}, Account{}, "", err
	}
	temporary, err := r.Reset(ctx, a.Username)
	if err != nil {
		return people.Person{}, Account{}, "", err
	}
	a, err = r.AccountByID(ctx, a.ID)
	return p, a, temporary, err
}

// teaches reports whether somebody teaches a class that the pupil is in.
func (r *Room) teaches(ctx context.Context, teacher, pupil people.ID) (bool, error) {
	classes, err := r.People.ClassesOf(ctx, teacher)
	if err != nil {
		return false, err
	}
	in := func(class string, teaching bool, id people.ID) (bool, error) {
		list, err := r.People.Members(ctx, class, teaching)
		return slices.ContainsFunc(list, func(p people.Person) bool { return p.ID == id }), err
	}
	for _, c := range classes {
		t, err := in(c, true, teacher)
		if err != nil {
			return false, err
		}
		p, err := in(c, false, pupil)
		if err != nil || t && p {
			return t && p, err
		}
	}
	return false, nil
}
