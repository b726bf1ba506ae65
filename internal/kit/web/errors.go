package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"belisha/internal/kit/store"
)

// Outcomes of a request that this package adds to kit/store's.
var (
	// ErrTooLarge: more was sent than the page takes.
	ErrTooLarge = errors.New("this is larger than this page can take")
	// ErrNoFile: the form has a place for a file and none came.
	ErrNoFile = errors.New("no file was chosen")
	// ErrBadForm: what was sent is not a form.
	ErrBadForm = errors.New("the form could not be read; go back and send it again")
	// ErrSignIn: the page is for people who are signed in.
	ErrSignIn = errors.New("sign in first")
	// ErrBusy: Belisha has too much to do just now.
	ErrBusy = errors.New("too many people are asking at once; wait a minute and try again")
)

// SeeOther is an error that sends the reader to another page of ours.
type SeeOther struct{ To string }

// Error names the page.
func (s SeeOther) Error() string { return "go to " + s.To }

// sentError is a fault after the answer was begun: it can only be logged.
type sentError struct{ err error }

func (e sentError) Error() string { return "sending the answer: " + e.err.Error() }
func (e sentError) Unwrap() error { return e.err }

// Problem is an error as a reader sees it.
type Problem struct {
	Status int
	Title  string   // "There is no such page"
	Words  string   // what to do
	List   []string // what is wrong, field by field
	ID     string   // of an internal fault, to find it in the log
	Log    bool     // it is a fault that an operator should see
}

// Explain turns an error into a status and sentences. It is the only place
// that does so, for pages and for the API.
func Explain(err error) Problem {
	var bad store.Invalid
	switch {
	case errors.As(err, &bad):
		return Problem{
			Status: http.StatusUnprocessableEntity, Title: "Something needs to be put right",
			Words: "Go back, change it and send it again. Nothing was changed.", List: sentences(bad),
		}
	case errors.Is(err, store.ErrNotFound):
		return Problem{
			Status: http.StatusNotFound, Title: "There is no such page",
			Words: "It may have been moved or removed, or the address may be mistyped.",
		}
	case errors.Is(err, store.ErrForbidden):
		return Problem{
			Status: http.StatusForbidden, Title: "This page is not for your account",
			Words: "If your work needs it, ask whoever looks after accounts at your school.",
		}
	case errors.Is(err, ErrSignIn):
		return Problem{
			Status: http.StatusUnauthorized, Title: "Sign in first",
			Words: "This page is for people who are signed in.",
		}
	case errors.Is(err, store.ErrStale):
		return Problem{
			Status: http.StatusConflict, Title: "Somebody else changed this first",
			Words: "Go back, load the page again and look at what changed, then make your change. Nothing of yours was saved.",
		}
	case errors.Is(err, ErrTooLarge):
		return Problem{
			Status: http.StatusRequestEntityTooLarge, Title: "That is too large",
			Words: "This page takes less than was sent. Send a smaller file, or less text. Nothing was changed.",
		}
	case errors.Is(err, ErrNoFile), errors.Is(err, ErrBadForm):
		return Problem{
			Status: http.StatusBadRequest, Title: "The form could not be read",
			Words: "Go back and send it again. If it asks for a file, choose one first.",
		}
	case errors.Is(err, ErrBusy):
		return Problem{
			Status: http.StatusServiceUnavailable, Title: "Too many people are asking at once",
			Words: "Wait a minute and try again. Nothing was changed.",
		}
	}
	return Problem{
		Status: http.StatusInternalServerError, Title: "Something went wrong here",
		Words: "It is not your doing. Try again; if it happens again, tell whoever looks after Belisha the number below.",
		ID:    rand.Text()[:10], Log: true,
	}
}

// sentences lists what is wrong, in a steady order.
func sentences(bad store.Invalid) []string {
	out := make([]string, 0, len(bad))
	for _, k := range sortedKeys(bad) {
		out = append(out, bad[k])
	}
	return out
}

// bodyError tells a body that is too large from one that is no form.
func bodyError(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fmt.Errorf("reading the form: %w", ErrTooLarge)
	}
	return fmt.Errorf("reading the form: %w: %w", ErrBadForm, err)
}
