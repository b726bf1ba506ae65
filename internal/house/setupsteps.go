package house

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/policies"
	"belisha/internal/school/setup"
)

// setupFiles is where the set-up offers files for devices.
const setupFiles = "/set-up/file/"

// setupSteps are the pages that the devices room brings to the set-up.
func (h *House) setupSteps() []setup.Step {
	var out []setup.Step
	for _, s := range h.Devices.Steps(setupFiles) {
		out = append(out, setup.Step{
			Slug: s.Slug, Title: s.Title, Asked: s.Asked, Save: s.Save,
			View: func(ctx context.Context) (setup.StepView, error) {
				v, err := s.View(ctx)
				return setup.StepView(v), err
			},
		})
	}
	return out
}

// setupFile is a file for devices, as the set-up gives it.
func (h *House) setupFile(ctx context.Context, name string) (setup.File, error) {
	f, err := h.Devices.File(ctx, name)
	return setup.File{Name: f.Name, Type: f.Type, Body: f.Body}, err
}

// examples offers the shipped policies to the set-up.
type examples struct{ r *policies.Room }

// exampleWords say for whom each is.
var exampleWords = map[string]string{
	"hospital-school": "For a school where children come and go within days: tight technical rules, sessions that lock after ten minutes, passwords that change.",
	"village-primary": "For a small school with a small staff, where the head decides much and pupils never reach social media.",
}

// Examples implements setup.Policies.
func (e examples) Examples(ctx context.Context) ([]setup.Example, error) {
	var out []setup.Example
	for _, name := range e.r.Shipped() {
		text, ok := e.r.ShippedText(name)
		if !ok {
			continue
		}
		out = append(out, setup.Example{Name: name, Title: e.r.Check(ctx, text).Title, Words: exampleWords[name]})
	}
	return out, nil
}

// InForce implements setup.Policies.
func (e examples) InForce(ctx context.Context) (string, error) {
	st, err := e.r.Status(ctx)
	if err != nil || st.Policy == nil {
		return "", err
	}
	return st.Policy.Title, nil
}

// text is a shipped policy that says of unlisted sites what was chosen.
func (e examples) text(name, unlisted string) (string, error) {
	text, ok := e.r.ShippedText(name)
	if !ok {
		return "", errors.New("there is no shipped policy of that name")
	}
	if unlisted == "" {
		return text, nil
	}
	return withUnlisted(text, unlisted), nil
}

// Effects implements setup.Policies.
func (e examples) Effects(ctx context.Context, name, unlisted string) ([]string, error) {
	text, err := e.text(name, unlisted)
	if err != nil {
		return nil, err
	}
	res, err := e.r.Preview(ctx, text)
	if err != nil {
		return nil, err
	}
	return effectWords(res.Effects), nil
}

func effectWords(effects []setting.Effect) []string {
	out := make([]string, 0, len(effects))
	for _, f := range effects {
		out = append(out, f.Words)
	}
	return out
}

// Activate implements setup.Policies.
func (e examples) Activate(ctx context.Context, name, unlisted string) error {
	text, err := e.text(name, unlisted)
	if err != nil {
		return err
	}
	_, err = e.r.Activate(ctx, policies.Request{Text: text})
	return err
}

// unlistedSentences are what a policy may begin by saying of sites that stand
// on no list. The %s are the requirements that the sentence is about.
var unlistedSentences = map[string]string{
	setup.UnlistedOpen:     `- A site that stands on no list is [open]{set=filtering.pupils.unlisted} to pupils. []{req=%q}`,
	setup.UnlistedYoungest: `- The youngest children see [previewed only]{set=filtering.pupils.unlisted keystage=ks1} sites; for the others a site that stands on no list is [open]{set=filtering.pupils.unlisted}. []{req=%q}`,
	setup.UnlistedAll:      `- Pupils see [previewed only]{set=filtering.pupils.unlisted} sites: one that stands on no list opens when somebody has looked at it. []{req=%q}`,
}

var reqAttr = regexp.MustCompile(`req="([^"]*)"`)

// withUnlisted puts the chosen sentence in the place of the policy's own.
func withUnlisted(text, choice string) string {
	sentence, ok := unlistedSentences[choice]
	if !ok {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "- ") && strings.Contains(l, "{set=filtering.pupils.unlisted") {
			req := "FIL-17"
			if m := reqAttr.FindStringSubmatch(l); m != nil {
				req = m[1]
			}
			lines[i] = fmt.Sprintf(sentence, req)
		}
	}
	return strings.Join(lines, "\n")
}

// variants are the other texts that a shipped policy may begin with: the
// set-up asks about unlisted sites, and the policy says the answer.
func variants(text string) []string {
	var out []string
	for choice := range unlistedSentences {
		out = append(out, withUnlisted(text, choice))
	}
	return out
}
