package concerns

import (
	"context"
	"net/url"

	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// sanctionFields ask for a sanction: on whom, which, by which rule, until when,
// and whether somebody has thought of coursework.
func (r *Room) sanctionFields(c *web.Ctx, w *Whole) []web.Field {
	whose := web.Field{Kind: web.SelectField, Name: "whose", Label: "On whom does it fall?", Hint: "Those who may have harmed; put somebody in first who is missing here"}
	for _, p := range w.harmers() {
		whose.Options = append(whose.Options, web.Option{Value: p.ID, Label: p.Named.Name})
	}
	grade := web.Field{Kind: web.SelectField, Name: "grade", Label: "Which?"}
	for _, v := range r.values().Items(keySanctions) {
		grade.Options = append(grade.Options, web.Option{Value: v, Label: capital(optionTitle(Sanctions, v))})
	}
	return []web.Field{
		whose, grade,
		{Name: "clause", Label: "Clause of the behaviour policy", Max: maxShort},
		{Name: "approver", Label: "Who approved it?", Max: maxShort},
		{Kind: web.DayField, Name: "until", Label: "Last day", Optional: true, Hint: "Needed for what is taken away for a time"},
		{
			Kind: web.RadiosField, Name: "coursework", Label: "If a pupil's web is withdrawn: could it touch coursework or an exam?", Optional: true,
			Hint:    "To be answered before the web is withdrawn. " + r.examYears(c.Context(), w),
			Options: []web.Option{{Value: "no", Label: "No, I have found out"}, {Value: "yes", Label: "Yes, it could"}},
		},
		{Kind: web.LongField, Name: "arranged", Label: "If it could: how do they get at it meanwhile?", Optional: true, Rows: 2, Max: maxLong},
	}
}

// examYears warns of those in a case who are in years with coursework for
// exams.
func (r *Room) examYears(ctx context.Context, w *Whole) string {
	var names []string
	for _, p := range w.harmers() {
		who, err := r.d.Roll.Get(ctx, p.Named.Person)
		if err == nil && (who.Year.Stage() == people.KS4 || who.Year.Stage() == people.KS5) {
			names = append(names, p.Named.Name)
		}
	}
	if len(names) == 0 {
		return "Ask their teachers."
	}
	return "In years with coursework for exams: " + words.And(names) + ". Ask their teachers and the exams officer."
}

func (r *Room) liftFields(c *web.Ctx, _ *Whole) []web.Field {
	return []web.Field{
		{Kind: web.HiddenField, Name: "pause", Value: c.Query("pause") + c.Value("pause")},
		{Kind: web.LongField, Name: "reason", Label: "Why?", Rows: 3, Max: maxLong},
	}
}

func (r *Room) doLift(c *web.Ctx, id string, version int64, form url.Values) error {
	return r.Lift(c.Context(), id, version, form.Get("pause"), form.Get("reason"))
}
