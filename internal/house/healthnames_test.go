package house

import (
	"strings"
	"testing"

	"belisha/internal/gate/control"
	kitcontrol "belisha/internal/kit/control"
)

func TestHealthSaysWhoDoesNotAnswerForNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		st    control.Status
		state kitcontrol.State
		says  string
	}{
		{"nobody asked", control.Status{}, kitcontrol.Unknown, "Nobody has asked"},
		{"all answer", control.Status{Questions: 1}, kitcontrol.Kept, "answer"},
		{"upstream is away", control.Status{Questions: 1, Mute: []string{"ashdown.local", "."}}, kitcontrol.Broken, "upstream resolvers did not answer"},
		{"a domain's servers are away", control.Status{Questions: 1, Mute: []string{"ashdown.local"}}, kitcontrol.AtRisk, "ashdown.local"},
	} {
		if k := namesCheck(c.st); k.State != c.state || !strings.Contains(k.Words, c.says) || (k.Todo == "") != (c.state == kitcontrol.Kept || c.state == kitcontrol.Unknown) {
			t.Errorf("%s: %+v", c.name, k)
		}
	}
}
