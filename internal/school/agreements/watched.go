package agreements

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// The texts that tell people that use is monitored.
const (
	KeyToldPupils = "agreements.told.pupils"
	KeyToldAdults = "agreements.told.adults"
)

// maxTold is as much of a text as is shown: it stands on small pages.
const maxTold = 400

const (
	toldPupils = "Our school looks after how the internet is used here, to keep everybody safe. It may keep a note of the pages you open and of what you search for, and some adults at school can look at it. Help pages such as Childline are always open, and nobody is told who opens them."
	toldAdults = "Use of the internet here is filtered and monitored, to keep children safe. What is opened and searched for may be recorded. Only people whom the school has named may look at it, with a reason that is written down."
)

func toldSettings() []setting.Setting {
	text := func(key, who, usual string) setting.Setting {
		return setting.Setting{
			Key: key, Title: "How " + who + " are told that use is monitored", Kind: setting.Text, Default: usual, Requirements: []string{"MON-04"},
			Help: "It stands on the page on which people sign in, on the page in place of a closed site and on the page that says why. Whoever signs in says once that they have read it, and again when the words change. At most 400 letters are shown.",
		}
	}
	return []setting.Setting{text(KeyToldPupils, "pupils", toldPupils), text(KeyToldAdults, "adults", toldAdults)}
}

// Notice tells somebody that use is monitored.
type Notice struct {
	Text    string
	Version string // a mark of the text: other words are another version
}

// noticeOf is the notice in the words of pupils or of adults, of some values.
func noticeOf(v *setting.Values, pupil bool) Notice {
	key, usual := KeyToldAdults, toldAdults
	if pupil {
		key, usual = KeyToldPupils, toldPupils
	}
	text := strings.Join(strings.Fields(v.Get(key).Text), " ")
	if text == "" {
		text = usual
	}
	if l := []rune(text); len(l) > maxTold {
		text = string(l[:maxTold-1]) + "…"
	}
	sum := sha256.Sum256([]byte(text))
	return Notice{text, hex.EncodeToString(sum[:8])}
}

// Notice is what tells pupils, or adults, that use is monitored.
func (r *Room) Notice(pupil bool) Notice { return noticeOf(r.values(), pupil) }

// Acknowledged reports whether somebody has said that they were told, in the
// words of today.
func (r *Room) Acknowledged(ctx context.Context, person people.ID) (bool, error) {
	p, err := r.People.Get(ctx, person)
	if err != nil {
		return false, err
	}
	return acknowledged(ctx, r.DB, person, r.Notice(p.Kind == people.Pupil).Version)
}

// toldPath is the page on which somebody is told.
const toldPath = "/told"

// Onward is where somebody goes who has signed in and is on the way to a page:
// to the notice first, as long as they have not said that they read it.
func (r *Room) Onward(ctx context.Context, person people.ID, to string) string {
	done, err := r.Acknowledged(ctx, person)
	if err != nil {
		r.Log.WarnContext(ctx, "it could not be found out whether somebody was told that use is monitored", "err", err)
		return to // nobody is kept out by it; they are asked the next time
	}
	if done {
		return to
	}
	return toldPath + "?to=" + url.QueryEscape(to)
}

// Acknowledge keeps that whoever is signed in was told, in the words that they
// were shown.
func (r *Room) Acknowledge(ctx context.Context, version string) error {
	me, err := r.me(ctx)
	if err != nil {
		return err
	}
	if version != r.Notice(me.Kind == people.Pupil).Version {
		return ErrNewer
	}
	id, now := store.NewID(r.Clock.Now()), r.Clock.Now()
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		fresh, err := insertAcknowledgement(ctx, tx, id, me.ID, version, now)
		if err != nil || !fresh {
			return err
		}
		return r.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbTold, Kind: "person", ID: string(me.ID), After: map[string]string{"version": version},
			Rows: []journal.Row{{Table: "notice_acknowledgements", ID: id}},
		})
	})
	if err != nil {
		return fmt.Errorf("keeping that somebody was told: %w", err)
	}
	return nil
}

// said are those who said that they were told, in the words of some values.
type said struct{ pupils, adults map[people.ID]bool }

func (r *Room) saidSo(ctx context.Context, v *setting.Values) (said, error) {
	p, a := noticeOf(v, true).Version, noticeOf(v, false).Version
	all, err := acknowledgers(ctx, r.DB, p, a)
	return said{all[p], all[a]}, err
}

func (s said) has(p people.Person) bool {
	if p.Kind == people.Pupil {
		return s.pupils[p.ID]
	}
	return s.adults[p.ID]
}
