package demo

import (
	"context"
	"fmt"
	"time"

	"belisha/internal/kit/register"
	"belisha/internal/school/people"
	"belisha/internal/school/registers/confiscated"
)

// taken is a device that was taken from a pupil in the term.
type taken struct {
	ago, minute int
	pupil       int // counted among the older pupils
	by          string
	what        string
	why         confiscated.Reason
	happened    string
	held        string
	back        int // days until it was fetched; 0: it is still held
}

func takenDevices() []taken {
	return []taken{
		{33, 11*60 + 50, 12, "teacher", "Phone, black, cracked corner", "used", "Out under the desk in period 3.", "Office safe, shelf 1", 1},
		{21, 13*60 + 5, 45, "computing", "Phone, white, clear case", "pictures", "A film of a friend in the dinner queue; deleted by its owner.", "Office safe, shelf 1", 2},
		{14, 9*60 + 20, 71, "teacher", "Smart watch, grey strap", "used", "", "Office safe, shelf 2", 1},
		{7, 15 * 60, 5, "assistant", "Games console, red", "brought", "Brought for a friend to borrow.", "Office safe, shelf 2", 3},
		{2, 10*60 + 35, 93, "teacher", "Phone, blue case with stickers", "used", "", "Office safe, shelf 1", 0},
		{1, 12*60 + 45, 27, "deputy", "Phone, green", "used", "The second time this month; home is asked to come.", "Office safe, shelf 2", 0},
	}
}

// roster lets the register look people up.
type roster struct{ f *filling }

// Person is how a register shows somebody.
func (r roster) Person(ctx context.Context, id string) (string, bool, error) {
	p, err := r.f.h.People.Get(ctx, people.ID(id))
	return p.Name(), err == nil, err
}

// FindPeople is who fits the words.
func (r roster) FindPeople(ctx context.Context, words string, limit int) ([]register.PersonChoice, error) {
	found, _, err := r.f.h.People.List(ctx, people.Filter{Words: words, Limit: limit})
	var out []register.PersonChoice
	for _, p := range found {
		out = append(out, register.PersonChoice{ID: string(p.ID), Name: p.Name()})
	}
	return out, err
}

// confiscations records the devices that were taken, and those that were
// fetched, by the days on which that happened.
func (f *filling) confiscations(add func(ago, minute int, part string, do func(ctx context.Context) error)) error {
	room, err := confiscated.Register.Open(register.Deps{
		DB: f.h.DB(), Journal: f.h.Journal(), Clock: f.c, Live: f.h.Live(), People: roster{f}, Zone: f.cal.Location,
	})
	if err != nil {
		return fmt.Errorf("opening the register of confiscated devices: %w", err)
	}
	older := f.older()
	for _, t := range takenDevices() {
		d := &confiscated.Device{
			Pupil: register.Person(f.pupils[older[t.pupil%len(older)]].id), What: t.what, Why: t.why, WhatHappened: t.happened,
			TakenBy: register.Person(f.cast[t.by]), Held: t.held,
		}
		add(t.ago, t.minute, t.by, func(ctx context.Context) error {
			d.TakenAt = f.c.Now().Add(-5 * time.Minute)
			return room.Create(ctx, d)
		})
		if t.back == 0 {
			continue
		}
		add(t.ago-t.back, 15*60+40, "monitor", func(ctx context.Context) error {
			d.ReleasedTo, d.ReleasedAt, d.Signature = "The mother", f.c.Now(), "Signed in the office book"
			if err := room.Save(ctx, d); err != nil {
				return err
			}
			now, err := room.Get(ctx, d.ID)
			if err != nil {
				return err
			}
			return room.CloseRecord(ctx, d.ID, now.Version)
		})
	}
	return nil
}
