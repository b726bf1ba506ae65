package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestWhereAnAnswerLeads(t *testing.T) {
	cases := []struct{ to, host string }{
		{"https://bad.test/x", "bad.test"},
		{"//bad.test", "bad.test"},
		{`/\bad.test`, "bad.test"},
		{"hTTp:////bad.test", "bad.test"},
		{"\t https://user@bad.test:8080/", "bad.test"},
		{"http://b%61d.test/", "bad.test"},
		{"/bad.test", ""},
		{"bad.test", ""},
		{"javascript:alert(1)//bad.test", ""},
		{"?u=http://bad.test", ""},
		{"", ""},
		{"http://", ""},
	}
	for _, c := range cases {
		at, ok := followed("https", c.to)
		if ok != (c.host != "") || at.Host != c.host {
			t.Errorf("%q leads to %q", c.to, at.Host)
		}
	}
	for v, want := range map[string]string{
		"0;url=http://bad.test/": "http://bad.test/", `5; URL="http://bad.test/"`: "http://bad.test/", "0, http://bad.test/": "http://bad.test/",
		"1 ; Url = 'http://bad.test/'": "http://bad.test/", "5": "", "": "",
	} {
		if got := refreshTarget(v); got != want {
			t.Errorf("%q leads to %q", v, got)
		}
	}
}

func FuzzSteer(f *testing.F) {
	f.Add("https://bad.test/x", "0; url=//bad.test", "q=a&safe=off", "SRCHHPGUSR=ADLT=OFF")
	f.Add(`\\bad.test`, "5", "%73afe=off;q", "a=b; SRCHHPGUSR")
	f.Fuzz(func(t *testing.T, to, refresh, query, cookie string) {
		if at, ok := followed("https", to); ok && at.Host == "" {
			t.Errorf("%q leads nowhere, and is said to lead somewhere", to)
		}
		followed("http", refreshTarget(refresh))
		e := engineOf("www.google.com")
		safe := e.safe(query, "strict")
		if !strings.HasSuffix(safe, "safe=active&ssui=on") {
			t.Errorf("%q became %q", query, safe)
		}
		if list, err := url.ParseQuery(safe); err == nil && len(list["safe"]) != 1 {
			t.Errorf("%q says safe %d times", safe, len(list["safe"]))
		}
		safeCookie(http.Header{"Cookie": {cookie}})
		if _, err := readPool(to); err == nil && !strings.Contains(to, ":") {
			t.Errorf("%q has no port", to)
		}
	})
}
