package text

import "bytes"

// answerKey reports the members in which AI services send the pieces of what
// they write.
func answerKey(name []byte) bool {
	switch string(name) {
	case "content", "text", "delta", "parts", "v", "value", "answer", "response", "message", "completion", "token", "output",
		"reply", "generated_text", "chunk", "chunks", "thinking", "reasoning_content", "output_text", "final", "texts", "markdown",
		"raw_content", "youChatToken", "t", "textDelta", "output_text_delta", "messageText", "reasoning", "msg", "partial_output", "markdown_block":
		return true
	}
	return false
}

// AddAnswer reads what an AI service answers. Its words come in pieces, which
// are joined as they come. What is in none of the places that are known is read
// by itself, and parts no words of the answer.
func (x *Extractor) AddAnswer(kind Kind, body []byte) {
	x.goOn()
	x.answering = true
	before := len(x.main.out)
	if kind == JSON {
		x.answer(body)
	} else {
		x.answerLines(body)
	}
	if len(x.main.out) > before {
		return
	}
	x.side.space()
	switch kind {
	case Events:
		x.events(&x.side, body)
	case JSON:
		x.json(&x.side, body)
	default:
		x.plain(&x.main, body)
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

// answerLines reads an answer in lines: of events, or of those short ones that
// say what follows by a letter or number, as in 0:"a piece".
func (x *Extractor) answerLines(s []byte) {
	for len(s) > 0 {
		var line []byte
		line, s = cutLine(s)
		name, data, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) > 4 {
			continue
		}
		data = bytes.TrimSpace(data)
		if len(data) > 1 && data[0] == '"' && data[len(data)-1] == '"' {
			x.scratch[0] = unescape(x.scratch[0][:0], data[1:len(data)-1])
			x.plain(&x.main, x.scratch[0])
			continue
		}
		x.answer(data)
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
