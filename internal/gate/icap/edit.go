package icap

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// hopByHop are headers for one connection only. A head that we change goes
// without them; one that passes as it is stays as the client wrote it.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
}

// editHead writes a head again with the headers in which after differs from
// before; all other lines stay as they came, in their order. It reports false
// where nothing differs.
func editHead(block []byte, before, after http.Header) ([]byte, bool) {
	changed := differing(before, after)
	if len(changed) == 0 {
		return block, false
	}
	drop := slices.Clone(hopByHop)
	for word := range listed(before["Connection"]) {
		drop = append(drop, http.CanonicalHeaderKey(word))
	}
	line, rest, ok := cutLine(block)
	out := make([]byte, 0, len(block)+256)
	out = append(append(out, line...), '\r', '\n')
	for ok {
		if line, rest, ok = cutLine(rest); !ok || len(line) == 0 {
			break
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		key := http.CanonicalHeaderKey(string(name))
		if slices.Contains(changed, key) || slices.Contains(drop, key) {
			continue
		}
		out = append(append(out, line...), '\r', '\n')
	}
	for _, name := range changed {
		for _, v := range after[name] {
			out = append(append(append(append(out, name...), ": "...), oneLine(v)...), '\r', '\n')
		}
	}
	return append(out, '\r', '\n'), true
}

// retarget puts another address into a request's first line.
func retarget(head []byte, target string) []byte {
	line, rest, _ := cutLine(head)
	method, after, _ := bytes.Cut(line, []byte(" "))
	_, version, _ := bytes.Cut(after, []byte(" "))
	out := make([]byte, 0, len(head)+len(target))
	out = append(append(out, method...), ' ')
	out = append(append(append(out, oneLine(target)...), ' '), version...)
	return append(append(out, '\r', '\n'), rest...)
}

// differing are the names whose values are not the same in both, sorted.
func differing(before, after http.Header) []string {
	var names []string
	for name, values := range after {
		if !slices.Equal(values, before[name]) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, kept := after[name]; !kept {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// oneLine keeps a value from ending its line.
func oneLine(v string) string {
	if !strings.ContainsAny(v, "\r\n\x00") {
		return v
	}
	return strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(v)
}

// appendHeader writes headers in a stable order, and the empty line.
func appendHeader(out []byte, h http.Header) []byte {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if slices.Contains(hopByHop, name) || !isToken(name) {
			continue
		}
		for _, v := range h[name] {
			out = append(append(append(append(out, name...), ": "...), oneLine(v)...), '\r', '\n')
		}
	}
	return append(out, '\r', '\n')
}
