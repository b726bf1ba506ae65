package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Part is one part of the impact assessment.
type Part struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Assessment is one version of the impact assessment. A version is never
// changed; the newest counts.
type Assessment struct {
	ID        string
	Number    int
	Saved     time.Time
	By        string // actor
	Parts     []Part
	Consulted string
	Review    people.Day // when it is looked at again
}

const maxPart = 4000

// reviewAtMost is how far ahead the next look at a document may lie.
const reviewAtMost = 366 * oneDay

// Draft is the assessment as Belisha would write it for this school: its own
// settings, in sentences that the school changes as it likes.
func (r *Room) Draft() []Part {
	v := r.values()
	staff := "Of staff only the site and what the filter decided are kept, no pages and no search words."
	if v.Bool(keyStaff) {
		staff = "Of staff the same is kept as of pupils, because the head decided so in writing."
	}
	var reasons []string
	for _, p := range v.Items(keyPurposes) {
		reasons = append(reasons, titleOf(purposes, p))
	}
	posts := "the people whom the head puts on the list of monitors"
	if named := v.Items(keyAuthorised); len(named) > 0 {
		var titles []string
		for _, p := range named {
			titles = append(titles, strings.ToLower(people.Post(p).Title()))
		}
		posts = "those on the list of monitors, which only holders of these posts may be on: " + words.And(titles)
	}
	return []Part{
		{"why", "Why names are recorded", "To keep pupils safe online, as the school must; to find out what happened when something went wrong; and to show that the school's rules are kept. Counts without names were considered: they show that something happens, but help no child."},
		{"what", "What is recorded, and of whom", "Who asked for which site, on which device, when, and what the filter decided; search words and the pages of a site where the filter can see them. Not recorded: what a page says, pictures, messages, passwords, bodies of forms. Visits to help services such as Childline are only counted, without person, device or site. " + staff + "\n\n" + insideDraft},
		{"who", "Who sees it", "Only " + posts + ", each time for a stated purpose: " + words.And(reasons) + ". Every look is noted, and somebody else reviews the looks. What may mean that a child needs help goes to the safeguarding lead and the deputies alone. Contractors see devices and sites for a stated time, names only where the grant says so. No pupil and no parent has access."},
		{"long", "How long it is kept", "Rows with names for " + keptFor(v, keyNames) + ", search words and pages for " + keptFor(v, keyWords) + ", counts without names for " + keptFor(v, keyTotals) + ". Then they are removed by themselves. What became part of a case is kept with the case."},
		{"where", "Where it is kept", "On the school's own server, readable by the program alone. Backups are encrypted. Nothing is sent to anybody outside, and nobody's record is used to train a machine."},
		{"basis", "The lawful basis", "The school's public task, and its legal duty to safeguard children (Keeping Children Safe in Education; Education Act 2002). What the record tells of health, faith or private life is special category data: it is processed for safeguarding, with the safeguards named here. Each kind of monitoring has its own entry in the record of lawful bases."},
		{"risks", "What could go wrong", "Somebody is taken for somebody else, because a device is shared or a sign-in was left open. A search about health, faith, identity or abuse is read as something it is not. Somebody looks who need not. Pupils stop looking for help because they feel watched. Where the filter looks inside, it passes what nobody should see, and an app or a site stops working. The record is stolen or changed."},
		{"measures", "What is done about it", "Every row says how sure it is of the person; a row alone grounds no sanction. Help services are never blocked and never recorded by name. Looking needs a place on the list, a purpose and a reason, and is reviewed. Rows of a pupil are shown as little as the purpose needs; samples are judged before anybody is named. Records are protected by a chain of digests, sealed and backed up, and removed in time. People may ask what is held about them."},
	}
}

// insideDraft is what the draft says of looking inside encrypted sites. It
// holds whether the school does so now or only later: the head signs before
// the policy may say so.
const insideDraft = "Looking inside encrypted sites: where the policy says so, for those and for the kinds of site that it says, the filter ends a site's encryption on devices with the school's certificate and encrypts anew. " +
	"A machine then weighs the words of a page, looks at what kind of file is fetched, scans files for viruses, and looks through what is written to AI services and what they answer. " +
	"A few words are kept of what was found, such as a page's weight or a file's kind; pages, files and conversations are not kept, and nobody reads them. " +
	"Help services are never looked into, nor the kinds of site that the policy leaves out, such as banking, health and government. " +
	"Less would be to judge sites by their names alone: then a page, a file or a picture search on a site that is open for lessons reaches a child unseen. Whoever uses a device that is looked into is told."

// keptFor says a length of time as the policy says it.
func keptFor(v *setting.Values, key string) string {
	if x := v.Get(key); x.Raw != "" {
		return x.Raw
	}
	return words.Length(v.Duration(key))
}

// SaveAssessment keeps a new version of the impact assessment.
func (r *Room) SaveAssessment(ctx context.Context, parts []Part, consulted string, review people.Day) (Assessment, error) {
	a := actor.From(ctx)
	if !a.May(MayAssess) || isPupil(a) {
		return Assessment{}, fmt.Errorf("%w: the head and the data manager write the impact assessment", store.ErrForbidden)
	}
	zone, err := r.zone(ctx)
	if err != nil {
		return Assessment{}, err
	}
	now := r.d.Clock.Now()
	x := Assessment{ID: store.NewID(now), Saved: now, By: a.ID, Parts: slices.Clone(parts), Consulted: strings.TrimSpace(consulted), Review: review}
	bad := store.Invalid{}
	for i := range x.Parts {
		p := &x.Parts[i]
		p.Text = strings.TrimSpace(p.Text)
		switch n := utf8.RuneCountInString(p.Text); {
		case n < 20:
			bad[p.Key] = "Say something about this: " + strings.ToLower(p.Title[:1]) + p.Title[1:] + "."
		case n > maxPart:
			bad[p.Key] = fmt.Sprintf("Shorten this to %d letters.", maxPart)
		}
	}
	if len(x.Parts) != len(r.Draft()) {
		bad[""] = "The assessment is not whole. Open the page again."
	}
	if n := utf8.RuneCountInString(x.Consulted); n < minReason || n > maxReason {
		bad["consulted"] = "Say who was asked, such as \"Governors, the staff forum and the school council in September\"."
	}
	switch {
	case !review.Valid() || !review.Time(zone).After(now):
		bad["review"] = "Enter the day on which it is looked at again, such as 14 9 2027. It must be still to come."
	case review.Time(zone).After(now.Add(reviewAtMost)):
		bad["review"] = "Look at it again within a year."
	}
	if err := bad.OrNil(); err != nil {
		return Assessment{}, err
	}
	return x, r.d.DB.Write(ctx, func(tx *store.Tx) error { return r.keepAssessment(ctx, tx, &x) })
}

func (r *Room) keepAssessment(ctx context.Context, tx *store.Tx, x *Assessment) error {
	body, err := json.Marshal(x.Parts)
	if err != nil {
		return fmt.Errorf("writing the impact assessment: %w", err)
	}
	if x.Number, err = insertAssessment(ctx, tx, *x, string(body)); err != nil {
		return err
	}
	return r.d.Journal.Write(ctx, tx, journal.Entry{
		Verb: VerbAssessed, Kind: "impact assessment", ID: x.ID,
		After: map[string]any{"version": x.Number, "consulted": x.Consulted, "review on": x.Review},
		Rows:  []journal.Row{{Table: "assessments", ID: x.ID}},
	})
}

// standing is the newest assessment, or the draft as version 0 where none was
// saved.
func (r *Room) standing(ctx context.Context) (Assessment, error) {
	x, err := r.assessment(ctx, `ORDER BY number DESC LIMIT 1`)
	if errors.Is(err, store.ErrNotFound) {
		return Assessment{Parts: r.Draft()}, nil
	}
	return x, err
}

// NoticeText is the notice to users as Belisha would write it.
func (r *Room) NoticeText() string {
	v := r.values()
	return "What you do online at this school is recorded so that everybody here is safe: which site, when, on which device, and who was signed in. " +
		"Only people whom the head named may look, or a contractor whom one of them lets look for a stated time, and only for a reason that is written down. Names are kept for " + keptFor(v, keyNames) +
		", search words for " + keptFor(v, keyWords) + ". A private message that passes through our systems may be caught as well. " +
		"Help services such as Childline are always open, and nobody is told that you went there. " +
		"If something worries you, tell any adult you trust. You may ask what is held about you."
}
