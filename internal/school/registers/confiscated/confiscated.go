// Package confiscated is the register of devices taken from pupils: whose,
// why, when and by whom, where it is kept, and who got it back and signed for
// it. A record is closed when the device has been given back.
//
// It records that a device was taken. It gives nobody leave to look into one.
package confiscated

import (
	"embed"
	"time"

	"belisha/internal/kit/register"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
)

// Schema is the register's table.
//
//go:embed schema/*.sql
var Schema embed.FS

// KeyKeep is the setting of how long a closed record stays.
const KeyKeep = "registers.confiscated.keep"

// Reason is why a device was taken.
type Reason string

// Reasons are all of them.
var Reasons = []register.Option[Reason]{
	{Value: "used", Title: "Used when it may not be"},
	{Value: "brought", Title: "Brought to school against the rules"},
	{Value: "pictures", Title: "Pictures or sound taken without leave"},
	{Value: "harm", Title: "Used to harm or upset somebody"},
	{Value: "other", Title: "Something else"},
}

// Device is one device taken.
type Device struct {
	register.Entry
	Pupil        register.Person
	What         string
	Why          Reason
	WhatHappened string
	TakenAt      time.Time
	TakenBy      register.Person
	Held         string
	ReleasedTo   string
	ReleasedAt   time.Time
	Signature    string
}

// Register is the register.
var Register = register.New(register.Spec[Device]{
	Name: "confiscated", Title: "Confiscated devices", One: "confiscated device",
	Lead:       "Every device taken from a pupil, where it is, and who got it back.",
	CloseTitle: "It was given back", Keep: KeyKeep, Marking: "School record: keep locked away",
	Requirements: []string{"DEV-04"},
	Settings: []setting.Setting{{
		Key: KeyKeep, Title: "How long the record of a confiscated device is kept", Kind: setting.Duration,
		Help:    "Counted from the day it was given back. Then the record is removed, with what the journal tells of it.",
		Default: "12 months", Min: 30 * 24 * time.Hour, Max: 7 * 366 * 24 * time.Hour, Requirements: []string{"DEV-04"},
	}},
	Fields: []register.Field[Device]{
		register.Who("pupil", "Pupil", func(d *Device) *register.Person { return &d.Pupil }, register.Required, register.Listed),
		register.Text("device", "Device", func(d *Device) *string { return &d.What }, register.Required, register.Listed,
			register.Hint("What it is and how it can be told from others: make, colour, case.")),
		register.Choice("reason", "Why it was taken", func(d *Device) *Reason { return &d.Why }, Reasons, register.Required, register.Listed),
		register.Long("what_happened", "What happened", func(d *Device) *string { return &d.WhatHappened },
			register.Hint("A sentence or two. What is about a child's safety belongs to the safeguarding lead, not here.")),
		register.Moment("taken_at", "Taken", func(d *Device) *time.Time { return &d.TakenAt }, register.Required, register.Listed),
		register.Who("taken_by", "Taken by", func(d *Device) *register.Person { return &d.TakenBy }, register.Required),
		register.Text("held", "Held where", func(d *Device) *string { return &d.Held }, register.Required, register.Listed,
			register.Hint("A secure place: the office safe, shelf 2.")),
		register.Text("released_to", "Given back to", func(d *Device) *string { return &d.ReleasedTo }, register.Hint("The parent or carer who fetched it.")),
		register.Moment("released_at", "Given back", func(d *Device) *time.Time { return &d.ReleasedAt }, register.Listed),
		register.Text("signature", "Signed for by", func(d *Device) *string { return &d.Signature },
			register.Hint("The name as it was signed on paper.")),
	},
	Check: check,
	Close: closing,
})

// leeway is how far a school's clocks may be apart.
const leeway = 10 * time.Minute

func check(d *Device, now time.Time) error {
	bad := store.Invalid{}
	if d.TakenAt.After(now.Add(leeway)) {
		bad["taken_at"] = "This is still to come; give the day and hour it was taken."
	}
	if !d.ReleasedAt.IsZero() {
		if d.ReleasedAt.Before(d.TakenAt) {
			bad["released_at"] = "It was given back before it was taken; look at both."
		} else if d.ReleasedAt.After(now.Add(leeway)) {
			bad["released_at"] = "This is still to come; fill it in when it was given back."
		}
		if d.ReleasedTo == "" {
			bad["released_to"] = "Say who it was given back to."
		}
	}
	if d.Why == "other" && d.WhatHappened == "" {
		bad["what_happened"] = "Say what happened, since the list has no word for it."
	}
	return bad.OrNil()
}

// closing is what must be known before a device counts as given back.
func closing(d *Device, _ time.Time) store.Invalid {
	bad := store.Invalid{}
	if d.ReleasedTo == "" {
		bad["released_to"] = "Say who it was given back to."
	}
	if d.ReleasedAt.IsZero() {
		bad["released_at"] = "Say when it was given back."
	}
	if d.Signature == "" {
		bad["signature"] = "Say who signed for it."
	}
	return bad
}
