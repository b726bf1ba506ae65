package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

// maxKeyBody bounds a passkey's answer.
const maxKeyBody = 64 << 10

func personID(s string) people.ID { return people.ID(s) }

// newKeyButton offers a new passkey where the browser can make one.
func (r *Room) newKeyButton(c *web.Ctx) keyView {
	if name, _ := r.site(c.R); name == "" {
		return keyView{Why: "A passkey can be added where these pages are opened by their name over https, and not by a number. An app that shows codes works everywhere."}
	}
	return keyView{
		Begin: factorPath + "/key/begin", Finish: factorPath + "/key", Make: true,
		Title: "Add a passkey", Script: web.AssetPath("passkey.js"),
	}
}

// keyAnswer is what the script sends.
type keyAnswer struct {
	Name       string          `json:"name"`
	To         string          `json:"to"`
	Credential json.RawMessage `json:"credential"`
}

func readKey(c *web.Ctx) (keyAnswer, error) {
	var k keyAnswer
	raw, err := io.ReadAll(c.R.Body)
	if err != nil {
		return k, web.ErrTooLarge
	}
	if len(raw) == 0 {
		return k, nil
	}
	if err := json.Unmarshal(raw, &k); err != nil {
		return k, fmt.Errorf("reading a passkey's answer: %w", web.ErrBadForm)
	}
	return k, nil
}

// said answers the script.
func said(c *web.Ctx, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("answering a script: %w", err)
	}
	c.W.Header().Set("Content-Type", "application/json")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(raw) // the reader may have gone away
	return nil
}

// refusedKey tells the script in a sentence what is wrong, or where to go
// first.
func refusedKey(c *web.Ctx, err error) error {
	var first web.SeeOther
	bad, ok := web.Wrong(err)
	switch {
	case errors.As(err, &first):
		return said(c, http.StatusOK, map[string]string{"to": first.To})
	case errors.Is(err, web.ErrSignIn):
		return said(c, http.StatusOK, map[string]string{"to": "/sign-in"})
	case errors.Is(err, store.ErrForbidden):
		return said(c, http.StatusForbidden, map[string]string{"error": plainWords})
	case !ok:
		return err
	}
	for _, w := range bad {
		return said(c, http.StatusUnprocessableEntity, map[string]string{"error": sentence(w) + "."})
	}
	return err
}

func (r *Room) pageSite(c *web.Ctx) Site {
	name, origin := r.site(c.R)
	return Site{Name: name, Origin: origin}
}

// keyBegin begins to take up a passkey.
func (r *Room) keyBegin(c *web.Ctx) error {
	st, err := r.sessionOf(c)
	if err == nil {
		err = r.Prove(c, proofLasts)
	}
	if err != nil {
		return refusedKey(c, err)
	}
	o, err := r.StartKey(c.Context(), st.Session, r.pageSite(c), r.schoolName(c))
	if err != nil {
		return refusedKey(c, err)
	}
	return said(c, http.StatusOK, o)
}

// keyPost takes a passkey up.
func (r *Room) keyPost(c *web.Ctx) error {
	k, err := readKey(c)
	if err != nil {
		return err
	}
	st, err := r.sessionOf(c)
	if err == nil {
		err = r.Prove(c, proofLasts)
	}
	if err != nil {
		return refusedKey(c, err)
	}
	codes, err := r.FinishKey(c.Context(), st.Session, r.pageSite(c), k.Name, k.Credential)
	if err != nil {
		return refusedKey(c, err)
	}
	c.Notice("The passkey is your second factor now. Every other session of yours has ended.")
	return said(c, http.StatusOK, map[string]string{"to": r.showCodes(c, codes)})
}

// secondKeyBegin asks whoever typed a right password for a passkey.
func (r *Room) secondKeyBegin(c *web.Ctx) error {
	st, err := r.sessionOf(c)
	if err == nil {
		err = r.mayTry(c)
	}
	if err != nil {
		return refusedKey(c, err)
	}
	o, err := r.AskKey(c.Context(), st.Session, r.pageSite(c))
	if err != nil {
		return refusedKey(c, err)
	}
	return said(c, http.StatusOK, o)
}

func (r *Room) secondKeyPost(c *web.Ctx) error {
	k, err := readKey(c)
	if err != nil {
		return err
	}
	st, err := r.sessionOf(c)
	if err == nil {
		err = r.mayTry(c)
	}
	if err != nil {
		return refusedKey(c, err)
	}
	if err := r.ProveKey(c.Context(), st.Session, r.pageSite(c), k.Credential); err != nil {
		return refusedKey(c, err)
	}
	to := web.SafePath(k.To)
	if to == "" {
		now, err := r.Stand(c.Context(), r.token(c.R))
		if err != nil {
			return err
		}
		to = r.after(c, now)
	}
	return said(c, http.StatusOK, map[string]string{"to": to})
}
