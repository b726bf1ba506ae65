package agreements

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/web"
)

// standingOut is how many have signed.
type standingOut struct {
	Body struct {
		Day       string           `json:"day" doc:"The day it is true of"`
		Sheets    []sheetStanding  `json:"sheets"`
		Audiences []audienceOnline `json:"audiences"`
	}
}

type sheetStanding struct {
	Sheet    string `json:"sheet"`
	Title    string `json:"title"`
	Edition  int64  `json:"edition" doc:"Number of the newest edition, 0 for none"`
	Asked    bool   `json:"asked" doc:"An edition binds: signatures are asked for"`
	Scope    int    `json:"scope" doc:"Records that need the signature"`
	Signed   int    `json:"signed"`
	Unsigned int    `json:"unsigned"`
}

type audienceOnline struct {
	Audience string `json:"audience"`
	Mode     string `json:"mode" enum:"off,remind,hold"`
	Held     int    `json:"held" doc:"People who are held, or would be"`
	Grace    int    `json:"grace" doc:"People who are only reminded so far"`
}

// API adds the room's operation: counts, nobody's name.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "agreements-standing", Method: http.MethodGet, Path: "/agreements/standing", Tags: []string{"agreements"},
		Summary: "How many have signed the rules, and what becomes of those who have not",
	}, MayRead, func(ctx context.Context, _ *struct{}) (*standingOut, error) {
		b, err := r.book(ctx)
		if err != nil {
			return nil, err
		}
		out := &standingOut{}
		out.Body.Day = string(b.today)
		for _, c := range b.counts() {
			out.Body.Sheets = append(out.Body.Sheets, sheetStanding{string(c.Sheet), c.Sheet.Title(), c.Number, c.Asked, c.Scope, c.Signed, len(c.Lacks)})
		}
		for _, g := range gates {
			cut := b.cut(g.Audience)
			out.Body.Audiences = append(out.Body.Audiences, audienceOnline{g.Audience, b.mode(g.Audience), cut.Now, cut.Later})
		}
		return out, nil
	})
}
