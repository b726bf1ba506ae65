package house

import (
	"context"
	"errors"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"

	"github.com/danielgtaylor/huma/v2"
)

// tokens says who is behind an API token.
type tokens struct{ r *access.Room }

// Actor answers who shows the token. One that opens nothing is the asker's
// fault and not ours: they are told to send another.
func (t tokens) Actor(ctx context.Context, bearer string) (actor.Actor, error) {
	a, err := t.r.TokenActor(ctx, bearer)
	if errors.Is(err, access.ErrBadToken) {
		return a, web.ErrSignIn
	}
	return a, err
}

// OpenAPI returns the API's OpenAPI 3.1 document as JSON.
func (h *House) OpenAPI() ([]byte, error) { return h.api.OpenAPI().MarshalJSON() }

type versionOut struct {
	Body struct {
		Version string `json:"version" doc:"Version of the program"`
		School  string `json:"school" doc:"The school's UUID"`
	}
}

// registerAPI adds the house's own operations.
func (h *House) registerAPI(api *web.API) {
	web.Register(api, huma.Operation{
		OperationID: "version", Method: "GET", Path: "/version", Summary: "Which Belisha this is",
	}, web.SignedIn, func(context.Context, *struct{}) (*versionOut, error) {
		out := &versionOut{}
		out.Body.Version, out.Body.School = h.cfg.Version, h.folder.Meta.School
		return out, nil
	})
	for _, r := range joined[spoken](h) {
		r.API(api)
	}
}
