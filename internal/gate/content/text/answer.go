package text

import "bytes"

// answerKeys are the members in which AI services send the pieces of what
// they write.
func answerKey(name []byte) bool {
	switch string(name) {
	case "content", "text", "delta", "parts", "v", "value", "answer", "response", "message", "completion", "token", "output",
		"reply", "generated_text", "chunk", "thinking", "reasoning_content", "output_text", "final", "texts", "markdown":
		return true
	}
	return false
}

// AddAnswer reads what an AI service answers. Its words come in pieces, which
// are joined as they come. Where there is none in the places that are known,
// all text is read.
func (x *Extractor) AddAnswer(body []byte, events bool) {
	x.goOn()
	before := len(x.main.out)
	if events {
		x.eventAnswers(body)
	} else {
		x.answer(body)
	}
	if len(x.main.out) > before {
		return
	}
	if events {
		x.Add(Events, body)
	} else {
		x.Add(JSON, body)
	}
}

// goOn takes back the end that a view gave to the last word: the next piece of
// an answer may be the rest of it.
func (x *Extractor) goOn() {
	x.cutTail()
	f := &x.main
	if n := len(f.out); x.open && n > 1 && f.out[n-1] == ' ' {
		f.out, f.last = f.out[:n-1], 0
	}
	x.open = false
}

func (x *Extractor) eventAnswers(s []byte) {
	for len(s) > 0 {
		line := s
		if i := bytes.IndexByte(s, '\n'); i >= 0 {
			line, s = s[:i], s[i+1:]
		} else {
			s = nil
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			x.answer(data)
		}
	}
}

func (x *Extractor) answer(s []byte) {
	Strings(s, func(name, value []byte, clean bool) {
		if !answerKey(name) {
			return
		}
		if !clean {
			x.scratch[0] = unescape(x.scratch[0][:0], value)
			value = x.scratch[0]
		}
		x.plain(&x.main, value)
	})
}

// Strings calls do for every string of JSON that is a value, with the name of
// the member it is in, or that of the one around it, as far as they are known.
// clean says that nothing in it is escaped. It reads anything that looks like
// JSON and never fails.
func Strings(s []byte, do func(name, value []byte, clean bool)) {
	var name []byte
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '"')
		if j < 0 {
			return
		}
		i += j + 1
		end, clean := stringEnd(s, i, '"')
		body := s[i:min(end, len(s))]
		i = min(end+1, len(s))
		if isName(s[i:]) {
			name = body
			continue
		}
		do(name, body, clean)
	}
}

// Unescape undoes the escapes of a JSON string.
func Unescape(s []byte) []byte { return unescape(nil, s) }
