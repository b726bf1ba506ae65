package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/school/policies"
)

// example is the shipped policy that the school began with.
const example = "village-primary"

func withActor(ctx context.Context, a actor.Actor) context.Context { return actor.With(ctx, a) }

// on is a day some days before now, for what was signed on paper.
func (f *filling) on(daysBefore int) time.Time {
	day := f.cal.Day(f.c.Now().AddDate(0, 0, -daysBefore))
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return f.c.Now()
	}
	return t
}

// paper are the approvals of all who must approve, as they stand on paper.
func (f *filling) paper(daysBefore int, minute string) []policies.Approval {
	return []policies.Approval{
		{Role: "staff", Name: "Bethan Roscarrow, for the staff meeting", On: f.on(daysBefore + 3)},
		{Role: "headteacher", Name: "Amira Quist, head teacher", On: f.on(daysBefore + 1)},
		{Role: "governing-body", Name: "Gwendolen Marchbanks, chair", On: f.on(daysBefore), Minute: minute},
	}
}

// firstPolicy puts the shipped example in force, approved on paper.
func (f *filling) firstPolicy(ctx context.Context) error {
	text, ok := f.h.Policies.ShippedText(example)
	if !ok {
		return fmt.Errorf("there is no shipped policy %s", example)
	}
	_, err := f.h.Policies.Activate(ctx, policies.Request{Text: text, Approved: f.paper(2, "FGB 31, item 7")})
	return err
}

// secondPolicy is the school's own version: its name, passwords of staff that
// are changed every 90 days, and a filter that looks inside what pupils open.
func (f *filling) secondPolicy(ctx context.Context) error {
	text, err := f.ownText()
	if err != nil {
		return err
	}
	_, err = f.h.Policies.Activate(ctx, policies.Request{Text: text, Approved: f.paper(1, "FGB 32, item 4")})
	return err
}

func (f *filling) ownText() (string, error) {
	text, ok := f.h.Policies.ShippedText(example)
	if !ok {
		return "", fmt.Errorf("there is no shipped policy %s", example)
	}
	return rewrite(text, map[string]string{
		"title:":   "title: Online safety and acceptable use at " + School,
		"version:": `version: "1.1"`,
		"{set=access.staff.password-max-age": `- Staff change their password every [90 days]{set=access.staff.password-max-age}, and whenever somebody else may know it. ` +
			`[]{control=password-age req="ACC-06"}`,
		"{set=filtering.inspect}": `- For children, on the school's own devices, our filter looks inside encrypted sites (it is [on]{set=filtering.inspect group=pupils}); ` +
			`for staff and visitors it does not (there it is [off]{set=filtering.inspect}). The head signed the impact assessment first, and ` +
			`[banking, health, government and support services]{set=filtering.inspect.never} stay closed to it. []{req="MON-12"}`,
	})
}

// thirdPolicy is a text that waits for approval.
func (f *filling) thirdPolicy(ctx context.Context) error {
	text, err := f.ownText()
	if err != nil {
		return err
	}
	text, err = rewrite(text, map[string]string{
		"version:": `version: "1.2"`,
		"{set=access.idle-lock audience=staff}": "- A screen that is left locks after [8 minutes]{set=access.idle-lock}. Where personal data can be seen, on the machines of staff, " +
			`it locks after [5 minutes]{set=access.idle-lock audience=staff}. []{control=idle-lock req="ACC-18"}`,
	})
	if err != nil {
		return err
	}
	v, _, err := f.h.Policies.Propose(ctx, text)
	if err != nil {
		return err
	}
	return f.h.Policies.Record(ctx, v.ID, []policies.Approval{{Role: "staff", Name: "Bethan Roscarrow, for the staff meeting", On: f.on(1)}})
}

// rewrite puts new lines in place of those that hold a mark, each of which
// must be there.
func rewrite(text string, lines map[string]string) (string, error) {
	rows := strings.Split(text, "\n")
	for mark, line := range lines {
		found := false
		for i, row := range rows {
			if strings.Contains(row, mark) && !found {
				rows[i], found = line, true
			}
		}
		if !found {
			return "", errors.New("the shipped policy has no line with " + mark)
		}
	}
	return strings.Join(rows, "\n"), nil
}
