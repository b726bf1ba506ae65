package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const text = "a.example\nb.example\n"

func serve(t *testing.T, do http.HandlerFunc) (*httptest.Server, *Client) {
	t.Helper()
	s := httptest.NewTLSServer(do)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, &Client{Roots: pool}
}

func ask(url string) Ask {
	return Ask{URL: url, MaxBytes: 1 << 20, Limit: time.Minute, Private: true}
}

func TestAFileIsFetchedOnceAndAskedForAgainOnlyIfItChanged(t *testing.T) {
	var asked []string
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("If-None-Match")+"|"+r.Header.Get("If-Modified-Since"))
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Last-Modified", "Fri, 20 Nov 2026 10:00:00 GMT")
		fmt.Fprint(w, text)
	})
	path := filepath.Join(t.TempDir(), "list")
	got, err := c.File(context.Background(), ask(s.URL+"/list.txt"), path)
	if err != nil || got.Bytes != int64(len(text)) || got.ETag != `"one"` || got.Dated.Day() != 20 || len(got.Sum) != 64 {
		t.Fatalf("%+v, %v", got, err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != text {
		t.Errorf("%q, %v", b, err)
	}
	again := ask(s.URL + "/list.txt")
	again.ETag, again.Modified = got.ETag, got.Modified
	got, err = c.File(context.Background(), again, path+"2")
	if err != nil || !got.Unchanged || asked[1] != `"one"|Fri, 20 Nov 2026 10:00:00 GMT` {
		t.Errorf("%+v, %v, asked %q", got, err, asked)
	}
	if _, err := os.Stat(path + "2"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was left although nothing came")
	}
}

func TestWhatGoesWrongIsASentenceAndLeavesNoFile(t *testing.T) {
	stop := make(chan struct{})
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://lists.example/list.txt", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/large":
			w.Header().Set("Content-Length", "99000000")
		case "/larger":
			for range 40 {
				fmt.Fprint(w, strings.Repeat("x", 64<<10))
			}
		case "/short":
			w.Header().Set("Content-Length", "5000")
			fmt.Fprint(w, text)
		case "/unasked":
			w.WriteHeader(http.StatusNotModified)
		case "/slow":
			fmt.Fprint(w, text)
			w.(http.Flusher).Flush()
			<-stop
		}
	})
	defer close(stop)
	for _, x := range []struct{ path, want string }{
		{"/gone", "404 not found"},
		{"/round", "more than 5 times"},
		{"/down", "begins with http://"},
		{"/file", "where we do not go"},
		{"/large", "larger than 1 MB"},
		{"/larger", "larger than 1 MB"},
		{"/short", "broke off"},
		{"/unasked", "304"},
		{"/slow", "in time"},
	} {
		t.Run(x.path, func(t *testing.T) {
			a := ask(s.URL + x.path)
			if x.path == "/slow" {
				a.Limit = 300 * time.Millisecond
			}
			path := filepath.Join(t.TempDir(), "list")
			_, err := c.File(context.Background(), a, path)
			var says Error
			if !errors.As(err, &says) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Error("a file was left")
			}
		})
	}
	_, err := (&Client{}).File(context.Background(), ask(s.URL), filepath.Join(t.TempDir(), "list"))
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody signed: %v", err)
	}
}

func TestAnAddressInsideIsAskedOnlyWhereAPersonSaidSo(t *testing.T) {
	s, c := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	a := ask(s.URL)
	a.Private = false
	if _, err := c.To(context.Background(), a, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "inside the school's network") {
		t.Errorf("got %v", err)
	}
	for _, x := range []struct {
		address       string
		open, private bool
	}{
		{"93.184.216.34:443", true, true},
		{"[2606:4700::1111]:443", true, true},
		{"127.0.0.1:443", false, true},
		{"10.1.2.3:443", false, true},
		{"172.20.0.1:80", false, true},
		{"192.168.1.1:443", false, true},
		{"100.64.0.1:443", false, true},
		{"198.18.0.1:443", false, true},
		{"[::1]:443", false, true},
		{"[fd00::1]:443", false, true},
		{"[::ffff:10.0.0.1]:443", false, true},
		{"[64:ff9b::a00:1]:443", false, true},
		{"[2002:a00:1::]:443", false, true},
		{"169.254.169.254:80", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"0.0.0.0:80", false, false},
		{"[::]:80", false, false},
		{"224.0.0.1:80", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"255.255.255.255:80", false, false},
		{"nonsense", false, false},
	} {
		if got := allowed(x.address, false) == nil; got != x.open {
			t.Errorf("%s: %v", x.address, got)
		}
		if got := allowed(x.address, true) == nil; got != x.private {
			t.Errorf("%s, where inside is allowed: %v", x.address, got)
		}
	}
}

func TestAnAddressIsLookedAtBeforeItIsAsked(t *testing.T) {
	for _, x := range []struct {
		url   string
		plain bool
		want  string
	}{
		{"https://lists.example/a.txt", false, ""},
		{"http://lists.example/a.txt", true, ""},
		{"http://lists.example/a.txt", false, "begins with http://"},
		{"ftp://lists.example/a", true, "https://"},
		{"file:///etc/passwd", true, "no web address"},
		{"https://me:secret@lists.example/", false, "password"},
		{"lists.example", false, "no web address"},
		{"https://", false, "no web address"},
		{"https://lists.example/" + strings.Repeat("a", 3000), false, "longer than"},
		{"", false, "no web address"},
		{"https://a b/", false, "no web address"},
	} {
		_, err := Check(x.url, x.plain)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.60s: %v", x.url, err)
		}
	}
}

func TestHTTPIsFetchedOnlyWhereAPersonSaidSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer s.Close()
	a := ask(s.URL)
	if _, err := (&Client{}).To(context.Background(), a, &strings.Builder{}); err == nil {
		t.Error("http was fetched unasked")
	}
	a.Plain = true
	if got, err := (&Client{}).To(context.Background(), a, &strings.Builder{}); err != nil || got.Bytes == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
