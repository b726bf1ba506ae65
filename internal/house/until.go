package house

import (
	"context"

	"belisha/internal/kit/control"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/web"
	"belisha/internal/school/filtering"
)

func (h *House) filteringSection() web.Section {
	if s, ok := any(h.Filtering).(interface{ Section() web.Section }); ok {
		return s.Section()
	}
	return web.Section{Name: "filtering"}
}

func (h *House) filteringBanners(ctx context.Context) []web.Banner {
	if s, ok := any(h.Filtering).(interface {
		Banners(context.Context) []web.Banner
	}); ok {
		return s.Banners(ctx)
	}
	return nil
}

func (h *House) filteringPhrases() map[string][]string { return filtering.SearchPhrases() }

func (h *House) filteringControls() []control.Control {
	if s, ok := any(h.Filtering).(interface{ Controls() []control.Control }); ok {
		return s.Controls()
	}
	return nil
}

func (h *House) filteringTasks() []tasks.Task {
	if s, ok := any(h.Filtering).(interface{ Tasks() []tasks.Task }); ok {
		return s.Tasks()
	}
	return nil
}
