package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"belisha/internal/gate/subject"
)

// VerifyPath is where the people's socket checks passwords for the gate.
const VerifyPath = "/gate/verify"

type verifyRequest struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

type verifyAnswer struct {
	OK  bool        `json:"ok"`
	Row subject.Row `json:"row"`
}

// People is the gate's end of the people's socket. It implements the proxy's
// Verifier.
type People struct {
	secret string
	now    func() time.Time
	http   *http.Client
}

// NewPeople returns a client of the socket that path names at each call.
func NewPeople(path func() string, secret string, now func() time.Time) *People {
	return &People{secret: secret, now: now, http: unixClient(path)}
}

// Verify asks whether a name and password belong together, and whose they are.
func (p *People) Verify(ctx context.Context, user, password string) (subject.Row, bool, error) {
	body, err := json.Marshal(verifyRequest{user, password})
	if err != nil {
		return subject.Row{}, false, fmt.Errorf("asking about a password: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://people"+VerifyPath, bytes.NewReader(body))
	if err != nil {
		return subject.Row{}, false, fmt.Errorf("asking about a password: %w", err)
	}
	Sign(req, p.secret, netip.IPv6Unspecified(), false, p.now())
	res, err := p.http.Do(req)
	if err != nil {
		return subject.Row{}, false, fmt.Errorf("asking about a password: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return subject.Row{}, false, fmt.Errorf("asking about a password: the answer was %d", res.StatusCode)
	}
	var a verifyAnswer
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&a); err != nil {
		return subject.Row{}, false, fmt.Errorf("asking about a password: %w", err)
	}
	return a.Row, a.OK, nil
}

// VerifyFunc checks a name and password.
type VerifyFunc func(ctx context.Context, user, password string) (row subject.Row, ok bool, err error)

// VerifyHandler is the parent's end: mount it at VerifyPath on the people's
// socket. Secret returns the running gate's secret (State.Secret).
func VerifyHandler(check VerifyFunc, secret func() string, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, _, ok := SignedClient(r, secret(), now())
		if !ok || !a.IsUnspecified() || r.Method != http.MethodPost {
			http.Error(w, "only the filter asks here", http.StatusForbidden)
			return
		}
		var in verifyRequest
		if !take(w, r, &in) {
			return
		}
		row, good, err := check(r.Context(), in.User, in.Password)
		if err != nil {
			http.Error(w, "passwords cannot be checked at the moment", http.StatusServiceUnavailable)
			return
		}
		reply(w, verifyAnswer{good, row}, nil)
	})
}
