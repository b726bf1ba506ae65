package policies

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"belisha/internal/kit/web"
	"belisha/internal/school/policies/ledger"
)

type statusOut struct{ Body Status }

type requirementsOut struct {
	Body struct {
		Requirements []ledger.Coverage `json:"requirements"`
	}
}

// API adds the room's operations.
func (r *Room) API(api huma.API) {
	web.Register(api, huma.Operation{
		OperationID: "policy-status", Method: http.MethodGet, Path: "/policy/status", Tags: []string{"policy"},
		Summary: "How every clause of the policy in force stands",
	}, MayEvidence,
		func(ctx context.Context, _ *struct{}) (*statusOut, error) {
			s, err := r.Status(ctx)
			return &statusOut{s}, err
		})
	web.Register(api, huma.Operation{
		OperationID: "requirements", Method: http.MethodGet, Path: "/requirements", Tags: []string{"policy"},
		Summary: "Every requirement of the ledger with what Belisha does for it",
	}, MayRead,
		func(context.Context, *struct{}) (*requirementsOut, error) {
			out := &requirementsOut{}
			out.Body.Requirements = r.Requirements()
			return out, nil
		})
}
