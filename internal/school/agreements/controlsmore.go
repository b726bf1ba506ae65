package agreements

import (
	"context"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// rightSigner is C32: who has signed for pupils is who must sign for them.
func (r *Room) rightSigner(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	option := v.Get(KeySigner)
	f, b, err := r.finding(ctx, now, v, "pupils' rules are signed by: "+signerWords(option.Choice))
	if err != nil {
		return f, err
	}
	ties, err := r.ties(ctx, b)
	if err != nil {
		return f, err
	}
	signed, wrong, half := 0, 0, 0
	for _, p := range b.people {
		switch b.signerState(p, ties) {
		case control.Kept:
			signed++
		case control.Broken:
			wrong++
			addRow(&f, control.Row{What: "A pupil's rules signed by somebody who does not sign for them", State: control.Broken, Link: personLink(p.ID)})
		case control.AtRisk:
			half++
			addRow(&f, control.Row{What: "A pupil's rules with one signature of the two", State: control.AtRisk, Link: personLink(p.ID)})
		}
	}
	f.Figure = fmt.Sprintf("%d of %d signed as the school asks, %d by the wrong person, %d half", signed, signed+wrong+half, wrong, half)
	switch {
	case signed+wrong+half == 0:
		f.State, f.Figure = control.Unknown, "no pupil's rules are signed yet"
	case wrong > 0:
		f.State, f.Todo = control.Broken, "Ask the person who must sign; the list says for whom."
	case half > 0:
		f.State, f.Todo = control.AtRisk, "Ask for the second signature."
	default:
		f.State = control.Kept
	}
	return f, nil
}

func signerWords(choice string) string {
	for _, s := range Settings() {
		if s.Key != KeySigner {
			continue
		}
		for _, o := range s.Options {
			if o.Value == choice {
				return o.Title
			}
		}
	}
	return choice
}

// ties are the parents with responsibility of the pupils for whom a parent
// has signed.
func (r *Room) ties(ctx context.Context, b *book) (map[people.ID]map[people.ID]bool, error) {
	out := map[people.ID]map[people.ID]bool{}
	for _, p := range b.people {
		if p.Kind != people.Pupil || !hasRole(b.marks[p.ID], sheetOf(p), Parent) {
			continue
		}
		list, err := r.People.Parents(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		out[p.ID] = map[people.ID]bool{}
		for _, x := range list {
			if x.Link.Responsible {
				out[p.ID][x.Person.ID] = true
			}
		}
	}
	return out, nil
}

func hasRole(list []mark, s Sheet, role Role) bool {
	for _, m := range list {
		if m.need == (need{s, role}) {
			return true
		}
	}
	return false
}

// signerState says of a pupil's own rules whether the right people signed:
// kept, not kept by the wrong one, at risk with one of two; "" with none.
func (b *book) signerState(p people.Person, ties map[people.ID]map[people.ID]bool) control.State {
	if p.Kind != people.Pupil {
		return ""
	}
	sheet, roles := sheetOf(p), pupilRoles(b.rule, p)
	any, right := false, 0
	for _, role := range []Role{Self, Parent} {
		any = any || hasRole(b.marks[p.ID], sheet, role)
	}
	for _, role := range roles {
		for _, m := range b.marks[p.ID] {
			if m.need == (need{sheet, role}) && (role == Self || ties[p.ID][m.signer]) {
				right++
				break
			}
		}
	}
	switch {
	case !any:
		return ""
	case right == len(roles):
		return control.Kept
	case right > 0:
		return control.AtRisk
	}
	return control.Broken
}

// classTalks is C33.
func (r *Room) classTalks(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f := control.Finding{Source: control.Attested, By: "the teachers who recorded it", At: now, Owner: string(people.OnlineSafetyLead)}
	today, err := r.today(ctx)
	if err != nil {
		return f, err
	}
	due := talkDue(v, schoolYear(today))
	f.Rule = "every class has talked about the rules by " + due.Words()
	list, err := r.Talks(ctx)
	if err != nil {
		return f, err
	}
	missing, absent := 0, 0
	for _, c := range list {
		switch {
		case c.Talk == nil:
			missing++
			st := control.AtRisk
			if today > due {
				st = control.Broken
			}
			addRow(&f, control.Row{What: "Class " + c.Class + ": not yet", State: st, Link: talkLink(c.Class)})
		case c.Talk.Open() > 0:
			absent += c.Talk.Open()
			addRow(&f, control.Row{What: "Class " + c.Class + ": " + words.Count(c.Talk.Open(), "pupil", "pupils") + " missed it", State: control.AtRisk, At: c.Talk.At.Time, Link: talkLink(c.Class)})
		}
	}
	f.Figure = fmt.Sprintf("%d of %s; %s still to catch up", len(list)-missing, words.Count(len(list), "class", "classes"), words.Count(absent, "pupil", "pupils"))
	switch {
	case len(list) == 0:
		f.State, f.Figure, f.Todo = control.Unknown, "no pupil on the roll is in a class", "Import the roll with its classes."
	case missing > 0 && today > due:
		f.State, f.Todo = control.Broken, "Have these classes talk about the rules, and record it."
	case missing+absent > 0:
		f.State, f.Todo = control.AtRisk, "Have the others talk about the rules, and record it."
	default:
		f.State = control.Kept
	}
	return f, nil
}

// requiredClauses is C34.
func (r *Room) requiredClauses(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	f, b, err := r.finding(ctx, now, v, "every edition in force has the clauses that it must have")
	if err != nil {
		return f, err
	}
	f.By, f.Owner = "the editions in force", string(people.Headteacher)
	var states []control.State
	for _, info := range Sheets {
		if len(info.Required) == 0 || !b.asks(info.Item) {
			continue
		}
		row := control.Row{What: info.Title + ": all " + fmt.Sprint(len(info.Required)) + " there", State: control.Kept, Link: textLink(info.Sheet)}
		e, ok := b.k.current(info.Sheet)
		lacks := LacksOf(info.Sheet, e.Body())
		switch {
		case !ok:
			row.What, row.State = info.Title+": not published yet", control.Broken
		case len(lacks) > 0:
			row.What, row.State, row.At = info.Title+" lack: "+strings.Join(lacks, ", "), control.Broken, e.At
			if e.Reason != "" {
				row.What += ". The reason given: " + e.Reason
			}
		}
		states = append(states, row.State)
		addRow(&f, row)
	}
	good := 0
	for _, s := range states {
		if s == control.Kept {
			good++
		}
	}
	f.State = control.Worst(states)
	f.Figure = fmt.Sprintf("%d of %s whole", good, words.Count(len(states), "text", "texts"))
	if len(states) == 0 {
		f.State, f.Figure = control.Unknown, "the school asks nobody to sign"
	}
	if f.State != control.Kept {
		f.Todo = "Publish the texts with the clauses that are missing."
	}
	return f, nil
}

// staffRead is C78.
func (r *Room) staffRead(ctx context.Context, now time.Time, v *setting.Values) (control.Finding, error) {
	want := v.Int(KeyReadAll)
	within := v.Get(KeyReadIn)
	f, b, err := r.finding(ctx, now, v, fmt.Sprintf("%d %% of staff have confirmed that they read the policy within %d days of its coming into force", want, within.Duration/day))
	if err != nil {
		return f, err
	}
	f.By, f.Owner = "staff's own confirmations here", string(people.OnlineSafetyLead)
	if !b.inUse {
		f.State, f.Figure, f.Todo = control.Unknown, "no policy is in force", "Put a policy in force."
		return f, nil
	}
	staff, read, overdue := 0, 0, 0
	for _, p := range b.people {
		if p.Kind != people.Staff {
			continue
		}
		staff++
		if b.read[p.ID] {
			read++
			continue
		}
		st := control.AtRisk
		if b.late(b.policy) == unreadLate && !b.inGrace(p) {
			st = control.Broken
			overdue++
		}
		addRow(&f, control.Row{What: "A member of staff has not confirmed it", State: st, Link: personLink(p.ID)})
	}
	f.Figure = fmt.Sprintf("%d of %d staff have read version %s", read, staff, b.policy.Version)
	switch {
	case staff == 0:
		f.State, f.Figure = control.Unknown, "nobody on the roll is staff"
	case int64(read*100/staff) >= want:
		f.State = control.Kept
	case overdue == 0:
		f.State, f.Todo = control.AtRisk, "Ask the others to confirm it by "+people.DayOf(b.policy.Since).Add(b.readWithin).Words()+", and those who have just come within their days of grace."
	default:
		f.State, f.Todo = control.Broken, "Ask those who have not; the list says who."
	}
	return f, nil
}
