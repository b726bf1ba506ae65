package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Site is the pages as a passkey knows them: the name alone, and the whole
// origin as the browser says it.
type Site struct{ Name, Origin string }

// keyOwner is an account as the library for passkeys wants it.
type keyOwner struct {
	account Account
	name    string
	keys    []webauthn.Credential
}

func (k keyOwner) WebAuthnID() []byte                         { return []byte(k.account.ID) }
func (k keyOwner) WebAuthnName() string                       { return k.account.Username }
func (k keyOwner) WebAuthnDisplayName() string                { return k.name }
func (k keyOwner) WebAuthnCredentials() []webauthn.Credential { return k.keys }

// party is us, as passkeys of a site know us.
func party(at Site, school string) (*webauthn.WebAuthn, error) {
	if at.Name == "" {
		return nil, store.Invalid{"": "a passkey needs these pages to have a name and a protected connection; open them by their https address"}
	}
	if school == "" {
		school = "Belisha"
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: at.Name, RPDisplayName: school, RPOrigins: []string{at.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementDiscouraged, UserVerification: protocol.VerificationPreferred,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing for a passkey: %w", err)
	}
	return w, nil
}

// owner reads an account with its passkeys of a site.
func (r *Room) keyOwner(ctx context.Context, account string, at Site) (keyOwner, []Factor, error) {
	a, err := r.AccountByID(ctx, account)
	if err != nil {
		return keyOwner{}, nil, err
	}
	p, err := r.People.Get(ctx, a.Person)
	if err != nil {
		return keyOwner{}, nil, err
	}
	list, err := factorsOf(ctx, r.DB, account)
	if err != nil {
		return keyOwner{}, nil, err
	}
	o := keyOwner{account: a, name: p.Name()}
	var mine []Factor
	for _, f := range list {
		if f.Kind != FactorPasskey || f.Site != at.Name {
			continue
		}
		c, err := r.credential(ctx, f)
		if err != nil {
			return keyOwner{}, nil, err
		}
		o.keys, mine = append(o.keys, c), append(mine, f)
	}
	return o, mine, nil
}

func (r *Room) credential(ctx context.Context, f Factor) (webauthn.Credential, error) {
	var c webauthn.Credential
	raw, err := r.openFor(ctx, "factor "+f.ID, f.secret)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, errSealed
	}
	c.Authenticator.SignCount = uint32(f.counter) //nolint:gosec // it was a uint32
	return c, nil
}

// keepCeremony lays a challenge out until it is answered, for one session and
// one purpose. A second window takes the place of the first.
func (r *Room) keepCeremony(key string, s *webauthn.SessionData) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keeping a challenge: %w", err)
	}
	r.waiting.put(key, r.Clock.Now(), raw)
	return nil
}

var errCeremony = store.Invalid{"": "this took too long, was answered already, or another window began afresh; press the button again"}

func (r *Room) takeCeremony(key string) (webauthn.SessionData, error) {
	var s webauthn.SessionData
	raw, ok := r.waiting.take(key, r.Clock.Now())
	if !ok {
		return s, errCeremony
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errCeremony
	}
	// Our own clock bounded it; the library would ask the machine's.
	s.Expires = time.Time{}
	return s, nil
}

// StartKey begins to take up a passkey: what the browser's script passes on.
func (r *Room) StartKey(ctx context.Context, s Session, at Site, school string) (any, error) {
	w, err := party(at, school)
	if err != nil {
		return nil, err
	}
	o, _, err := r.keyOwner(ctx, s.Account, at)
	if err != nil {
		return nil, err
	}
	options, data, err := w.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.keys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("preparing for a passkey: %w", err)
	}
	return options, r.keepCeremony("new key "+s.ID, data)
}

// errKey is the one answer to a passkey's answer that does not hold.
var errKey = store.Invalid{"": "the passkey's answer does not hold; press the button again"}

// FinishKey takes a passkey up. The first second factor brings recovery codes.
func (r *Room) FinishKey(ctx context.Context, s Session, at Site, name string, answer []byte) (codes []string, err error) {
	data, err := r.takeCeremony("new key " + s.ID)
	if err != nil {
		return nil, err
	}
	w, err := party(at, "")
	if err != nil {
		return nil, err
	}
	o, _, err := r.keyOwner(ctx, s.Account, at)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, r.keyRefused(ctx, err)
	}
	c, err := w.CreateCredential(o, data, parsed)
	if err != nil {
		return nil, r.keyRefused(ctx, err)
	}
	// Whose make the device is, is nobody's business here.
	c.Attestation = webauthn.CredentialAttestation{}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("keeping a passkey: %w", err)
	}
	return r.addFactor(ctx, s, Factor{
		Kind: FactorPasskey, Name: name, Site: at.Name, credential: base64.RawURLEncoding.EncodeToString(c.ID), secret: string(raw), counter: int64(c.Authenticator.SignCount),
	})
}

// keyRefused notes for whoever looks after Belisha why an answer did not hold.
func (r *Room) keyRefused(ctx context.Context, err error) error {
	why := err.Error()
	var p *protocol.Error
	if errors.As(err, &p) {
		why = p.Type
	}
	r.Log.InfoContext(ctx, "a passkey's answer did not hold", "why", why)
	return errKey
}

// AskKey begins to ask for a passkey.
func (r *Room) AskKey(ctx context.Context, s Session, at Site) (any, error) {
	if err := r.triesRest(ctx, s.Account); err != nil {
		return nil, err
	}
	w, err := party(at, "")
	if err != nil {
		return nil, err
	}
	o, mine, err := r.keyOwner(ctx, s.Account, at)
	if err != nil {
		return nil, err
	}
	if len(mine) == 0 {
		return nil, store.Invalid{"": "this account has no passkey for this address"}
	}
	options, data, err := w.BeginLogin(o)
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return options, r.keepCeremony("key "+s.ID, data)
}

// ProveKey takes a passkey's answer in a session.
func (r *Room) ProveKey(ctx context.Context, s Session, at Site, answer []byte) error {
	ctx = asPerson(ctx, people.Person{ID: s.Person})
	if err := r.triesRest(ctx, s.Account); err != nil {
		return err
	}
	data, err := r.takeCeremony("key " + s.ID)
	if err != nil {
		return err
	}
	n, err := r.beginTry(ctx, s.Account)
	if err != nil {
		return err
	}
	w, err := party(at, "")
	if err != nil {
		return err
	}
	o, mine, err := r.keyOwner(ctx, s.Account, at)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	var c *webauthn.Credential
	if err == nil {
		c, err = w.ValidateLogin(o, data, parsed)
	}
	if err == nil && c.Authenticator.CloneWarning {
		err = errors.New("the passkey's count went back: it may have been copied")
	}
	if err != nil {
		if werr := r.wrongFactor(ctx, s.Account, n); werr != nil {
			return werr
		}
		return r.keyRefused(ctx, err)
	}
	return r.keyShown(ctx, s, mine, c)
}

func (r *Room) keyShown(ctx context.Context, s Session, mine []Factor, c *webauthn.Credential) error {
	id := ""
	for _, f := range mine {
		raw, err := base64.RawURLEncoding.DecodeString(f.credential)
		if err == nil && bytes.Equal(raw, c.ID) {
			id = f.ID
		}
	}
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		moved, err := useFactor(ctx, tx, id, r.Clock.Now(), int64(c.Authenticator.SignCount), true)
		if err != nil {
			return err
		}
		if !moved {
			return errKey
		}
		return r.proved(ctx, tx, s, FactorPasskey, nil)
	})
	if err != nil {
		return err
	}
	return r.nowHere(ctx, s)
}
