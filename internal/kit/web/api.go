package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
)

// Tokens says who is behind an API token. House plugs school/access in. A
// token that is unknown, ended or revoked is store.ErrForbidden or
// ErrSignIn; any other error is a fault.
type Tokens interface {
	Actor(ctx context.Context, bearer string) (actor.Actor, error)
}

// APIDeps is what house plugs into the API.
type APIDeps struct {
	Title, Version string
	Tokens         Tokens
	Log            *slog.Logger
}

// needsKey is where an operation keeps the capability that it needs.
const needsKey = "belisha-needs"

// API is the API under /api/v1: a huma.API to which rooms add operations with
// Register, and the handler for Deps.API.
type API struct {
	huma.API
	mux  *http.ServeMux
	deps APIDeps
	ops  []RouteInfo
	bad  []error
}

// NewAPI makes the API without operations.
func NewAPI(d APIDeps) (*API, error) {
	if d.Tokens == nil || d.Log == nil {
		return nil, errors.New("web: the API needs Tokens and Log")
	}
	a := &API{mux: http.NewServeMux(), deps: d}
	cfg := huma.DefaultConfig(d.Title, d.Version)
	cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", nil
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token made on the tokens page, with scopes and an end."},
	}
	cfg.OnAddOperation = append(cfg.OnAddOperation, a.added)
	a.API = humago.NewWithPrefix(a.mux, apiPrefix, cfg)
	a.UseMiddleware(a.ask)
	return a, nil
}

// added keeps the table of operations, and notes one without a capability.
func (a *API) added(_ *huma.OpenAPI, op *huma.Operation) {
	needs, _ := op.Metadata[needsKey].(actor.Capability)
	if needs == "" {
		a.bad = append(a.bad, fmt.Errorf("operation %s %s: it says no capability; add it with web.Register", op.Method, op.Path))
		return
	}
	a.ops = append(a.ops, RouteInfo{Section: "api", Method: op.Method, Path: apiPrefix + op.Path, Needs: needs})
}

// Err returns what is wrong with the operations; house asks at the start.
func (a *API) Err() error { return errors.Join(a.bad...) }

// Routes returns the operations for the table of routes.
func (a *API) Routes() []RouteInfo { return a.ops }

// ask finds out who holds the token and whether the operation is for them.
func (a *API) ask(ctx huma.Context, next func(huma.Context)) {
	needs, _ := ctx.Operation().Metadata[needsKey].(actor.Capability)
	if needs == "" {
		a.refuse(ctx, Explain(store.ErrForbidden))
		return
	}
	who := actor.Actor{ID: "nobody", Kind: actor.Nobody}
	if bearer, ok := bearerOf(ctx.Header("Authorization")); ok {
		var err error
		who, err = a.deps.Tokens.Actor(ctx.Context(), bearer)
		if errors.Is(err, store.ErrForbidden) || errors.Is(err, store.ErrNotFound) {
			err = ErrSignIn
		}
		if err != nil {
			a.explain(ctx, err)
			return
		}
	}
	if !allowed(who, needs) {
		if !who.SignedIn() {
			a.refuse(ctx, Explain(ErrSignIn))
			return
		}
		a.refuse(ctx, Problem{
			Status: http.StatusForbidden, Title: "This token is not for that",
			Words: "It lacks the scope " + string(needs) + ".",
		})
		return
	}
	with := actor.With(ctx.Context(), who)
	next(huma.WithContext(ctx, context.WithValue(with, apiKey{}, a)))
}

type apiKey struct{}

func bearerOf(header string) (string, bool) {
	kind, token, ok := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(kind, "Bearer") && token != ""
}

func (a *API) explain(ctx huma.Context, err error) {
	p := Explain(err)
	a.log(ctx.Context(), ctx.Operation(), p, err)
	a.refuse(ctx, p)
}

func (a *API) log(ctx context.Context, op *huma.Operation, p Problem, err error) {
	if p.Log {
		a.deps.Log.LogAttrs(ctx, slog.LevelError, "an API call failed", slog.String("id", p.ID),
			slog.String("operation", op.OperationID), slog.String("error", err.Error()))
	}
}

func (a *API) refuse(ctx huma.Context, p Problem) {
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", "Bearer")
		p.Words = "Send a token that is in force: Authorization: Bearer …"
	}
	if err := huma.WriteErr(a, ctx, p.Status, inOneLine(p)); err != nil {
		a.deps.Log.LogAttrs(ctx.Context(), slog.LevelDebug, "an answer was cut off", slog.String("operation", ctx.Operation().OperationID))
	}
}

// inOneLine is a problem, for programs.
func inOneLine(p Problem) string {
	s := p.Title + ". " + p.Words
	if p.ID != "" {
		s += " Number: " + p.ID
	}
	return s
}

// ServeHTTP answers under /api/v1/. What no operation matches is a problem in
// JSON, as everything else is.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	probe := &statusOnly{header: http.Header{}}
	a.mux.ServeHTTP(probe, r)
	p := Problem{Status: http.StatusNotFound, Title: "There is no such operation", Words: "See " + apiPrefix + "/openapi.json."}
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		p = Problem{Status: http.StatusMethodNotAllowed, Title: "This operation takes another method", Words: "See " + apiPrefix + "/openapi.json."}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	fmt.Fprintf(w, "{\"title\":%q,\"status\":%d,\"detail\":%q}\n", http.StatusText(p.Status), p.Status, inOneLine(p))
}

// Register adds an operation that needs the capability. Its errors become
// problems in the one place that explains errors; nothing internal is told.
func Register[I, O any](api huma.API, op huma.Operation, needs actor.Capability, do func(context.Context, *I) (*O, error)) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[needsKey] = needs
	op.RejectUnknownQueryParameters = true
	if needs != Open {
		op.Security = []map[string][]string{{"token": {string(needs)}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err == nil {
			return out, nil
		}
		var own huma.StatusError
		if errors.As(err, &own) {
			return nil, err
		}
		p := Explain(err)
		if a, ok := ctx.Value(apiKey{}).(*API); ok {
			a.log(ctx, &op, p, err)
		}
		return nil, huma.NewError(p.Status, inOneLine(p), details(err)...)
	})
}

// details says field by field what is wrong, where that is known.
func details(err error) []error {
	bad, ok := Wrong(err)
	if !ok {
		return nil
	}
	out := make([]error, 0, len(bad))
	for _, k := range sortedKeys(bad) {
		out = append(out, &huma.ErrorDetail{Message: bad[k], Location: k})
	}
	return out
}

// Cursor is embedded in the input of an operation that lists.
type Cursor struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many to return"`
	After string `query:"after" maxLength:"300" doc:"The cursor that the last answer gave as next"`
}

// Listed is the output of an operation that lists.
type Listed[T any] struct {
	Body ListedBody[T]
}

// ListedBody is its body: some items, and where to go on.
type ListedBody[T any] struct {
	Items []T    `json:"items" doc:"What was found"`
	Next  string `json:"next,omitempty" doc:"Send as after for what follows; absent at the end"`
}
