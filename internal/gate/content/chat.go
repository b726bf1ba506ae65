package content

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"belisha/internal/gate/content/text"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
)

const (
	maxWords  = 300 // characters of a prompt that are written down
	maxNested = 3   // JSON in strings of JSON
)

// answersChat reports an answer of a site on which AI services answer, where
// those are looked at.
func (l *look) answersChat() bool {
	return l.h.Chat && l.deps.Chats != nil && l.deps.Chats.Answers(l.a.Host)
}

// service is the AI service that a request writes to, where those are looked
// at.
func (q *asked) service(path string) (name string, fields []string, ok bool) {
	if !q.h.Chat || q.deps.Chats == nil {
		return "", nil, false
	}
	return q.deps.Chats.Service(q.a.Host, path)
}

// prompt looks at what is written to an AI service.
func (q *asked) prompt(service string, fields []string) *porter.Finding {
	body, more, err := q.read(maxPrompt)
	if err != nil {
		return closed(verdict.ReasonUnscanned, "what is written to an AI service cannot be read")
	}
	if more {
		return closed(verdict.ReasonUnscanned, "what is written to an AI service is longer than is read")
	}
	return q.said(service, q.written(body, fields))
}

// said is the finding for something that was written to a service.
func (q *asked) said(service, words string) *porter.Finding {
	if words == "" {
		return nil
	}
	f, theme := q.weighed("written to an AI service", verdict.ReasonChat, q.h.Phrases, words)
	if t := q.theme(words); t != "" {
		theme = t
	}
	if f == nil {
		if theme == "" {
			return nil
		}
		f = noted(verdict.ReasonChat, "written to an AI service")
	}
	f.Engine, f.Words, f.Alert = service, oneLine(words), theme
	return f
}

// written finds what somebody wrote: the last text in one of the fields.
func (q *asked) written(body []byte, fields []string) string {
	switch q.typ.Media {
	case "application/x-www-form-urlencoded":
		values, _ := url.ParseQuery(string(body)) // what can be read of it counts
		for _, f := range fields {
			for _, v := range values[f] {
				if w := plainOrNested(v); w != "" {
					return w
				}
			}
		}
		return ""
	case "multipart/form-data":
		return formField(q.r.Header.Get("Content-Type"), body, fields)
	}
	return inJSON(body, fields, 0)
}

// plainOrNested is a text, or the longest text in JSON.
func plainOrNested(v string) string {
	if s := strings.TrimSpace(v); s != "" && (s[0] == '[' || s[0] == '{') {
		return longest([]byte(s), 0)
	}
	return v
}

// inJSON finds the last text in one of the fields. If none of them is there,
// the service has changed, and the longest text counts.
func inJSON(body []byte, fields []string, depth int) string {
	var last string
	text.Strings(body, func(name, value []byte, clean bool) {
		if !slices.Contains(fields, string(name)) {
			return
		}
		if !clean {
			value = text.Unescape(value)
		}
		if s := bytes.TrimSpace(value); len(s) > 1 && (s[0] == '[' || s[0] == '{') && depth < maxNested {
			value = []byte(inJSON(s, fields, depth+1))
		}
		if len(bytes.TrimSpace(value)) > 0 {
			last = string(value)
		}
	})
	if last == "" {
		last = longest(body, depth)
	}
	return last
}

// longest is the longest string of JSON that reads as text.
func longest(body []byte, depth int) string {
	var best []byte
	text.Strings(body, func(_, value []byte, clean bool) {
		if !clean {
			value = text.Unescape(value)
		}
		if s := bytes.TrimSpace(value); len(s) > 1 && (s[0] == '[' || s[0] == '{') && depth < maxNested {
			value = []byte(longest(s, depth+1))
		}
		if len(value) > len(best) && (bytes.IndexByte(value, ' ') > 0 || depth > 0 && len(value) < 30) {
			best = value
		}
	})
	return string(best)
}

// formField reads the fields of a form in parts.
func formField(contentType string, body []byte, fields []string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	found := ""
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxParts {
		part, err := form.NextRawPart()
		if err != nil {
			break
		}
		if part.FileName() != "" || !slices.Contains(fields, part.FormName()) {
			continue
		}
		value, _ := io.ReadAll(io.LimitReader(part, maxPrompt)) // cut off is better than not looked at
		if w := plainOrNested(string(value)); w != "" {
			found = w
		}
	}
	return found
}

// partsAsQuery writes the fields of a form in parts as one that is sent in the
// usual way.
func partsAsQuery(contentType string, body []byte) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	var b strings.Builder
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxParts {
		part, err := form.NextRawPart()
		if err != nil {
			break
		}
		if part.FileName() != "" || b.Len() > maxQuery {
			continue
		}
		value, _ := io.ReadAll(io.LimitReader(part, 1<<10)) // words are not longer
		b.WriteString(url.QueryEscape(part.FormName()) + "=" + url.QueryEscape(string(value)) + "&")
	}
	return b.String()
}

// oneLine is a text in one line, cut to what is written down.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(plainly(s), "")), " ")
	if utf8.RuneCountInString(s) > maxWords {
		s = string([]rune(s)[:maxWords])
	}
	return s
}
