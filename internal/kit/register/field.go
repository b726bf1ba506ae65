package register

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"belisha/internal/kit/store"
)

type kind string

const (
	textKind   kind = "text"
	longKind   kind = "long"
	choiceKind kind = "choice"
	dayKind    kind = "day"
	momentKind kind = "moment"
	numberKind kind = "number"
	flagKind   kind = "flag"
	personKind kind = "person"
)

// Day is a day without an hour: "2026-11-23", or "".
type Day string

// Person is the id of a person, or "".
type Person string

// Option is one thing that a choice may be.
type Option[V ~string] struct {
	Value V
	Title string
}

// Field is one field of a record of type T.
type Field[T any] struct {
	Name, Label string
	kind        kind
	opt         options
	choices     []Option[string]
	text        func(r *T, zone *time.Location) string // as a form takes it
	parse       func(r *T, s string, zone *time.Location) string
	scan        func(r *T) any
	value       func(r *T) any
}

type options struct {
	required, listed bool
	hint             string
	max              int
	low, high        int64
}

// Opt is a property of a field.
type Opt func(*options)

// Required: a record without it is refused.
func Required(o *options) { o.required = true }

// Listed: it is a column of the list.
func Listed(o *options) { o.listed = true }

// Hint is shown below the label.
func Hint(s string) Opt { return func(o *options) { o.hint = s } }

// Max is the longest text, in letters.
func Max(n int) Opt { return func(o *options) { o.max = n } }

// Within bounds a number.
func Within(low, high int64) Opt { return func(o *options) { o.low, o.high = low, high } }

func field[T any](name, label string, k kind, opts []Opt) Field[T] {
	f := Field[T]{Name: name, Label: label, kind: k, opt: options{max: 200, high: 1_000_000_000}}
	if k == longKind {
		f.opt.max = 4000
	}
	for _, o := range opts {
		o(&f.opt)
	}
	return f
}

// Text is a line of words.
func Text[T any](name, label string, at func(*T) *string, opts ...Opt) Field[T] {
	return worded(name, label, textKind, at, opts)
}

// Long is several lines of words.
func Long[T any](name, label string, at func(*T) *string, opts ...Opt) Field[T] {
	return worded(name, label, longKind, at, opts)
}

// OnDay is a day.
func OnDay[T any](name, label string, at func(*T) *Day, opts ...Opt) Field[T] {
	return worded(name, label, dayKind, at, opts)
}

// Who is a person of the roll. The record keeps the id; pages show the name.
func Who[T any](name, label string, at func(*T) *Person, opts ...Opt) Field[T] {
	return worded(name, label, personKind, at, opts)
}

// Choice is one of a few.
func Choice[T any, V ~string](name, label string, at func(*T) *V, all []Option[V], opts ...Opt) Field[T] {
	f := worded(name, label, choiceKind, at, opts)
	for _, o := range all {
		f.choices = append(f.choices, Option[string]{string(o.Value), o.Title})
	}
	return f
}

// worded is a field that is kept as text.
func worded[T any, V ~string](name, label string, k kind, at func(*T) *V, opts []Opt) Field[T] {
	f := field[T](name, label, k, opts)
	f.text = func(r *T, _ *time.Location) string { return string(*at(r)) }
	f.parse = func(r *T, s string, _ *time.Location) string {
		*at(r) = V(s)
		return ""
	}
	f.scan = func(r *T) any { return namedText[V]{at(r)} }
	f.value = func(r *T) any { return string(*at(r)) }
	return f
}

// namedText scans text into a named string type.
type namedText[V ~string] struct{ to *V }

// Scan reads text.
func (n namedText[V]) Scan(src any) error {
	switch s := src.(type) {
	case string:
		*n.to = V(s)
	case []byte:
		*n.to = V(s)
	default:
		return fmt.Errorf("reading a word: %T is not text", src)
	}
	return nil
}

// momentForm is how browsers send a day and an hour.
const momentForm = "2006-01-02T15:04"

// Moment is a day and an hour.
func Moment[T any](name, label string, at func(*T) *time.Time, opts ...Opt) Field[T] {
	f := field[T](name, label, momentKind, opts)
	f.text = func(r *T, zone *time.Location) string {
		if at(r).IsZero() {
			return ""
		}
		return at(r).In(zone).Format(momentForm)
	}
	f.parse = func(r *T, s string, zone *time.Location) string {
		*at(r) = time.Time{}
		if s == "" {
			return ""
		}
		for _, form := range []string{momentForm, "2006-01-02T15:04:05", "2006-01-02 15:04", "02/01/2006 15:04"} {
			if t, err := time.ParseInLocation(form, s, zone); err == nil && t.Year() >= 1900 && t.Year() < 2200 {
				*at(r) = t.UTC()
				return ""
			}
		}
		return "Give the day and the hour, such as 2026-11-23T14:30."
	}
	f.scan = func(r *T) any { return instant{at(r)} }
	f.value = func(r *T) any { return store.At(*at(r)) }
	return f
}

// instant scans milliseconds into a time.
type instant struct{ to *time.Time }

// Scan reads milliseconds.
func (i instant) Scan(src any) error {
	var t store.Time
	if err := t.Scan(src); err != nil {
		return err
	}
	*i.to = t.Time
	return nil
}

// Number is a whole number.
func Number[T any](name, label string, at func(*T) *int64, opts ...Opt) Field[T] {
	f := field[T](name, label, numberKind, opts)
	f.text = func(r *T, _ *time.Location) string { return strconv.FormatInt(*at(r), 10) }
	f.parse = func(r *T, s string, _ *time.Location) string {
		*at(r) = 0
		if s == "" && !f.opt.required {
			return ""
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return "Give a whole number."
		}
		*at(r) = n
		return ""
	}
	f.scan = func(r *T) any { return at(r) }
	f.value = func(r *T) any { return *at(r) }
	return f
}

// Flag is yes or no.
func Flag[T any](name, label string, at func(*T) *bool, opts ...Opt) Field[T] {
	f := field[T](name, label, flagKind, opts)
	f.text = func(r *T, _ *time.Location) string {
		if *at(r) {
			return "yes"
		}
		return "no"
	}
	f.parse = func(r *T, s string, _ *time.Location) string {
		*at(r) = s == "yes"
		return ""
	}
	f.scan = func(r *T) any { return at(r) }
	f.value = func(r *T) any { return *at(r) }
	return f
}

// wrong says what is wrong with the field's value, or "".
func (f *Field[T]) wrong(r *T) string {
	s := f.text(r, time.UTC)
	switch {
	case f.opt.required && (s == "" || strings.TrimSpace(s) == ""):
		return f.missing()
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "This holds letters that cannot be kept; type it again."
	case utf8.RuneCountInString(s) > f.opt.max:
		return fmt.Sprintf("This is too long; %d letters are the most.", f.opt.max)
	case s == "":
		return ""
	}
	switch f.kind {
	case choiceKind:
		if f.titleOf(s) == "" {
			return "Choose one of the list."
		}
	case dayKind:
		if t, err := time.Parse(time.DateOnly, s); err != nil || t.Year() < 1900 || t.Year() > 2200 {
			return "Give a day that there is, such as 23 11 2026."
		}
	case numberKind:
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || n < f.opt.low || n > f.opt.high {
			return fmt.Sprintf("Give a whole number from %d to %d.", f.opt.low, f.opt.high)
		}
	}
	return ""
}

func (f *Field[T]) missing() string {
	switch f.kind {
	case choiceKind:
		return "Choose one: " + strings.ToLower(f.Label) + "."
	case personKind:
		return "Say who: " + strings.ToLower(f.Label) + "."
	}
	return "Fill in: " + strings.ToLower(f.Label) + "."
}

func (f *Field[T]) titleOf(value string) string {
	for _, c := range f.choices {
		if c.Value == value {
			return c.Title
		}
	}
	return ""
}
