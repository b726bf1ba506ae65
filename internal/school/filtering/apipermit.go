package filtering

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

type permitBody struct {
	ID        string    `json:"id"`
	URL       string    `json:"url" doc:"The file, without scheme"`
	Purpose   string    `json:"purpose"`
	Group     string    `json:"group" enum:"pupils,staff,guests" doc:"Of whoever asked"`
	State     string    `json:"state" enum:"asked,granted,refused,withdrawn,lapsed,ended"`
	Permitted bool      `json:"permitted" doc:"At this moment"`
	AskedAt   time.Time `json:"asked_at"`
	Until     time.Time `json:"until" doc:"The end of what was granted; before that, of the time for deciding"`
	Answer    string    `json:"answer,omitempty" doc:"Why it was refused"`
}

func (r *Room) permitBody(p Permit) permitBody {
	return permitBody{
		ID: p.ID, URL: p.Address(), Purpose: p.Purpose, Group: p.Group, State: string(p.State), Permitted: p.Running(r.now()),
		AskedAt: p.AskedAt, Until: p.Until, Answer: p.Answer,
	}
}

type permitsOut struct {
	Body struct {
		Items []permitBody `json:"items"`
		Total int          `json:"total"`
	}
}

type permitIn struct {
	Body struct {
		URL     string `json:"url" minLength:"4" maxLength:"2500" doc:"Address of the file"`
		Purpose string `json:"purpose" minLength:"10" maxLength:"300"`
	}
}

type permitOut struct {
	Status int
	Body   permitBody
}

// apiPermits adds the operations of single files.
func (r *Room) apiPermits(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "file-permits", Method: http.MethodGet, Path: "/file-permits", Tags: []string{"filter"},
		Summary: "Files that were asked for", Description: "Nobody is named.",
	}, MayRead, r.apiPermitList)
	web.Register(api, huma.Operation{
		OperationID: "ask-file-permit", Method: http.MethodPost, Path: "/file-permits", Tags: []string{"filter"},
		Summary: "Ask for a file to be permitted", DefaultStatus: http.StatusCreated,
		Description: "The person behind the token asks. Somebody else decides, on the pages and not through the API.",
	}, MayPermit, r.apiPermitAsk)
}

func (r *Room) apiPermitList(ctx context.Context, in *unblocksIn) (*permitsOut, error) {
	list, total, err := findPermits(ctx, r.d.DB, permitFilter{State: UnblockState(in.State), page: page{at: max(in.Page, 1), size: pageSize}})
	if err != nil {
		return nil, err
	}
	out := &permitsOut{}
	out.Body.Total, out.Body.Items = total, []permitBody{}
	for _, p := range list {
		out.Body.Items = append(out.Body.Items, r.permitBody(p))
	}
	return out, nil
}

func (r *Room) apiPermitAsk(ctx context.Context, in *permitIn) (*permitOut, error) {
	p, err := r.AskPermit(ctx, in.Body.URL, Permit{Purpose: in.Body.Purpose}, netip.Addr{})
	var already *AskedAlready
	if errors.As(err, &already) {
		return nil, store.Invalid{"url": already.Error()}
	}
	if bad, ok := wrong(err); ok {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return &permitOut{Status: http.StatusCreated, Body: r.permitBody(p)}, nil
}
