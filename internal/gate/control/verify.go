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

// NamePath is where the people's socket says for the gate who a name of the
// network means.
const NamePath = "/gate/name"

// NameRequest asks who a name means that the network has proved, or told.
type NameRequest struct {
	// Name is as the network knows them, without a realm or domain.
	Name string `json:"name"`
	// Realm is the Kerberos realm or mail domain that came with it, or "".
	Realm string `json:"realm,omitempty"`
	// How is "kerberos", "accounting" or "peer".
	How string `json:"how"`
}

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
	a, err := p.ask(ctx, VerifyPath, verifyRequest{user, password})
	if err != nil {
		return subject.Row{}, false, fmt.Errorf("asking about a password: %w", err)
	}
	return a.Row, a.OK, nil
}

// ByName asks who a name means. Their row is at no address, and ends when a
// sign-in would; ok is false where nobody is known by that name, or more than
// one.
func (p *People) ByName(ctx context.Context, in NameRequest) (row subject.Row, ok bool, err error) {
	a, err := p.ask(ctx, NamePath, in)
	if err != nil {
		return subject.Row{}, false, fmt.Errorf("asking who a name means: %w", err)
	}
	return a.Row, a.OK, nil
}

func (p *People) ask(ctx context.Context, path string, in any) (a verifyAnswer, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://people"+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	Sign(req, p.secret, netip.IPv6Unspecified(), false, p.now())
	res, err := p.http.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return a, fmt.Errorf("the answer was %d", res.StatusCode)
	}
	return a, json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&a)
}

// VerifyFunc checks a name and password.
type VerifyFunc func(ctx context.Context, user, password string) (row subject.Row, ok bool, err error)

// VerifyHandler is the parent's end: mount it at VerifyPath on the people's
// socket. Secret returns the running gate's secret (State.Secret).
func VerifyHandler(check VerifyFunc, secret func() string, now func() time.Time) http.Handler {
	return asked(secret, now, func(w http.ResponseWriter, r *http.Request) {
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

// NameFunc says who a name means.
type NameFunc func(ctx context.Context, in NameRequest) (row subject.Row, ok bool, err error)

// NameHandler is the parent's end of ByName: mount it at NamePath on the
// people's socket.
func NameHandler(find NameFunc, secret func() string, now func() time.Time) http.Handler {
	return asked(secret, now, func(w http.ResponseWriter, r *http.Request) {
		var in NameRequest
		if !take(w, r, &in) {
			return
		}
		row, good, err := find(r.Context(), in)
		if err != nil {
			http.Error(w, "names cannot be looked up at the moment", http.StatusServiceUnavailable)
			return
		}
		reply(w, verifyAnswer{good, row}, nil)
	})
}

// asked lets only the running gate itself ask.
func asked(secret func() string, now func() time.Time, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, _, ok := SignedClient(r, secret(), now())
		if !ok || !a.IsUnspecified() || r.Method != http.MethodPost {
			http.Error(w, "only the filter asks here", http.StatusForbidden)
			return
		}
		answer(w, r)
	})
}
