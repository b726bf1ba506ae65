package icap

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/kit/clock"
)

// TestFirewallsAskAsTheyDo writes requests as the makers of firewalls and
// proxies show them in their manuals.
func TestFirewallsAskAsTheyDo(t *testing.T) {
	var asked []string
	_, s := open(t, func(c *Config) {
		c.Content = inside{request: func(a *porter.Answer, r *http.Request) *porter.Finding {
			asked = append(asked, r.URL.String())
			return nil
		}}
	})
	const browser = "User-Agent: test\r\nAccept: */*\r\n"
	for _, c := range []struct {
		name, first, icap, inner, address string
		want                              int
	}{
		{
			"one path for both, and an origin's form", "REQMOD icap://172.16.200.44:1344/ ICAP/1.0",
			"Host: 172.16.200.44:1344\r\nX-Client-IP: 10.0.0.7\r\nX-Server-IP: 172.16.200.33\r\nX-Forwarded-Proto: HTTPS\r\nUser-Agent: FortiOS v7.6.1\r\nX-Scan-Progress-Interval: 10\r\n",
			"GET /a/b?c=d HTTP/1.1\r\nHost: ok.test\r\n" + browser, "https://ok.test/a/b?c=d", 200,
		},
		{"the same, closed", "REQMOD icap://172.16.200.44:1344/ ICAP/1.0", "X-Forwarded-Proto: HTTPS\r\n", "GET / HTTP/1.1\r\nHost: bad.test\r\n" + browser, "", 403},
		{"no path at all", "REQMOD icap://filter:1344 ICAP/1.0", "Allow: 204\r\n", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n" + browser, "http://ok.test/", 204},
		{"capitals in the path", "REQMOD icap://filter:1344/REQMOD ICAP/1.0", "Allow: 204\r\n", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n" + browser, "http://ok.test/", 204},
		{"a port that says it", "REQMOD /request ICAP/1.0", "Allow: 204\r\n", "GET /x HTTP/1.1\r\nHost: ok.test:443\r\n" + browser, "https://ok.test/x", 204},
		{"what comes after a question mark", "REQMOD icap://filter/reqmod?profile=default&action=monitor ICAP/1.0", "Allow: 204\r\n", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n" + browser, "http://ok.test/", 204},
		{"no spaces in Encapsulated, an empty preview", "REQMOD icap://filter/reqmod ICAP/1.0", "Allow:204\r\nPreview:0\r\nX-Authenticated-User: V2luTlQ6Ly9ISUxML21pYQ==\r\nX-Authenticated-Groups: V2luTlQ6Ly9ISUxML3B1cGlscw==\r\n", "GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n" + browser, "http://ok.test/", 204},
		{"HTTP/1.0 without a host", "REQMOD icap://filter/reqmod ICAP/1.0", "Allow: 204\r\n", "GET http://ok.test/ HTTP/1.0\r\n" + browser, "http://ok.test/", 204},
		{"HTTP/2 as its version", "REQMOD icap://filter/reqmod ICAP/1.0", "Allow: 204\r\n", "GET https://ok.test/ HTTP/2.0\r\nHost: ok.test\r\n" + browser, "https://ok.test/", 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked = nil
			head := c.inner + "\r\n"
			w := dial(t, s)
			w.send(fmt.Sprintf("%s\r\n%sEncapsulated:req-hdr=0,null-body=%d\r\n\r\n%s", c.first, c.icap, len(head), head))
			r := w.reply()
			switch {
			case c.want == 403:
				if r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403 ") || !strings.Contains(r.body, "Hill School") || !strings.Contains(r.res, "Content-Length: "+strconv.Itoa(len(r.body))+"\r\n") {
					t.Errorf("%d %q", r.code, r.res)
				}
			case r.code != c.want, c.want == 200 && r.req != head, len(asked) != 1 || asked[0] != c.address:
				t.Errorf("%d %v, looked at as %q: %q", r.code, r.header, asked, r.req)
			}
		})
	}
	w := dial(t, s)
	for _, service := range []string{"icap://f", "icap://f/", "/", "*", "icap://f/*"} {
		w.send("OPTIONS " + service + " ICAP/1.0\r\nHost: f\r\n\r\n")
		if r := w.reply(); r.code != 200 || r.header.Get("Methods") != "REQMOD, RESPMOD" {
			t.Errorf("OPTIONS %s: %d %v", service, r.code, r.header)
		}
	}
	w.send(strings.Replace(respmod(get("http://ok.test/"), pageHead, "Preview: 9\r\n"), "/respmod", "/", 1) + chunk("abc") + "0; why=\"so\"; IEOF\r\n\r\n")
	if r := w.reply(); r.code != 204 {
		t.Errorf("an answer to the one path: %d", r.code)
	}
}

// doorCertificate proves 127.0.0.1 for an hour.
func doorCertificate(t *testing.T) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	x := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "filter"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"filter.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf
}

func TestUnderTLSTheSameIsAnswered(t *testing.T) {
	pair, leaf := doorCertificate(t)
	_, s := open(t, func(c *Config) {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		c.Content = looking(t.TempDir())
	})
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	dialTLS := func(t *testing.T) *wire {
		t.Helper()
		c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(clock.System{}.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return &wire{t, c, bufio.NewReaderSize(c, 64<<10)}
	}
	w := dialTLS(t)
	for range 3 {
		w.send(reqmod(get("http://bad.test/"), "Allow: 204\r\n") + respmod(get("http://ok.test/whole"), pageHead, "Preview: 4\r\n") + chunk("abcd") + last)
		if r := w.reply(); r.code != 200 || !strings.HasPrefix(r.res, "HTTP/1.1 403") {
			t.Fatalf("%d %q", r.code, r.res)
		}
		if r := w.reply(); r.code != 100 {
			t.Fatal(r.code)
		}
		w.send(chunk(strings.Repeat("x", 200_000)) + last)
		if r := w.reply(); r.code != 200 || len(r.body) != 200_004 {
			t.Fatalf("%d, %d bytes", r.code, len(r.body))
		}
	}
	t.Run("a fault ends it with an answer that arrives", func(t *testing.T) {
		w := dialTLS(t)
		w.send("REQMOD icap://f/reqmod ICAP/1.0\r\n\r\n" + strings.Repeat("more", 100_000))
		if r := w.reply(); r.code != 400 {
			t.Errorf("%d", r.code)
		}
	})
	t.Run("who does not speak TLS is not answered", func(t *testing.T) {
		w := dial(t, s)
		w.send("OPTIONS icap://f/reqmod ICAP/1.0\r\n\r\n")
		if got, _ := io.ReadAll(w.r); strings.Contains(string(got), "ICAP/1.0") {
			t.Errorf("%q", got)
		}
	})
	t.Run("who speaks TLS to the plain door is told off and nothing else", func(t *testing.T) {
		_, plain := open(t, nil)
		if c, err := tls.Dial("tcp", plain.Addr().String(), &tls.Config{RootCAs: roots}); err == nil {
			c.Close()
			t.Error("it shook hands")
		}
	})
	t.Run("c-icap-client", func(t *testing.T) {
		if _, err := exec.LookPath("c-icap-client"); err != nil {
			t.Skip("c-icap is not installed")
		}
		file := filepath.Join(t.TempDir(), "page.html")
		body := strings.Repeat("a page of ok.test. ", 9000)
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		to := file + ".out"
		out, err := exec.Command("c-icap-client", "-tls", "-tls-no-verify", "-i", "127.0.0.1", "-p", strconv.Itoa(int(s.Addr().Port())),
			"-s", "respmod", "-f", file, "-o", to, "-v", "-resp", "http://ok.test/edit").CombinedOutput()
		got, _ := os.ReadFile(to)
		if err != nil || !strings.Contains(string(out), "X-Changed: yes") || string(got) != body && !strings.Contains(string(out), "206") {
			t.Errorf("%v, %d bytes: %s", err, len(got), out)
		}
	})
}

func TestGroupsCountForWhoIsNotKnownAndWhereTheSchoolSaysWhichTheyAre(t *testing.T) {
	world, s := open(t, func(c *Config) {
		c.Namer = register{"mia": "pupils"}
		c.Groups = map[string]string{"teachers": "staff", "year 7": "pupils"}
	})
	world.SignIn(t, "10.0.0.9", "sam", "pupils")
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		name, client, headers string
		open                  bool
	}{
		{"nobody says anything", "10.0.0.7", "", false},
		{"a group that is staff's", "10.0.0.7", "X-Authenticated-Groups: " + b64("WinNT://HILL/Teachers, WinNT://HILL/Domain Users") + "\r\n", true},
		{"a name that nobody here has, in that group", "10.0.0.7", "X-Authenticated-User: new.teacher\r\nX-Authenticated-Groups: HILL\\Teachers\r\n", true},
		{"two groups: the stricter", "10.0.0.7", "X-Authenticated-Groups: Teachers, Year 7\r\n", false},
		{"a group of which the school says nothing", "10.0.0.7", "X-Authenticated-Groups: Domain Admins\r\n", false},
		{"somebody who is known is what they are", "10.0.0.7", "X-Authenticated-User: mia\r\nX-Authenticated-Groups: Teachers\r\n", false},
		{"who has signed in there is what they are", "10.0.0.9", "X-Authenticated-Groups: Teachers\r\n", false},
		{"two people are nobody", "10.0.0.7", "X-Authenticated-User: mia\r\nX-Client-Username: new.teacher\r\nX-Authenticated-Groups: Teachers\r\n", false},
	} {
		w := dial(t, s)
		w.send(strings.Replace(reqmod(get("http://game.test/"), c.headers+"Allow: 204\r\n"), "10.0.0.7", c.client, 1))
		if r := w.reply(); c.open != (r.code == 204) {
			t.Errorf("%s: %d", c.name, r.code)
		}
	}
	// What the browser says of itself, in the request within, is nobody's word.
	w := dial(t, s)
	w.send(reqmod("GET http://game.test/ HTTP/1.1\r\nHost: game.test\r\nX-Authenticated-Groups: Teachers\r\n\r\n", "Allow: 204\r\n"))
	if r := w.reply(); r.code != 200 {
		t.Errorf("a group within the request counts: %d", r.code)
	}
}
