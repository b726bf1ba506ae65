package storybook_test

import (
	"net/http"
	"testing"

	"belisha/internal/kit/web/storybook"
	"belisha/internal/kit/web/webtest"
)

func TestEveryStoryIsShownAndKeepsTheRulesOfAPage(t *testing.T) {
	site, err := storybook.Handler(webtest.Host)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"/stories/form-wrong": http.StatusUnprocessableEntity, "/stories/not-found": http.StatusNotFound,
		"/stories/stale": http.StatusConflict, "/stories/fault": http.StatusInternalServerError,
	}
	for _, s := range storybook.Stories() {
		status := want[s.Path]
		if status == 0 {
			status = http.StatusOK
		}
		t.Run(s.Path, func(t *testing.T) {
			d := webtest.Get(t, site, s.Path, webtest.Nobody()).Is(status).Safe()
			if len(d.Body) > 40_000 {
				t.Errorf("the page is %d bytes; the first page must stay well under 100 kB with style and font", len(d.Body))
			}
		})
	}
}
