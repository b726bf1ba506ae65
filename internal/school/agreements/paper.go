package agreements

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// maxSlips is how many slips one form takes.
const maxSlips = 500

// maxScan is the largest scan, in bytes.
const maxScan = 20 << 20

// Slip is one returned slip.
type Slip struct {
	Person people.ID
	Signer people.ID // which parent, where a parent signs; "" where there is only one
}

// Paper is slips that were returned on paper, entered together.
type Paper struct {
	Sheet  Sheet
	Number int64
	Role   Role
	Day    people.Day // on the slips
	Place  string     // where the paper lies
	Slips  []Slip
	// Scan is a picture or PDF of the slips; nil for none.
	Scan io.Reader
}

// Entered says what became of slips.
type Entered struct {
	Batch   string
	New     int
	Already int
}

// Record enters slips. All of them are taken, or none.
func (r *Room) Record(ctx context.Context, p Paper) (Entered, error) {
	l, err := r.lens(ctx)
	if err != nil {
		return Entered{}, err
	}
	e, err := l.checkPaper(p)
	if err != nil {
		return Entered{}, err
	}
	out := Entered{Batch: store.NewID(r.Clock.Now())}
	list := make([]Signature, 0, len(p.Slips))
	for _, s := range p.Slips {
		sig, err := r.slip(ctx, l, p, e, s)
		if err != nil {
			return Entered{}, err
		}
		sig.Batch = out.Batch
		list = append(list, sig)
	}
	scan, err := r.putScan(ctx, p.Scan)
	if err != nil {
		return Entered{}, err
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		out.New, out.Already = 0, 0
		if scan != "" {
			if err := r.Files.Use(ctx, tx, scan, scanKind, out.Batch); err != nil {
				return err
			}
		}
		return r.enter(ctx, tx, list, &out, VerbRecorded)
	})
	if err != nil {
		return Entered{}, err
	}
	r.changedAll(ctx, list)
	return out, nil
}

// fewChanged is up to how many people the filter is told of one by one.
const fewChanged = 20

func (r *Room) changedAll(ctx context.Context, list []Signature) {
	if len(list) > fewChanged {
		r.Everybody()
		return
	}
	for _, s := range list {
		r.Changed(ctx, s.Person)
	}
}

// enter keeps signatures, each with its own line in the journal.
func (r *Room) enter(ctx context.Context, tx *store.Tx, list []Signature, out *Entered, verb journal.Verb) error {
	for _, s := range list {
		fresh, err := insertSignature(ctx, tx, s)
		if err != nil {
			return err
		}
		if !fresh {
			out.Already++
			continue
		}
		out.New++
		r.changes(tx, s.Person)
		if err := r.Journal.Write(ctx, tx, s.line(verb)); err != nil {
			return err
		}
	}
	return nil
}

func (l lens) checkPaper(p Paper) (Edition, error) {
	bad := store.Invalid{}
	e, ok := l.k.edition(p.Sheet, p.Number)
	if !ok {
		return e, store.Invalid{"number": "There is no such edition of these rules."}
	}
	switch {
	case !p.Day.Valid():
		bad["day"] = "Give the day on the slips, such as 23 11 2026."
	case p.Day > l.today:
		bad["day"] = "This day is still to come. Give the day on the slips."
	case p.Day < l.today.Add(-3*366):
		bad["day"] = "These slips are more than three years old; ask for new ones."
	}
	if place := clean(p.Place); place == "" || len(place) > maxText {
		bad["place"] = "Say where the paper lies, such as “office, grey cabinet, file 7D”."
	}
	switch {
	case len(p.Slips) == 0:
		bad["slips"] = "Tick whose slips came back."
	case len(p.Slips) > maxSlips:
		bad["slips"] = fmt.Sprintf("Enter at most %d at once.", maxSlips)
	}
	return e, bad.OrNil()
}

// slip makes the signature of one slip, and refuses one that cannot count.
func (r *Room) slip(ctx context.Context, l lens, p Paper, e Edition, s Slip) (Signature, error) {
	who, err := r.People.Get(ctx, s.Person)
	if err != nil {
		return Signature{}, err
	}
	if !hasNeed(l.needs(who), need{p.Sheet, p.Role}) {
		return Signature{}, store.Invalid{"slips": "“" + p.Sheet.Title() + "” are not for " + who.Name() + ", or not to be signed " + p.Role.Words() + "."}
	}
	sig := Signature{
		ID: store.NewID(r.Clock.Now()), Sheet: p.Sheet, Number: e.Number, Hash: e.Hash, Person: who.ID, Role: p.Role, Signer: who.ID, Name: who.Name(),
		Method: OnPaper, Day: p.Day, At: r.Clock.Now(), Discussed: p.Role == Parent && p.Sheet != HomeSheet, Class: who.Class,
		Place: clean(p.Place), By: actor.From(ctx).ID,
	}
	if p.Role != Parent {
		return sig, nil
	}
	parent, err := r.responsible(ctx, who, s.Signer)
	sig.Signer, sig.Name = parent.ID, parent.Name()
	return sig, err
}

func hasNeed(list []need, n need) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// responsible is the parent who signed: the one named, or the only one there
// is. Nobody without parental responsibility counts.
func (r *Room) responsible(ctx context.Context, child people.Person, named people.ID) (people.Person, error) {
	list, err := r.People.Parents(ctx, child.ID)
	if err != nil {
		return people.Person{}, err
	}
	var found []people.Person
	for _, x := range list {
		if x.Link.Responsible && (named == "" || x.Person.ID == named) {
			found = append(found, x.Person)
		}
	}
	switch {
	case len(found) == 0 && named == "":
		return people.Person{}, store.Invalid{"slips": child.Name() + " has nobody with parental responsibility on the roll. Put that on the record first, under People."}
	case len(found) == 0:
		return people.Person{}, store.Invalid{"slips": "Whoever signed for " + child.Name() + " does not hold parental responsibility on the roll."}
	case len(found) > 1:
		return people.Person{}, store.Invalid{"slips": "Say which parent signed for " + child.Name() + "."}
	}
	return found[0], nil
}

const scanKind = "agreement-slips"

// putScan keeps a scan before the transaction, which it must not be in.
func (r *Room) putScan(ctx context.Context, scan io.Reader) (string, error) {
	if scan == nil {
		return "", nil
	}
	if r.Files == nil {
		return "", store.Invalid{"scan": "Scans cannot be kept here."}
	}
	head := make([]byte, 8)
	n, err := io.ReadFull(scan, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading a scan: %w", err)
	}
	if scanType(head[:n]) == "" {
		return "", store.Invalid{"scan": "Add a PDF, PNG or JPEG. This file is something else."}
	}
	return r.Files.Put(ctx, io.MultiReader(bytes.NewReader(head[:n]), io.LimitReader(scan, maxScan)))
}

// scanType tells a file by its first bytes, "" for none that is taken.
func scanType(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n")):
		return "image/png"
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return ""
}

// Void takes back a slip that was entered by mistake. It stays to be seen.
// Only what was entered today can be taken back here, and never what somebody
// signed on screen.
func (r *Room) Void(ctx context.Context, id, reason string) error {
	reason = clean(reason)
	if len(reason) < minReason || len(reason) > maxReason {
		return store.Invalid{"reason": "Say in a sentence why it is taken back."}
	}
	s, err := signatureByID(ctx, r.DB, id)
	if err != nil {
		return err
	}
	if why := r.keepsIt(ctx, s); why != "" {
		return store.Invalid{"reason": why}
	}
	s.VoidedAt, s.VoidedBy, s.VoidReason = r.Clock.Now(), actor.From(ctx).ID, reason
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		if err := voidSignature(ctx, tx, s); err != nil {
			return err
		}
		r.changes(tx, s.Person)
		e := s.line(VerbVoided)
		e.Reason = reason
		return r.Journal.Write(ctx, tx, e)
	})
	if err != nil {
		return err
	}
	r.Changed(ctx, s.Person)
	return nil
}

// keepsIt says why a signature cannot be taken back, "" when it can.
func (r *Room) keepsIt(ctx context.Context, s Signature) string {
	cal, err := r.People.Calendar(ctx, people.MainSite)
	if err != nil {
		cal = people.DefaultCalendar(people.MainSite)
	}
	switch {
	case s.Voided():
		return "It was taken back already."
	case s.Method == OnScreen:
		return "What somebody signed on screen is theirs, and is not taken back here."
	case cal.Day(s.At) != cal.Day(r.Clock.Now()):
		return "It was entered on an earlier day. Somebody may rest on it, so it is not taken back here."
	}
	return ""
}

// Group is an outside group whose leader signs for it.
type Group struct {
	Party  string
	Leader string
	Day    people.Day
	Until  people.Day
	Place  string
}

// RecordGroup enters the slip of an outside group.
func (r *Room) RecordGroup(ctx context.Context, g Group) error {
	l, err := r.lens(ctx)
	if err != nil {
		return err
	}
	e, ok := l.k.current(ExternalSheet)
	if !ok {
		return store.Invalid{"": "The rules for outside groups are not published yet."}
	}
	bad := store.Invalid{}
	for field, v := range map[string]string{"party": g.Party, "leader": g.Leader, "place": g.Place} {
		if v = clean(v); v == "" || len(v) > maxText {
			bad[field] = "Fill this in, in a few words."
		}
	}
	if !g.Day.Valid() || g.Day > l.today {
		bad["day"] = "Give the day on the slip, such as 23 11 2026."
	}
	if !g.Until.Valid() || g.Until < l.today || g.Until > l.today.Add(2*366) {
		bad["until"] = "Give the group's last day, within two years."
	}
	if err := bad.OrNil(); err != nil {
		return err
	}
	_, err = r.keep(ctx, Signature{
		ID: store.NewID(r.Clock.Now()), Sheet: ExternalSheet, Number: e.Number, Hash: e.Hash, Role: Self, Name: clean(g.Leader), Method: OnPaper,
		Day: g.Day, Until: g.Until, At: r.Clock.Now(), Place: clean(g.Place), Party: clean(g.Party), By: actor.From(ctx).ID,
	}, VerbRecorded)
	return err
}

// Groups are the outside groups whose slip has not run out, newest first.
func (r *Room) Groups(ctx context.Context) ([]Signature, error) {
	today, err := r.today(ctx)
	if err != nil {
		return nil, err
	}
	return signatures(ctx, r.DB, "WHERE sheet = $1 AND voided_at = 0 AND until_day >= $2 ORDER BY at DESC LIMIT 500", string(ExternalSheet), string(today))
}

// Of are a person's signatures, those taken back too, newest first.
func (r *Room) Of(ctx context.Context, person people.ID) ([]Signature, error) {
	return signatures(ctx, r.DB, "WHERE person = $1 ORDER BY at DESC LIMIT 500", string(person))
}

// enteredWords says what became of slips.
func (e Entered) words() string {
	out := words.Count(e.New, "slip was", "slips were") + " entered"
	if e.Already > 0 {
		out += "; " + words.Count(e.Already, "was", "were") + " there already"
	}
	return strings.ToUpper(out[:1]) + out[1:] + "."
}
