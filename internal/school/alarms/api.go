package alarms

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/web"
)

type alarmBody struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind" doc:"What was looked at, such as scanner-away"`
	Words    string     `json:"words"`
	May      string     `json:"may" doc:"What it may mean"`
	Todo     string     `json:"todo"`
	Owner    string     `json:"owner" doc:"The post that sees to it"`
	Risk     int        `json:"risk" doc:"3 urgent, 2 high, 1 normal"`
	Since    time.Time  `json:"since"`
	Times    int64      `json:"times" doc:"How often it came, each within a day of its last end"`
	SeenTo   *time.Time `json:"seen_to,omitempty"`
	WentUp   *time.Time `json:"went_up,omitempty" doc:"When it went to the head, since nobody saw to it"`
	Ended    *time.Time `json:"ended,omitempty"`
	WhatDone string     `json:"what_done,omitempty"`
}

type alarmsIn struct {
	State string `query:"state" enum:"running,ended" default:"running"`
	Page  int    `query:"page" minimum:"1" maximum:"10000" default:"1" doc:"Of those that ended, 50 a page"`
}

type alarmsOut struct {
	Body struct {
		Items  []alarmBody `json:"items"`
		Total  int         `json:"total"`
		Looked *time.Time  `json:"looked,omitempty" doc:"When Belisha looked last"`
	}
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "alarms", Method: http.MethodGet, Path: "/alarms", Tags: []string{"filter"},
		Summary: "Alarms of the filter", Description: "Those that go on, the gravest first, or those that ended, the newest first. Nobody is named.",
	}, MayRead, r.apiAlarms)
}

func (r *Room) apiAlarms(ctx context.Context, in *alarmsIn) (*alarmsOut, error) {
	var items []Alarm
	var total int
	var err error
	if in.State == "ended" {
		items, total, err = r.Ended(ctx, perPage, (max(in.Page, 1)-1)*perPage)
	} else {
		items, err = r.Running(ctx)
		total = len(items)
	}
	if err != nil {
		return nil, err
	}
	out := &alarmsOut{}
	out.Body.Items, out.Body.Total = []alarmBody{}, total
	_, at := r.Last()
	out.Body.Looked = some(at)
	for _, a := range items {
		out.Body.Items = append(out.Body.Items, alarmBody{
			ID: a.ID, Kind: a.Kind, Words: a.Words, May: a.May, Todo: a.Todo, Owner: string(a.Owner), Risk: a.Risk, Since: a.Since, Times: a.Times,
			SeenTo: some(a.SeenAt), WentUp: some(a.UpAt), Ended: some(a.EndedAt), WhatDone: a.Note,
		})
	}
	return out, nil
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
