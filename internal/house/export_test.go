package house

import (
	"net/http"
	"testing"

	"belisha/internal/kit/web"
)

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
