package monitoring

import (
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// gapValue is a gap as a form sends it back.
func gapValue(g Gap) string {
	return strconv.FormatInt(store.Millis(g.From), 10) + " " + strconv.FormatInt(store.Millis(g.To), 10) + " " + g.Site
}

func (r *Room) explainGap(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	parts := strings.SplitN(form.Get("gap"), " ", 3)
	var from, to int64
	if len(parts) == 3 {
		from, _ = strconv.ParseInt(parts[0], 10, 64) // what is no number is no gap, and is refused
		to, _ = strconv.ParseInt(parts[1], 10, 64)
	} else {
		parts = []string{"", "", ""}
	}
	err = r.ExplainGap(c.Context(), parts[2], time.UnixMilli(from), time.UnixMilli(to), form.Get("why"))
	return r.done(c, err, r.gapsView, 0, pathGaps, "Kept: this gap is explained.")
}
