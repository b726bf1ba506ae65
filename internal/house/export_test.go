package house

import (
	"net/http"
	"testing"

	"belisha/internal/kit/control"
	"belisha/internal/kit/web"
)

// LogControl is C27, and HeadFile what shows where the journal ended.
func (h *House) LogControl() control.Control { return h.logControl() }

// HeadFile names the head that is kept outside the database.
func (h *House) HeadFile() string { return h.folder.Path("journal.head") }

// HandlersAs returns the handlers as they are, but with everybody signed in
// as whom the sessions say.
func (h *House) HandlersAs(t *testing.T, s web.Sessions) (desk, people http.Handler) {
	t.Helper()
	d := h.webDeps()
	d.Sessions = s
	desk, people, err := web.Mux(h.sections, d)
	if err != nil {
		t.Fatal(err)
	}
	return desk, people
}
