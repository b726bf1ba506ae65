package proxy

import (
	"net/http"
	"strings"
)

// remind shows the reminder to sign the agreement in place of the first page
// of the day. Only a page that was asked for as one is held up.
func (x *exchange) remind() bool {
	s, w, r, a := x.Server, x.w, x.r, &x.answer
	if !isPage(r) || !s.porter.Remind(a) {
		return false
	}
	s.porter.Record(r.Context(), a)
	v := s.view(a, "")
	v.GoOn = x.to.url(r)
	s.pages.Write(w, http.StatusForbidden, v)
	return true
}

// isPage reports a page that somebody opens in a window of their own.
func isPage(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" {
		return false
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("X-Requested-With") == "" && r.Header.Get("Upgrade") == ""
}
