package confiscated_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/register/registertest"
	"belisha/internal/kit/store"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/registers/confiscated"
)

var good = url.Values{
	"pupil": {"pupil-1"}, "device": {"phone, blue case"}, "reason": {"used"}, "taken_at": {"2026-11-23T08:10"},
	"taken_by": {"staff-1"}, "held": {"office safe"},
}

func TestTheRegisterKeepsToWhatEveryRegisterMust(t *testing.T) {
	registertest.Run(t, confiscated.Register, registertest.Case{
		Schema: confiscated.Schema, Good: good, Word: "blue case",
		Closing:  url.Values{"released_to": {"Em Finch"}, "released_at": {"2026-11-23T08:20"}, "signature": {"E. Finch"}},
		Required: []string{"pupil", "device", "reason", "taken_at", "taken_by", "held"},
	})
}

func TestWhatMakesNoSenseIsRefusedInASentence(t *testing.T) {
	db := storetest.SQLite(t, journal.Schema, confiscated.Schema)
	room, _ := registertest.Open(t, confiscated.Register, confiscated.Schema, db)
	ctx := actor.With(t.Context(), webtest.As("staff-1", "registers.confiscated.write"))
	taken := webtest.Now.Add(-20 * time.Minute)
	for _, tc := range []struct {
		name, field, says string
		change            func(d *confiscated.Device)
	}{
		{"taken tomorrow", "taken_at", "still to come", func(d *confiscated.Device) { d.TakenAt = webtest.Now.Add(24 * time.Hour) }},
		{"given back before it was taken", "released_at", "before it was taken", func(d *confiscated.Device) { d.ReleasedAt, d.ReleasedTo = taken.Add(-time.Minute), "Em" }},
		{"given back tomorrow", "released_at", "still to come", func(d *confiscated.Device) { d.ReleasedAt, d.ReleasedTo = webtest.Now.Add(24*time.Hour), "Em" }},
		{"given back to nobody", "released_to", "who it was given back to", func(d *confiscated.Device) { d.ReleasedAt = webtest.Now }},
		{"another reason and no word of it", "what_happened", "Say what happened", func(d *confiscated.Device) { d.Why = "other" }},
		{"a reason of no list", "reason", "Choose one", func(d *confiscated.Device) { d.Why = "because" }},
		{"nobody's pupil", "pupil", "nobody of this name", func(d *confiscated.Device) { d.Pupil = "pupil-99" }},
		{"a device in a thousand words", "device", "too long", func(d *confiscated.Device) { d.What = strings.Repeat("phone ", 200) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &confiscated.Device{Pupil: "pupil-1", What: "phone", Why: "used", TakenAt: taken, TakenBy: "staff-1", Held: "safe"}
			tc.change(d)
			var bad store.Invalid
			if err := room.Create(ctx, d); !errors.As(err, &bad) || !strings.Contains(bad[tc.field], tc.says) {
				t.Errorf("%s: %v", tc.field, err)
			}
		})
	}
}

func TestAPupilIsFoundByNameAndSeveralAreOffered(t *testing.T) {
	db := storetest.SQLite(t, journal.Schema, confiscated.Schema)
	_, d := registertest.Open(t, confiscated.Register, confiscated.Schema, db)
	writer := webtest.As("staff-1", "registers.confiscated.read", "registers.confiscated.write")
	post := func(pupil string) *webtest.Doc {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set("pupil", pupil)
		return webtest.Post(t, d.Site, "/registers/confiscated", form, writer)
	}
	post("Finch").Is(422).Safe().Has("Several people match", "Ada Finch", "Bo Finch")
	post("Nobody Atall").Is(422).Has("Nobody on the roll is called Nobody Atall")
	path := post("cy heron").Is(303).Header.Get("Location")
	webtest.Get(t, d.Site, path, writer).Is(200).Has("Cy Heron", "phone, blue case", "Monday 23 November")
	webtest.Get(t, d.Site, "/registers/confiscated?q=heron", writer).Link(path)
	webtest.Get(t, d.Site, "/registers/confiscated?q=wren", writer).Link(path) // who took it
	webtest.Get(t, d.Site, "/registers/confiscated?q=finch", writer).NoLink(path)
	webtest.Get(t, d.Site, "/registers/confiscated?reason=brought", writer).NoLink(path)
	webtest.Get(t, d.Site, "/registers/confiscated?reason=used&sort=device", writer).Link(path)
}
