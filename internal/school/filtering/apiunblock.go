package filtering

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

type unblockBody struct {
	ID      string    `json:"id"`
	Hosts   []string  `json:"hosts" doc:"Each with everything below it"`
	For     string    `json:"for" doc:"class:8B, year:8 or pupils"`
	Purpose string    `json:"purpose"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	State   string    `json:"state" enum:"asked,granted,refused,withdrawn,lapsed,ended"`
	Open    bool      `json:"open" doc:"Open at this moment"`
	AskedAt time.Time `json:"asked_at"`
	Answer  string    `json:"answer,omitempty" doc:"Why it was refused"`
}

func (r *Room) bodyOf(u Unblock) unblockBody {
	return unblockBody{
		ID: u.ID, Hosts: u.Hosts, For: u.For, Purpose: u.Purpose, From: u.From, Until: u.Until, State: string(u.State),
		Open: u.Running(r.now()), AskedAt: u.AskedAt, Answer: u.Answer,
	}
}

type unblocksIn struct {
	State string `query:"state" enum:"asked,granted,refused,withdrawn,lapsed,ended" doc:"Only these"`
	Page  int    `query:"page" minimum:"1" maximum:"100000" default:"1" doc:"Fifty on each, the newest first"`
}

type unblocksOut struct {
	Body struct {
		Items []unblockBody `json:"items"`
		Total int           `json:"total"`
	}
}

type unblockIn struct {
	Body struct {
		Hosts   []string   `json:"hosts" minItems:"1" maxItems:"5" doc:"The sites"`
		For     string     `json:"for" maxLength:"200" doc:"class:8B, year:8 or pupils"`
		Purpose string     `json:"purpose" minLength:"10" maxLength:"300" doc:"What the class does with it"`
		Minutes int        `json:"minutes" minimum:"5" maximum:"120" doc:"For how long"`
		From    *time.Time `json:"from,omitempty" doc:"From when; absent is now"`
	}
}

type unblockOut struct {
	Status int
	Body   unblockBody
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "unblocks", Method: http.MethodGet, Path: "/unblocks", Tags: []string{"filter"},
		Summary: "Sites that were asked for lessons",
	}, MayRead, r.apiUnblocks)
	web.Register(api, huma.Operation{
		OperationID: "ask-unblock", Method: http.MethodPost, Path: "/unblocks", Tags: []string{"filter"},
		Summary: "Ask for a site to be opened for a lesson", DefaultStatus: http.StatusCreated,
		Description: "The person behind the token asks. A filter manager decides, on the pages and not through the API.",
	}, MayAsk, r.apiAsk)
	r.apiPermits(api)
}

func (r *Room) apiUnblocks(ctx context.Context, in *unblocksIn) (*unblocksOut, error) {
	list, total, err := findUnblocks(ctx, r.d.DB, unblockFilter{State: UnblockState(in.State), page: page{at: max(in.Page, 1), size: pageSize}})
	if err != nil {
		return nil, err
	}
	out := &unblocksOut{}
	out.Body.Total, out.Body.Items = total, []unblockBody{}
	for _, u := range list {
		out.Body.Items = append(out.Body.Items, r.bodyOf(u))
	}
	return out, nil
}

func (r *Room) apiAsk(ctx context.Context, in *unblockIn) (*unblockOut, error) {
	u := Unblock{Hosts: in.Body.Hosts, For: in.Body.For, Purpose: in.Body.Purpose}
	if in.Body.From != nil {
		u.From = *in.Body.From
	}
	u.Until = u.From.Add(time.Duration(in.Body.Minutes) * time.Minute)
	u, err := r.AskUnblock(ctx, u)
	var already *AskedAlready
	if errors.As(err, &already) {
		return nil, store.Invalid{"hosts": already.Error()}
	}
	if bad, ok := wrong(err); ok {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return &unblockOut{Status: http.StatusCreated, Body: r.bodyOf(u)}, nil
}
