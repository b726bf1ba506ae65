package probes

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/web"
)

type runBody struct {
	ID       string       `json:"id"`
	At       time.Time    `json:"at"`
	Site     string       `json:"site"`
	Kind     string       `json:"kind" enum:"hourly,nightly,asked,device"`
	State    string       `json:"state" enum:"right,wrong,unknown"`
	Right    int          `json:"right"`
	Wrong    int          `json:"wrong"`
	NotAsked int          `json:"not_asked"`
	Note     string       `json:"note,omitempty"`
	Answers  []answerBody `json:"answers,omitempty" doc:"What was not right, in the newest trial of each site"`
}

type answerBody struct {
	Area  string `json:"area"`
	Group string `json:"group,omitempty"`
	What  string `json:"what"`
	State string `json:"state"`
	Said  string `json:"said"`
}

type runsIn struct {
	Days int `query:"days" minimum:"1" maximum:"31" default:"1" doc:"How far back"`
}

type runsOut struct {
	Body struct {
		Items []runBody `json:"items"`
	}
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "probes", Method: http.MethodGet, Path: "/probes", Tags: []string{"filter"},
		Summary: "Trials of the filter, newest first",
	}, MayRead, r.apiRuns)
}

func (r *Room) apiRuns(ctx context.Context, in *runsIn) (*runsOut, error) {
	list, err := r.Since(ctx, r.now().Add(-time.Duration(max(in.Days, 1))*day), mostRuns)
	if err != nil {
		return nil, err
	}
	out := &runsOut{}
	out.Body.Items = []runBody{}
	seen := map[string]bool{}
	for _, x := range list {
		b := runBody{ID: x.ID, At: x.At, Site: x.Site, Kind: string(x.Kind), State: string(x.State()), Right: x.Right, Wrong: x.Wrong, NotAsked: x.Blind, Note: x.Note}
		if !seen[x.Site] {
			seen[x.Site] = true
			answers, err := r.Answers(ctx, x.ID)
			if err != nil {
				return nil, err
			}
			for _, a := range answers {
				if a.State == Wrong || a.State == Unknown {
					b.Answers = append(b.Answers, answerBody{Area: string(a.Area), Group: a.Group, What: a.What, State: string(a.State), Said: a.Said})
				}
			}
		}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, nil
}
