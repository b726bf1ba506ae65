package tickets

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/web"
)

// ticketBody is a report without who made it and what they wrote.
type ticketBody struct {
	Number     int64      `json:"number"`
	Kind       string     `json:"kind" enum:"over,under,wrong"`
	Site       string     `json:"site"`
	State      string     `json:"state" enum:"open,taken,closed"`
	Owner      string     `json:"owner" doc:"The post that answers it"`
	AskedAt    time.Time  `json:"asked_at"`
	DueAt      time.Time  `json:"due_at"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
	Outcome    string     `json:"outcome,omitempty"`
	Late       bool       `json:"late"`
}

type ticketsIn struct {
	State string `query:"state" enum:"open,taken,closed" doc:"Only these"`
	Kind  string `query:"kind" enum:"over,under,wrong" doc:"Only these"`
	Late  bool   `query:"late" doc:"Only those whose answer is overdue"`
	Page  int    `query:"page" minimum:"1" maximum:"100000" default:"1" doc:"Fifty on each, the newest first"`
}

type ticketsOut struct {
	Body struct {
		Items []ticketBody `json:"items"`
		Total int          `json:"total"`
	}
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "tickets", Method: http.MethodGet, Path: "/tickets", Tags: []string{"filter"},
		Summary: "Reports about the filter, without who made them",
	}, MayRead, r.apiList)
}

func (r *Room) apiList(ctx context.Context, in *ticketsIn) (*ticketsOut, error) {
	p := page{at: max(in.Page, 1), size: 50}
	list, total, err := r.List(ctx, Filter{State: State(in.State), Kind: Kind(in.Kind), Late: in.Late, Limit: p.size, Offset: p.offset()})
	if err != nil {
		return nil, err
	}
	out := &ticketsOut{}
	out.Body.Total, out.Body.Items = total, []ticketBody{}
	for _, t := range list {
		b := ticketBody{
			Number: t.Number, Kind: string(t.Kind), Site: t.Site, State: string(t.State), Owner: string(t.Owner),
			AskedAt: t.AskedAt, DueAt: t.DueAt, Outcome: string(t.Outcome), Late: t.Late(r.now()),
		}
		if !t.AnsweredAt.IsZero() {
			b.AnsweredAt = &t.AnsweredAt
		}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, nil
}
