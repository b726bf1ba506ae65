package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Kind is what a teacher sets.
type Kind string

// The kinds.
const (
	Pause     Kind = "pause"
	Focus     Kind = "focus"
	Supervise Kind = "supervise"
)

// Set is what a teacher set for a class until an end.
type Set struct {
	ID    string
	Kind  Kind
	Class string
	Place string   // only for Supervise
	Hosts []string // only for Focus
	// Note says why somebody sets it who does not teach the class.
	Note    string
	From    time.Time
	Until   time.Time
	By      people.ID
	EndedAt time.Time
	EndedBy string // actor
	Version int64
}

// Bounds of what is set.
const (
	leastMinutes = 1
	mostHosts    = 20
	leastNote    = 8
	mostNote     = 200
	mostRunning  = 500
	mostName     = 120
)

// says is it in words: "The web is paused for class 8B until 11:20."
func (s Set) says(w words.Words) string {
	until := " until " + w.Clock(s.Until) + "."
	switch {
	case s.Kind == Pause:
		return "The web is paused for class " + s.Class + until
	case s.Kind == Focus:
		return "Class " + s.Class + " opens only " + strings.Join(s.Hosts, ", ") + until
	case s.Class == "":
		return "Whoever is in " + s.Place + " is supervised" + until
	}
	return "Class " + s.Class + " is supervised" + until
}

// Begun is what a teacher asks for.
type Begun struct {
	Kind    Kind
	Class   string
	Place   string
	Hosts   []string
	Minutes int
	Note    string
	// Looked: they have looked at all of the sites now, and found them
	// suitable for the class.
	Looked bool
}

// ErrLater says that something is written down and not in force yet.
var ErrLater = errors.New("it is written down and could not be put in force yet; it is tried again every minute")

// Begin sets the web of a class. What was set for it of the same kind ends.
func (r *Room) Begin(ctx context.Context, in Begun) (Set, error) {
	by, err := teacher(ctx, MayLead)
	if err != nil {
		return Set{}, err
	}
	now := r.now()
	s := Set{
		ID: store.NewID(now), Kind: in.Kind, Class: strings.TrimSpace(in.Class), Place: strings.TrimSpace(in.Place),
		Note: oneLine(in.Note), From: now, Until: now.Add(time.Duration(in.Minutes) * time.Minute), By: by, Version: 1,
	}
	bad := store.Invalid{}
	if err := r.checkWhom(ctx, &s, bad); err != nil {
		return s, err
	}
	longest := r.values().Duration(keyLongest)
	if in.Minutes < leastMinutes || s.Until.Sub(now) > longest {
		bad["minutes"] = fmt.Sprintf("Choose for how long: a minute to %s.", words.Length(longest))
	}
	var looked []string
	if s.Kind == Focus {
		if s.Hosts, looked, err = r.checkHosts(ctx, in, bad); err != nil {
			return s, err
		}
	}
	if err := bad.OrNil(); err != nil {
		return s, err
	}
	if err := r.keep(ctx, s, looked); err != nil {
		return s, err
	}
	return s, r.apply(ctx, s.says(r.words(ctx)), s.ID)
}

// checkWhom looks at the class or place, and asks for a note from whoever does
// not teach the class.
func (r *Room) checkWhom(ctx context.Context, s *Set, bad store.Invalid) error {
	switch s.Kind {
	case Pause, Focus:
		s.Place = ""
	case Supervise:
		if s.Place != "" {
			s.Class = ""
			places, err := r.d.Places(ctx)
			if err != nil {
				return err
			}
			if !slices.Contains(places, s.Place) {
				bad["place"] = "Choose one of the places at which the school has devices."
			}
			return nil
		}
	default:
		bad["kind"] = "Choose what to set."
		return nil
	}
	of, err := r.pupilsOf(ctx, s.Class)
	if err != nil {
		return err
	}
	if len(of) == 0 {
		bad["class"] = "Choose a class that has pupils."
		return nil
	}
	mine, err := r.teaches(ctx, s.By, s.Class)
	if err != nil {
		return err
	}
	if n := len([]rune(s.Note)); !mine && n < leastNote || n > mostNote {
		bad["note"] = fmt.Sprintf("You are not down as a teacher of this class: write why you set its web, in %d to %d letters.", leastNote, mostNote)
	}
	return nil
}

// pupilsOf are the pupils of a registration class or a teaching class who are
// here.
func (r *Room) pupilsOf(ctx context.Context, class string) ([]people.Person, error) {
	if class == "" || len(class) > mostName {
		return nil, nil
	}
	out, _, err := r.d.People.List(ctx, people.Filter{Kind: people.Pupil, Class: class, Limit: 500})
	if err != nil {
		return nil, fmt.Errorf("reading the class: %w", err)
	}
	set, err := r.d.People.Members(ctx, class, false)
	if err != nil {
		return nil, fmt.Errorf("reading the class: %w", err)
	}
	for _, p := range set {
		if !slices.ContainsFunc(out, func(x people.Person) bool { return x.ID == p.ID }) {
			out = append(out, p)
		}
	}
	cal, err := r.d.People.Calendar(ctx, people.MainSite)
	if err != nil {
		return nil, fmt.Errorf("reading the calendar: %w", err)
	}
	today := cal.Day(r.now())
	return slices.DeleteFunc(out, func(p people.Person) bool { return p.Kind != people.Pupil || !p.Here(today) }), nil
}

func (r *Room) teaches(ctx context.Context, who people.ID, class string) (bool, error) {
	mine, err := r.d.People.ClassesOf(ctx, who)
	if err != nil {
		return false, fmt.Errorf("reading who teaches the class: %w", err)
	}
	return slices.Contains(mine, class), nil
}

// checkHosts brings the sites into their one form, and says which of them the
// teacher looked at just now.
func (r *Room) checkHosts(ctx context.Context, in Begun, bad store.Invalid) (hosts, looked []string, err error) {
	hosts, says := r.sites(in.Hosts)
	if says != "" {
		bad["hosts"] = says
		return nil, nil, nil
	}
	only := r.values().Bool(keyPreviewed)
	for _, h := range hosts {
		p, err := newestPreview(ctx, r.d.DB, h)
		switch {
		case errors.Is(err, store.ErrNotFound):
			looked = append(looked, h)
		case err != nil:
			return nil, nil, err
		case p.Verdict == NotSuitable:
			bad["hosts"] = h + " was found not suitable for pupils. Look at it again on the page of sites looked at, if that has changed."
		case r.old(p):
			looked = append(looked, h)
		}
	}
	switch {
	case bad["hosts"] != "" || len(looked) == 0:
	case only:
		bad["hosts"] = "Nobody has looked at " + strings.Join(looked, ", ") + " lately, and the school asks for that first. Look at it, and write it down on the page of sites looked at."
	case !in.Looked:
		bad["looked"] = "Say that you have looked at " + strings.Join(looked, ", ") + " yourself, or leave it out."
	}
	return hosts, looked, nil
}

// sites brings what somebody typed into the one form of each, or says what is
// wrong with it.
func (r *Room) sites(typed []string) (hosts []string, says string) {
	for _, text := range typed {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		host, err := r.d.Site(text)
		if err != nil {
			return nil, sentence(err)
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	switch {
	case len(hosts) == 0:
		return nil, "Write which sites the class is to look at, such as example.org."
	case len(hosts) > mostHosts:
		return nil, fmt.Sprintf("Write at most %d sites.", mostHosts)
	}
	slices.Sort(hosts)
	return hosts, ""
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// keep writes what is set, ends what it takes the place of, and notes what the
// teacher looked at.
func (r *Room) keep(ctx context.Context, s Set, looked []string) error {
	w := r.words(ctx)
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		running, err := runningSets(ctx, tx, s.From)
		if err != nil {
			return err
		}
		left := len(running)
		for _, old := range running {
			if old.Kind == s.Kind && old.Class == s.Class && old.Place == s.Place {
				if err := r.close(ctx, tx, old, s.From, actor.From(ctx).ID); err != nil {
					return err
				}
				left--
			}
		}
		if left >= mostRunning {
			return store.Invalid{"": fmt.Sprintf("%d classes have something set already, and no more fit.", mostRunning)}
		}
		for _, h := range looked {
			p := Preview{ID: store.NewID(s.From), Host: h, Verdict: Suitable, Note: "Looked at for class " + s.Class, LookedAt: s.From, LookedBy: s.By}
			if err := r.keepPreview(ctx, tx, p); err != nil {
				return err
			}
		}
		if err := insertSet(ctx, tx, s); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbBegan, Kind: "lesson", ID: s.ID, After: told{s.says(w)}, Reason: s.Note, Rows: setRows(s),
		})
	})
}

// told is what a line of the journal says.
type told struct {
	Says string `json:"says,omitempty"`
}

func setRows(s Set) []journal.Row { return []journal.Row{{Table: "class_settings", ID: s.ID}} }

// close writes the end of something set.
func (r *Room) close(ctx context.Context, tx *store.Tx, s Set, at time.Time, by string) error {
	s.EndedAt, s.EndedBy = at, by
	if err := endSet(ctx, tx, s); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{Verb: VerbEnded, Kind: "lesson", ID: s.ID, Before: told{s.says(r.words(ctx))}, Rows: setRows(s)})
}

// End ends before its time what was set. Any teacher may: the lesson is over
// for the next one too, and it is written down who did.
func (r *Room) End(ctx context.Context, id string) (Set, error) {
	if _, err := teacher(ctx, MayLead); err != nil {
		return Set{}, err
	}
	s, err := getSet(ctx, r.d.DB, id)
	if err != nil {
		return s, err
	}
	now := r.now()
	if !s.Running(now) {
		return s, nil
	}
	if err := r.d.DB.Write(ctx, func(tx *store.Tx) error { return r.close(ctx, tx, s, now, actor.From(ctx).ID) }); err != nil {
		return s, err
	}
	return s, r.apply(ctx, "Over before its time: "+s.says(r.words(ctx)), "")
}

// Running reports whether it holds at the moment.
func (s Set) Running(now time.Time) bool {
	return s.EndedAt.IsZero() && !now.Before(s.From) && now.Before(s.Until)
}

// Running is what is set now, for the filter's rules.
func (r *Room) Running(ctx context.Context) ([]Set, error) { return runningSets(ctx, r.d.DB, r.now()) }

// apply has the filter take what is set. With an id it is looked whether that
// is in force.
func (r *Room) apply(ctx context.Context, says, id string) error {
	err := r.d.Apply(context.WithoutCancel(ctx), says)
	if err == nil && (id == "" || r.d.InForce(id)) {
		return nil
	}
	if s, gerr := getSet(ctx, r.d.DB, id); err == nil && gerr == nil && s.Kind == Supervise {
		return nil // it stands in the rules only where somebody's web needs it
	}
	r.d.Log.ErrorContext(ctx, "what a teacher set for a class is not in force yet and is tried again", slogErr(err))
	return ErrLater
}

// Settle writes down what ended by the clock, which the filter ended at that
// moment itself, and puts in force what is not yet.
func (r *Room) Settle(ctx context.Context) error {
	now := r.now()
	over, err := overSets(ctx, r.d.DB, now)
	if err != nil {
		return err
	}
	for _, s := range over {
		err := r.d.DB.Write(ctx, func(tx *store.Tx) error { return r.close(ctx, tx, s, s.Until, actor.From(ctx).ID) })
		if err != nil && !errors.Is(err, store.ErrStale) {
			return fmt.Errorf("writing down the end of a lesson: %w", err)
		}
	}
	running, err := r.Running(ctx)
	if err != nil {
		return err
	}
	for _, s := range running {
		if s.Kind != Supervise && !r.d.InForce(s.ID) {
			return r.d.Apply(ctx, s.says(r.words(ctx)))
		}
	}
	return nil
}
