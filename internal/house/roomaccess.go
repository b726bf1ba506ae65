package house

import "context"

// schoolName is what the school is called, "" before it was said.
func (h *House) schoolName(ctx context.Context) string {
	if h.Setup == nil {
		return ""
	}
	about, err := h.Setup.School(ctx)
	if err != nil {
		return ""
	}
	return about.Name
}
