package content

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"belisha/internal/gate/clamd"
	"belisha/internal/gate/files"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

// Bounds of what is uploaded.
const (
	maxParts  = 1000
	maxHead   = 64 << 10 // beyond the files: names and delimiters
	smallPart = 4 << 10  // a field without a name is not scanned up to here
)

// errMalformed says that an upload is not what a browser sends.
var errMalformed = errors.New("the upload is malformed")

// upload has what is sent scanned for viruses before it goes on.
func (q *asked) upload() *porter.Finding {
	if q.h.Viruses == verdict.ScanNone || harmless(q.r.Method, q.typ.Media) {
		return nil
	}
	l := &look{Pipeline: q.Pipeline, ctx: q.ctx, a: q.a, r: q.r, h: q.h, codings: q.codings}
	most := q.h.MaxScan
	if q.typ.Media == "multipart/form-data" {
		most += maxHead
	}
	if q.r.ContentLength > most {
		return l.tooLarge(q.r.ContentLength, files.Guess{})
	}
	d := l.desk()
	h := l.store.hold(d.raw)
	body := q.r.Body
	more, err := h.fill(body, most, q.r.ContentLength)
	if errors.Is(err, errFull) {
		l.done(d, h)
		return l.unscanned(err.Error())
	}
	var f *porter.Finding
	if more {
		f = l.tooLarge(h.size(), files.Guess{})
	} else if err == nil {
		f = q.sent(l, h)
	}
	if f != nil && f.Action != verdict.Allow {
		l.done(d, h)
		return f
	}
	back := replay{l: l, d: d, h: h, src: body, err: err}
	if more {
		q.r.Body = &onwards{replay: back, rest: body}
	} else {
		q.r.Body = &back
	}
	return f
}

// harmless are bodies that are no files: fields of forms, and messages of
// programs. A text that is put somewhere is a file.
func harmless(method, media string) bool {
	switch media {
	case "application/x-www-form-urlencoded", "application/json", "application/grpc", "application/grpc-web", "application/grpc-web+proto",
		"application/grpc-web-text", "application/x-protobuf", "application/protobuf", "application/x-protobuffer", "application/msgpack", "application/x-msgpack", "application/cbor",
		"application/csp-report", "application/reports+json", "application/ocsp-request", "text/ping":
		return true
	}
	return strings.HasSuffix(media, "+json") || strings.HasPrefix(media, "application/grpc") || media == "text/plain" && method != http.MethodPut
}

// sent looks at an upload that is held back.
func (q *asked) sent(l *look, h *held) *porter.Finding {
	l.counts.files.Add(1)
	plain := h
	if len(q.codings) > 0 {
		var err error
		if plain, err = l.decoded(h); err != nil {
			return l.unscanned("its coding: " + err.Error())
		}
		defer l.drop(plain)
	}
	if !strings.HasPrefix(q.typ.Media, "multipart/") {
		return q.scanPart(l, plain, "", q.typ.Media)
	}
	f, err := q.multipart(l, plain.reader(), q.r.Header["Content-Type"], 0)
	if err == nil && f == nil || err == nil && f.Action == verdict.Allow {
		if boundary, err := boundaryOf(q.r.Header["Content-Type"]); err != nil || !endsThere(plain, boundary) {
			return closed(verdict.ReasonUnscanned, errMalformed.Error())
		}
	}
	if err != nil {
		return closed(verdict.ReasonUnscanned, err.Error())
	}
	return f
}

// scanPart has one file scanned, and writes down what kind it is.
func (q *asked) scanPart(l *look, h *held, name, media string) *porter.Finding {
	res := ask(q.ctx, &q.deps, h, h.size())
	if f := l.scanned(res); f != nil {
		f.Detail = "upload: " + f.Detail
		if res.Status == clamd.Found || f.Action != verdict.Allow {
			return f
		}
	}
	head := make([]byte, min(h.size(), 4<<10))
	n, _ := h.ReadAt(head, 0)
	guess := files.Look(&files.Meta{Path: "/" + name, Type: media}, head[:n])
	if guess.Kinds == 0 {
		return nil
	}
	return noted(verdict.ReasonFile, "upload: "+guess.Kinds.String())
}

// multipart reads an upload in parts, as strictly as browsers write them: who
// writes otherwise may mean that others read it otherwise.
func (q *asked) multipart(l *look, r io.Reader, contentType []string, depth int) (f *porter.Finding, err error) {
	boundary, err := boundaryOf(contentType)
	if err != nil || depth > 2 {
		return nil, errMalformed
	}
	in := bufio.NewReader(r)
	if begin, _ := in.Peek(len(boundary) + 4); string(begin) != "--"+boundary+"\r\n" {
		return nil, errMalformed
	}
	form := multipart.NewReader(in, boundary)
	for n := 0; ; n++ {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return f, nil
		}
		if err != nil || n == maxParts {
			return nil, errMalformed
		}
		found, err := q.part(l, part, depth)
		if err != nil {
			return nil, err
		}
		if found != nil && (found.Action != verdict.Allow || f == nil) {
			f = found
		}
		if f != nil && f.Action != verdict.Allow {
			return f, nil
		}
	}
}

// endsThere reports that the last delimiter is the first of its kind, and
// that nothing stands behind it.
func endsThere(h *held, boundary string) bool {
	end := []byte("\r\n--" + boundary + "--")
	buf := make([]byte, 64<<10)
	for at := int64(0); at < h.size(); {
		n, _ := h.ReadAt(buf, at) // less than asked for is the end
		if n < len(end) {
			return false
		}
		if i := bytes.Index(buf[:n], end); i >= 0 {
			behind := h.size() - (at + int64(i+len(end)))
			rest := make([]byte, min(behind, 3))
			if _, err := h.ReadAt(rest, h.size()-behind); err != nil && behind > 0 && !errors.Is(err, io.EOF) {
				return false
			}
			return len(rest) == 0 || string(rest) == "\r\n"
		}
		at += int64(n - len(end) + 1)
	}
	return false
}

func boundaryOf(contentType []string) (string, error) {
	if len(contentType) != 1 {
		return "", errMalformed
	}
	_, params, err := mime.ParseMediaType(contentType[0])
	b := params["boundary"]
	if err != nil || b == "" || len(b) > 70 {
		return "", errMalformed
	}
	return b, nil
}

// part looks at one part.
func (q *asked) part(l *look, part *multipart.Part, depth int) (*porter.Finding, error) {
	if len(part.Header["Content-Disposition"]) > 1 || len(part.Header["Content-Type"]) > 1 || len(part.Header["Content-Transfer-Encoding"]) > 1 {
		return nil, errMalformed
	}
	media := part.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(media); err == nil && strings.HasPrefix(kind, "multipart/") {
		return q.multipart(l, part, part.Header["Content-Type"], depth+1)
	}
	var body io.Reader = part
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, part)
	default:
		return nil, errMalformed
	}
	h := l.store.hold(nil)
	defer l.drop(h)
	more, err := h.fill(body, q.h.MaxScan, -1)
	switch {
	case errors.Is(err, errFull):
		return l.unscanned(err.Error()), nil
	case err != nil:
		return nil, errMalformed
	case more:
		return l.tooLarge(h.size(), files.Guess{}), nil
	case part.FileName() == "" && media == "" && h.size() <= smallPart:
		return nil, nil
	}
	return q.scanPart(l, h, part.FileName(), media), nil
}
