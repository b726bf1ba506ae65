package web

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"belisha/internal/kit/store"
)

// FieldKind is the sort of a field.
type FieldKind string

// The kinds of field.
const (
	TextField     FieldKind = "text"
	EmailField    FieldKind = "email"
	PasswordField FieldKind = "password"
	SearchField   FieldKind = "search"
	NumberField   FieldKind = "number" // whole numbers, typed as text
	LongField     FieldKind = "long"   // a text area
	SelectField   FieldKind = "select"
	RadiosField   FieldKind = "radios"
	ChecksField   FieldKind = "checks" // several of Options
	CheckField    FieldKind = "check"  // one box; Value "yes" when ticked
	DateField     FieldKind = "date"   // three boxes: day, month, year
	DayField      FieldKind = "day"    // the browser's own picker, 2026-11-23
	TimeField     FieldKind = "time"
	MomentField   FieldKind = "moment" // day and time
	FileField     FieldKind = "file"
	HiddenField   FieldKind = "hidden"
)

// Option is one choice of a select, of radios or of checks.
type Option struct {
	Value, Label, Hint string
	Chosen             bool
}

// Field is one question of a form: partial "field".
type Field struct {
	Kind  FieldKind // "" is TextField
	Name  string
	Label string
	// Heading: the label is the page's only question and is shown as its
	// heading.
	Heading bool
	Hint    string
	Error   string
	Value   string
	Options []Option
	// Optional adds "(optional)" to the label; else an answer is expected.
	Optional bool
	// Autocomplete is the HTML token: "username", "current-password", "name".
	Autocomplete string
	// Width is the number of characters that the answer has, 0 for the whole
	// measure. Rows is the height of a LongField.
	Width, Rows int
	// Max is the longest answer, in characters; 0 for no bound.
	Max int
	// Accept is for a FileField: ".csv,.zip".
	Accept string
	// Inline puts radios side by side.
	Inline bool
	// Focus moves the keyboard here when the page opens.
	Focus bool
	// Day, Month and Year are the parts of a DateField.
	Day, Month, Year string
}

// Ref is the id of the input, or of the first one.
func (f Field) Ref() string {
	if f.Kind == DateField {
		return f.Name + "-day"
	}
	return f.Name
}

// Described lists the ids of what describes the input.
func (f Field) Described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// Input is the HTML type of a one-line field.
func (f Field) Input() string {
	switch f.Kind {
	case EmailField, PasswordField, SearchField, TimeField:
		return string(f.Kind)
	case DayField:
		return "date"
	case MomentField:
		return "datetime-local"
	}
	return "text"
}

// OptionRef is the id of option i: the first one has the field's own.
func (f Field) OptionRef(i int) string {
	if i == 0 {
		return f.Name
	}
	return f.Name + "-" + strconv.Itoa(i+1)
}

// fill puts what was posted back, so that nothing typed is lost. A password
// and a file are never sent back.
func (f *Field) fill(form url.Values) {
	switch f.Kind {
	case PasswordField, FileField:
	case DateField:
		f.Day, f.Month, f.Year = form.Get(f.Name+"-day"), form.Get(f.Name+"-month"), form.Get(f.Name+"-year")
	case SelectField, RadiosField, ChecksField:
		chosen := map[string]bool{}
		for _, v := range form[f.Name] {
			chosen[v] = true
		}
		f.Value = form.Get(f.Name)
		opts := make([]Option, len(f.Options))
		for i, o := range f.Options {
			o.Chosen = chosen[o.Value]
			opts[i] = o
		}
		f.Options = opts
	default:
		f.Value = form.Get(f.Name)
	}
}

// Choose returns the field with the option of that value chosen, and no other.
func (f Field) Choose(value string) Field {
	f.fill(url.Values{f.Name: {value}})
	return f
}

// DateText returns a DateField's answer as "2026-11-23", or "" when nothing
// was typed. What is typed is only put together: the room says what is wrong
// with it.
func DateText(form url.Values, name string) string {
	d, m, y := strings.TrimSpace(form.Get(name+"-day")), strings.TrimSpace(form.Get(name+"-month")), strings.TrimSpace(form.Get(name+"-year"))
	if d == "" && m == "" && y == "" {
		return ""
	}
	return y + "-" + pad(m) + "-" + pad(d)
}

func pad(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// capital begins a sentence with a capital letter.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// Wrong reports whether err says what is wrong with a form, and what.
func Wrong(err error) (store.Invalid, bool) {
	var bad store.Invalid
	ok := errors.As(err, &bad)
	return bad, ok
}

// Mistake is one thing to put right, with the input it is about.
type Mistake struct{ Words, Ref string }

// Errors is the summary of what is wrong with a form: partial "errors". The
// keyboard's focus goes to it.
type Errors struct{ List []Mistake }

// Refill puts what was posted back into the fields, marks those that are
// wrong, and returns the summary for Base.Errors in the fields' order. Wrong
// things with no field of that name come first.
func Refill(form url.Values, bad store.Invalid, fields ...*Field) Errors {
	var e Errors
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
	}
	for _, k := range sortedKeys(bad) {
		if !known[k] {
			e.List = append(e.List, Mistake{Words: capital(bad[k])})
		}
	}
	for _, f := range fields {
		if form != nil {
			f.fill(form)
		}
		if why, wrong := bad[f.Name]; wrong {
			why = capital(why)
			f.Error = why
			e.List = append(e.List, Mistake{Words: why, Ref: f.Ref()})
		}
	}
	return e
}
