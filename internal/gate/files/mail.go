package files

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// isMail reports a message as mail programs save it: fields, of which one says
// that it has parts.
func isMail(h []byte) bool {
	first, _, ok := bytes.Cut(h[:min(len(h), 1024)], []byte("\n"))
	if name, _, field := bytes.Cut(first, []byte(":")); !ok || !field || len(name) == 0 || len(name) > 64 || bytes.ContainsAny(name, " \t<{\"'()=") {
		return false
	}
	fields := h[:min(len(h), 16<<10)]
	if i := bytes.Index(fields, []byte("\n\r\n")); i >= 0 {
		fields = fields[:i]
	} else if i := bytes.Index(fields, []byte("\n\n")); i >= 0 {
		fields = fields[:i]
	}
	fields = bytes.ToLower(fields)
	return bytes.Contains(fields, []byte("\nmime-version:")) || bytes.HasPrefix(fields, []byte("mime-version:")) ||
		bytes.Contains(fields, []byte("content-type: multipart/"))
}

// mail looks at what is attached to a message.
func (w *walk) mail(it *item) error {
	msg, err := mail.ReadMessage(io.NewSectionReader(it.r, 0, it.size))
	if err != nil {
		return nil //nolint:nilerr // it is a text that begins like a message
	}
	return w.mailPart(it, part{msg.Header.Get("Content-Type"), msg.Header.Get("Content-Disposition"), msg.Header.Get("Content-Transfer-Encoding")}, msg.Body, 0)
}

// part is what is said of one part of a message.
type part struct{ kind, disposition, coding string }

// mailPart looks at one part, and at those in it. What stands in a message as
// it is, is no file unless it says so.
func (w *walk) mailPart(it *item, p part, body io.Reader, deep int) error {
	kind, params, err := mime.ParseMediaType(p.kind)
	if err != nil && kind == "" {
		kind, params = "text/plain", nil
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		if deep > 8 {
			return errDeep
		}
		return w.mailParts(it, multipart.NewReader(body, params["boundary"]), deep)
	}
	name := params["name"]
	disposition([]string{p.disposition}, func(s string) { name = s })
	switch strings.ToLower(strings.TrimSpace(p.coding)) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, &letters{r: body})
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	if name == "" {
		name = "a part of a message"
	}
	return w.inside(it, name, body, p.disposition == "")
}

func (w *walk) mailParts(it *item, r *multipart.Reader, deep int) error {
	for {
		next, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errDamaged
		}
		h := next.Header
		if err := w.mailPart(it, part{h.Get("Content-Type"), h.Get("Content-Disposition"), h.Get("Content-Transfer-Encoding")}, next, deep+1); err != nil {
			return err
		}
	}
}

// letters passes what base64 is written with, and nothing else, as mail
// programs forgive it.
type letters struct{ r io.Reader }

func (l *letters) Read(b []byte) (int, error) {
	for {
		n, err := l.r.Read(b)
		k := 0
		for _, c := range b[:n] {
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
				b[k], k = c, k+1
			}
		}
		if k > 0 || err != nil {
			return k, err
		}
	}
}
