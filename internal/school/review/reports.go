package review

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// Schema is the tables of reports.
//
//go:embed schema/*.sql
var Schema embed.FS

// Protected are the tables that the journal covers.
var Protected = []journal.Protected{{Table: "reports", Key: "id"}, {Table: "report_receipts", Key: "id"}}

// The room's verbs.
const (
	VerbMade   journal.Verb = "report.made"
	VerbOpened journal.Verb = "report.opened"
	VerbSigned journal.Verb = "report.signed"
)

// Verbs declares them.
var Verbs = []journal.VerbInfo{
	{Verb: VerbMade, Says: "A report to the head teacher or the governors was made."},
	{Verb: VerbOpened, Says: "Somebody it is for opened a report."},
	{Verb: VerbSigned, Says: "Somebody it is for signed a report as read."},
}

// The room's settings.
const (
	KeyHeadReport  = "review.head-report"
	KeyBoardReport = "review.governor-report"
	KeyReadWithin  = "review.read-within"
)

const day = 24 * time.Hour

// Settings are what the school decides about reports.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyHeadReport, Title: "How often the head teacher gets a report", Kind: setting.Duration, Min: 7 * day, Max: 105 * day,
			Default: "1 month", Requirements: []string{"GOV-06"}, Help: "A report is made by itself and kept as it was; the head teacher opens and signs it.",
		},
		{
			Key: KeyBoardReport, Title: "How often the governors get a report", Kind: setting.Duration, Min: 28 * day, Max: 366 * day,
			Default: "1 term", Requirements: []string{"GOV-05", "GOV-08"}, Help: "No child can be known by it. The chair, the safeguarding governor and the online-safety lead sign it.",
		},
		{
			Key: KeyReadWithin, Title: "How many school days there are to read and sign a report", Kind: setting.Number, Low: 1, High: 60,
			Default: "10", Requirements: []string{"GOV-06", "GOV-08"},
		},
	}
}

// signers are the posts whose holders sign a report of a kind. The
// online-safety lead goes through the governors' with them.
var signers = map[string][]people.Post{
	ForHead:  {people.Headteacher},
	ForBoard: {people.ChairOfGovernors, people.SafeguardingGovernor, people.OnlineSafetyLead},
}

// cadence is the setting that says how often a kind is made.
var cadence = map[string]string{ForHead: KeyHeadReport, ForBoard: KeyBoardReport}

// title is what a kind of report is called.
func title(kind string) string {
	if kind == ForBoard {
		return "Report to the governors"
	}
	return "Report to the head teacher"
}

// Kept is a report as it was made.
type Kept struct {
	ID     string
	Kind   string
	MadeAt time.Time
	From   time.Time // what it covers begins here
	Digest string
	Body   Report // empty in lists
}

// Receipt is what one reader did with a report.
type Receipt struct {
	ID, Report, Person, Name string
	Posts                    []string
	Opened, Signed           time.Time
	Comment                  string
}

// ErrAltered: a kept report is not what it was when it was made.
var ErrAltered = errors.New("this report is not as it was made; look at the journal and at the last backup")

func digestOf(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// Tasks make reports, tell the head where the journal ended, and send the
// week's word.
func (r *Room) Tasks() []tasks.Task {
	out := []tasks.Task{{Name: "review.reports", At: "06:20", Limit: 2 * time.Minute, Run: r.makeDue}}
	if r.d.Notices != nil {
		out = append(out, tasks.Task{Name: "review.journal-head", At: "06:40", Limit: time.Minute, Run: r.mailHead})
	}
	return out
}

// makeDue makes the reports whose time has come. While no policy is in force
// there is nothing to report.
func (r *Room) makeDue(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("review"))
	for _, kind := range []string{ForHead, ForBoard} {
		last, err := r.newest(ctx, kind)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		every := r.d.Live.Current().Duration(cadence[kind])
		// A little early: tasks of the same time of day drift by minutes.
		if err == nil && r.d.Clock.Now().Before(last.MadeAt.Add(every-6*time.Hour)) {
			continue
		}
		if _, err := r.Keep(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

// Keep makes a report and keeps it. Without a policy in force it makes none
// and returns an empty id.
func (r *Room) Keep(ctx context.Context, kind string) (id string, err error) {
	if _, known := signers[kind]; !known {
		return "", store.ErrNotFound
	}
	rep, err := r.Make(ctx, kind, time.Time{})
	if err != nil || rep.Standing.Title == "" {
		return "", err
	}
	body, err := json.Marshal(rep)
	if err != nil {
		return "", fmt.Errorf("writing a report: %w", err)
	}
	now := r.d.Clock.Now().UTC()
	from := rep.School.Term.From
	if last, err := r.newest(ctx, kind); err == nil {
		from = last.MadeAt
	}
	k := Kept{ID: store.NewID(now), Kind: kind, MadeAt: now, From: from, Digest: digestOf(string(body))}
	return k.ID, r.d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := insertReport(ctx, tx, k, string(body)); err != nil {
			return err
		}
		if err := r.tellSigners(ctx, tx, k); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: VerbMade, Kind: "report", ID: k.ID, After: map[string]string{"kind": kind, "digest": k.Digest},
			Rows: []journal.Row{{Table: "reports", ID: k.ID}},
		})
	})
}

func (r *Room) tellSigners(ctx context.Context, tx *store.Tx, k Kept) error {
	if r.d.Notices == nil {
		return nil
	}
	n := notice.Notice{Key: "report/" + k.ID, What: "A report waits to be read and signed", Link: "/reports/" + k.ID, Risk: 1}
	for _, p := range signers[k.Kind] {
		n.Posts = append(n.Posts, string(p))
	}
	return r.d.Notices.Send(ctx, tx, n)
}

// mailHead mails the head where the journal ended, each day, so that whoever
// owns the machine cannot rewrite what was before unnoticed; and on the first
// working day how the week began.
func (r *Room) mailHead(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("review"))
	head, err := r.d.Journal.Head(ctx)
	if err != nil {
		return err
	}
	now := r.d.Clock.Now()
	list := []notice.Notice{{
		Key: "journal/" + now.Format(time.DateOnly), Posts: []string{headteacher}, Link: "/journal", Risk: 1,
		What: fmt.Sprintf("Keep this mail: the journal ended at line %d with %s", head.Seq, head.Hash),
	}}
	year, week := now.ISOWeek()
	p, err := r.d.Promises(ctx)
	if err != nil {
		return err
	}
	if p.Policy != "" {
		list = append(list, notice.Notice{
			Key: fmt.Sprintf("week/%d-%d", year, week), Posts: []string{headteacher}, Link: "/head", Risk: 1,
			What: "Your two minutes for this week: " + words.Count(p.Broken, "promise is not being kept", "promises are not being kept"),
		})
	}
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		for _, n := range list {
			if err := r.d.Notices.Send(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// reads reports whether a report of the kind is for the actor to sign.
func reads(kind string, a actor.Actor) bool {
	return a.Person != "" && slices.ContainsFunc(signers[kind], func(p people.Post) bool { return a.Holds(string(p)) })
}

// own are those of the actor's posts in which they sign.
func own(kind string, a actor.Actor) []string {
	var out []string
	for _, p := range signers[kind] {
		if a.Holds(string(p)) {
			out = append(out, string(p))
		}
	}
	return out
}

// Open returns a kept report, and notes that somebody it is for opened it.
func (r *Room) Open(ctx context.Context, id string) (Kept, error) {
	k, body, err := r.report(ctx, id)
	if err != nil {
		return k, err
	}
	if !mayRead(k.Kind, actor.From(ctx)) {
		return Kept{}, store.ErrNotFound
	}
	if digestOf(body) != k.Digest {
		return k, ErrAltered
	}
	if err := json.Unmarshal([]byte(body), &k.Body); err != nil {
		return k, fmt.Errorf("reading a report: %w", err)
	}
	if !reads(k.Kind, actor.From(ctx)) {
		return k, nil
	}
	return k, r.receive(ctx, k, func(*Receipt) bool { return false }, VerbOpened)
}

func mayRead(kind string, a actor.Actor) bool {
	return a.May(MayReadHead) || kind == ForBoard && a.May(MayReadBoard)
}

// Sign keeps that the actor has read a report, with what they say to it.
func (r *Room) Sign(ctx context.Context, id, digest, comment string) error {
	k, _, err := r.report(ctx, id)
	if err != nil {
		return err
	}
	a := actor.From(ctx)
	if !mayRead(k.Kind, a) {
		return store.ErrNotFound
	}
	if !reads(k.Kind, a) {
		return store.ErrForbidden
	}
	if digest != k.Digest {
		return store.ErrStale
	}
	comment = strings.TrimSpace(comment)
	if len(comment) > maxComment {
		return store.Invalid{"comment": "This is too long; two thousand letters are the most."}
	}
	return r.receive(ctx, k, func(x *Receipt) bool {
		if !x.Signed.IsZero() {
			return false // signed already: the first word stands
		}
		x.Signed, x.Comment = r.d.Clock.Now().UTC(), comment
		return true
	}, VerbSigned)
}

const maxComment = 2000

// receive keeps a reader's receipt. It writes nothing where nothing changes.
func (r *Room) receive(ctx context.Context, k Kept, change func(*Receipt) bool, verb journal.Verb) error {
	a, now := actor.From(ctx), r.d.Clock.Now().UTC()
	return r.d.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := receipts(ctx, tx, k.ID)
		if err != nil {
			return err
		}
		x := Receipt{ID: k.ID + "/" + a.Person, Report: k.ID, Person: a.Person, Name: a.Name, Opened: now}
		i := slices.IndexFunc(all, func(x Receipt) bool { return x.Person == a.Person })
		if i >= 0 {
			x = all[i]
		}
		if !change(&x) && i >= 0 {
			return nil
		}
		x.Posts = own(k.Kind, a)
		if err := saveReceipt(ctx, tx, x); err != nil {
			return err
		}
		return r.d.Journal.Write(ctx, tx, journal.Entry{
			Verb: verb, Kind: "report", ID: k.ID, After: map[string]string{"comment": x.Comment, "digest": k.Digest},
			Rows: []journal.Row{{Table: "report_receipts", ID: x.ID}},
		})
	})
}
