package content

import (
	"net/http"
	"slices"
	"strings"
)

// readable are the content codings that are read here.
var readable = []string{"gzip", "x-gzip", "deflate", "br", "zstd", "identity"}

// narrow changes a request so that its answer can be looked at: only codings
// that are read here, no dictionaries of the browser's, and no part of a file
// without the whole.
func narrow(r *http.Request) {
	if list, ok := r.Header["Accept-Encoding"]; ok && !(len(list) == 1 && allReadable(list[0])) {
		r.Header["Accept-Encoding"] = []string{codings(list)}
	}
	delete(r.Header, "Available-Dictionary")
	delete(r.Header, "Dictionary-Id")
	delete(r.Header, "A-Im") // instance manipulations (RFC 3229) are codings by another name
}

// allReadable reports an Accept-Encoding of which nothing must be taken out, as
// browsers send it.
func allReadable(line string) bool {
	for more := true; more; {
		var part string
		part, line, more = strings.Cut(line, ",")
		name, _, _ := strings.Cut(part, ";")
		if !slices.Contains(readable, strings.Trim(name, " \t")) {
			return false
		}
	}
	return true
}

// codings keeps what is read here of an Accept-Encoding, with its weights.
func codings(list []string) string {
	var keep []string
	for _, line := range list {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			name, _, _ := strings.Cut(part, ";")
			if slices.Contains(readable, strings.ToLower(strings.TrimSpace(name))) {
				keep = append(keep, part)
			}
		}
	}
	if len(keep) == 0 {
		return "identity" // an empty field means the same, but not to everybody
	}
	return strings.Join(keep, ", ")
}
