package classroom

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

type setBody struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind" enum:"pause,focus,supervise"`
	Class   string    `json:"class,omitempty"`
	Place   string    `json:"place,omitempty"`
	Hosts   []string  `json:"hosts,omitempty"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	InForce bool      `json:"in_force" doc:"The filter holds it"`
}

func (r *Room) bodyOf(s Set) setBody {
	return setBody{ID: s.ID, Kind: string(s.Kind), Class: s.Class, Place: s.Place, Hosts: s.Hosts, From: s.From, Until: s.Until, InForce: s.Kind == Supervise || r.d.InForce(s.ID)}
}

type setsOut struct {
	Body struct {
		Items []setBody `json:"items"`
	}
}

type beginIn struct {
	Body struct {
		Kind    string   `json:"kind" enum:"pause,focus,supervise"`
		Class   string   `json:"class,omitempty" maxLength:"120"`
		Place   string   `json:"place,omitempty" maxLength:"120" doc:"In place of a class, to supervise a room"`
		Hosts   []string `json:"hosts,omitempty" maxItems:"20" doc:"The sites of a focus"`
		Minutes int      `json:"minutes" minimum:"1" maximum:"480"`
		Note    string   `json:"note,omitempty" maxLength:"200" doc:"Why, from somebody who does not teach the class"`
		Looked  bool     `json:"looked,omitempty" doc:"You have looked at the sites yourself"`
	}
}

type setOut struct {
	Status int
	Body   setBody
}

type endIn struct {
	ID string `path:"id" maxLength:"60"`
}

type previewsIn struct {
	Q    string `query:"q" maxLength:"200" doc:"Part of the name of a site"`
	Page int    `query:"page" minimum:"1" maximum:"100000" default:"1" doc:"Fifty on each"`
}

type previewBody struct {
	Host     string    `json:"host"`
	Verdict  string    `json:"verdict" enum:"suitable,care,not"`
	FromYear string    `json:"from_year,omitempty"`
	ToYear   string    `json:"to_year,omitempty"`
	Note     string    `json:"note,omitempty"`
	LookedAt time.Time `json:"looked_at"`
}

type previewsOut struct {
	Body struct {
		Items []previewBody `json:"items"`
		Total int           `json:"total"`
	}
}

type previewIn struct {
	Body struct {
		Host     string `json:"host" maxLength:"300"`
		Verdict  string `json:"verdict" enum:"suitable,care,not"`
		FromYear string `json:"from_year,omitempty" maxLength:"2"`
		ToYear   string `json:"to_year,omitempty" maxLength:"2"`
		Note     string `json:"note,omitempty" maxLength:"200"`
	}
}

type previewOut struct {
	Status int
	Body   previewBody
}

func previewOf(p Preview) previewBody {
	return previewBody{Host: p.Host, Verdict: string(p.Verdict), FromYear: string(p.FromYear), ToYear: string(p.ToYear), Note: p.Note, LookedAt: p.LookedAt}
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	tags := []string{"classroom"}
	web.Register(api, huma.Operation{OperationID: "lessons", Method: http.MethodGet, Path: "/lessons", Tags: tags, Summary: "What is set for classes now"}, MayLead, r.apiRunning)
	web.Register(api, huma.Operation{
		OperationID: "begin-lesson", Method: http.MethodPost, Path: "/lessons", Tags: tags, Summary: "Set the web of a class for a time", DefaultStatus: http.StatusCreated,
	}, MayLead, r.apiBegin)
	web.Register(api, huma.Operation{OperationID: "end-lesson", Method: http.MethodPost, Path: "/lessons/{id}/end", Tags: tags, Summary: "End what is set before its time"}, MayLead, r.apiEnd)
	web.Register(api, huma.Operation{OperationID: "previews", Method: http.MethodGet, Path: "/previews", Tags: tags, Summary: "Sites that somebody has looked at"}, MayLead, r.apiPreviews)
	web.Register(api, huma.Operation{
		OperationID: "preview", Method: http.MethodPost, Path: "/previews", Tags: tags, Summary: "Write down a look at a site", DefaultStatus: http.StatusCreated,
	}, MayLead, r.apiPreview)
}

func (r *Room) apiRunning(ctx context.Context, _ *struct{}) (*setsOut, error) {
	list, err := r.Running(ctx)
	if err != nil {
		return nil, err
	}
	out := &setsOut{}
	out.Body.Items = []setBody{}
	for _, s := range list {
		out.Body.Items = append(out.Body.Items, r.bodyOf(s))
	}
	return out, nil
}

func (r *Room) apiBegin(ctx context.Context, in *beginIn) (*setOut, error) {
	b := in.Body
	s, err := r.Begin(ctx, Begun{Kind: Kind(b.Kind), Class: b.Class, Place: b.Place, Hosts: b.Hosts, Minutes: b.Minutes, Note: b.Note, Looked: b.Looked})
	if bad, ok := web.Wrong(err); ok {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return &setOut{Status: http.StatusCreated, Body: r.bodyOf(s)}, nil
}

func (r *Room) apiEnd(ctx context.Context, in *endIn) (*struct{}, error) {
	if in.ID == "" {
		return nil, store.ErrNotFound
	}
	_, err := r.End(ctx, in.ID)
	return nil, err
}

func (r *Room) apiPreviews(ctx context.Context, in *previewsIn) (*previewsOut, error) {
	list, total, err := findPreviews(ctx, r.d.DB, previewFilter{Words: in.Q, Limit: perPage, Offset: (max(in.Page, 1) - 1) * perPage})
	if err != nil {
		return nil, err
	}
	out := &previewsOut{}
	out.Body.Total, out.Body.Items = total, []previewBody{}
	for _, p := range list {
		out.Body.Items = append(out.Body.Items, previewOf(p))
	}
	return out, nil
}

func (r *Room) apiPreview(ctx context.Context, in *previewIn) (*previewOut, error) {
	b := in.Body
	p, err := r.Preview(ctx, Preview{Host: b.Host, Verdict: Verdict(b.Verdict), FromYear: people.Year(b.FromYear), ToYear: people.Year(b.ToYear), Note: b.Note})
	if bad, ok := web.Wrong(err); ok {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return &previewOut{Status: http.StatusCreated, Body: previewOf(p)}, nil
}
