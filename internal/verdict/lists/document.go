package lists

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	maxJSONDepth = 8
	// maxJSONValue bounds one value of a document; the document itself may be
	// as long as any list.
	maxJSONValue = 4 << 20
)

// errJSONValue: one value goes on and on.
var errJSONValue = errors.New("one value in it is longer than 4 MB; this is no list")

// document reports a list that is one JSON document and not one value a line:
// an array, or an object whose first line is not an entry by itself.
func document(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
		return false
	case head[0] == '[':
		return true
	case head[0] != '{':
		return false
	}
	advance, line, _ := cutLine(head, true)
	var obj map[string]any
	if json.Unmarshal(bytes.TrimRight(line, ", \t"), &obj) != nil {
		return true
	}
	entry, several := false, len(bytes.TrimSpace(head[advance:])) > 0
	for key, v := range obj {
		switch v.(type) {
		case string:
			entry = entry || slices.Contains(entryWords, key)
		case []any, map[string]any:
			if !slices.Contains(labelWords, key) && !several {
				return true
			}
		}
	}
	return !entry
}

// leash hands a text on for one value at a time, and knows where lines begin.
type leash struct {
	r          io.Reader
	got, since int64
	breaks     []int64 // of lines that were handed on and not yet reached
}

func (l *leash) Read(p []byte) (int, error) {
	if l.since > maxJSONValue {
		return 0, errJSONValue
	}
	p = p[:min(len(p), scanBuffer)]
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.breaks = append(l.breaks, l.got+int64(i))
		}
	}
	l.got += int64(n)
	l.since += int64(n)
	return n, err
}

// reached counts the lines before a place in the text.
func (l *leash) reached(at int64) int {
	n := 0
	for n < len(l.breaks) && l.breaks[n] < at {
		n++
	}
	l.breaks = l.breaks[n:]
	return n
}

// reading is a JSON document on its way through.
type reading struct {
	f     *file
	leash *leash
	dec   *json.Decoder
}

// readDocument reads a whole JSON document: an array of addresses or of
// objects with addresses, or an object that has such arrays by category.
func (f *file) readDocument(bom bool) error {
	l := &leash{r: f.lines.text}
	if bom {
		if _, err := io.CopyN(io.Discard, l, 3); err != nil {
			return fmt.Errorf("read the list: %w", err)
		}
		l.got = 0
	}
	r := &reading{f: f, leash: l, dec: json.NewDecoder(l)}
	f.lines.no = 1
	for {
		err := r.member("", "", 0)
		switch {
		case errors.Is(err, io.EOF) && r.dec.InputOffset() > 0:
			f.lines.no += l.reached(l.got)
			return nil
		case err == nil:
			continue
		}
		return r.fault(err)
	}
}

// fault is a document that is not whole: nothing of it can be trusted.
func (r *reading) fault(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errJSONValue):
		return &Refusal{File: r.f.rep.File, Line: r.f.lines.no, Reason: errJSONValue.Error()}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Refusal{File: r.f.rep.File, Line: r.f.lines.no, Reason: "the document breaks off; fetch it again"}
	case errors.As(err, &syntax):
		return &Refusal{File: r.f.rep.File, Line: r.f.lines.no, Reason: "this is no whole JSON document, and no list with one JSON value a line"}
	}
	return err
}

// step notes where the reading is, and looks now and then whether it is still
// wanted.
func (r *reading) step() error {
	r.leash.since = 0
	r.f.lines.no += r.leash.reached(r.dec.InputOffset())
	return r.f.run.ctx.Err()
}

func (r *reading) object(category string, depth int) error {
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		key = strings.ToLower(strings.TrimSpace(key))
		under := category
		if !slices.Contains(groupWords, key) && !slices.Contains(entryWords, key) && len(key) <= 100 {
			under = key
		}
		if err := r.member(key, under, depth); err != nil {
			return err
		}
	}
	return r.closing()
}

// closing reads the bracket at the end; a document that ends before it is not
// whole.
func (r *reading) closing() error {
	_, err := r.dec.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// member reads what stands under a key. A word or a number there tells of the
// list, unless the key is of an entry within.
func (r *reading) member(key, under string, depth int) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		if depth >= maxJSONDepth {
			return &Refusal{File: r.f.rep.File, Line: r.f.lines.no, Reason: "the document goes too deep for a list"}
		}
		if t == '{' {
			return r.object(under, depth+1)
		}
		return r.array(under)
	case string:
		if key == "" || depth > 1 && slices.Contains(entryWords, key) {
			return r.entry(under, t)
		}
	}
	r.f.rep.Skipped++
	return nil
}

// array reads the elements of an array, one at a time.
func (r *reading) array(category string) error {
	for r.dec.More() {
		var v any
		if err := r.dec.Decode(&v); err != nil {
			return err
		}
		if err := r.step(); err != nil {
			return err
		}
		var err error
		switch x := v.(type) {
		case string:
			err = r.entry(category, x)
		case map[string]any:
			err = r.f.jsonValue(shown(x), x)
		default:
			r.f.refuse([]byte(fmt.Sprint(v)), "there is no url, domain, host or ip in it")
		}
		if err != nil {
			return err
		}
	}
	return r.closing()
}

// entry hands an address over under its category, if it has one.
func (r *reading) entry(category, text string) error {
	var labels []string
	if category != "" {
		labels = []string{category}
	}
	if strings.TrimSpace(text) == "" {
		r.f.rep.Skipped++
		return nil
	}
	return r.f.labelled(text, text, labels)
}

func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
