//go:build linux

package stories_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"belisha/internal/kit/web/browsertest"

	"github.com/chromedp/chromedp"
)

// TestABrowserBehindTheFilter is the main job: a child's browser goes through
// the filter of a real server, and whoever may, sees what passed.
func TestABrowserBehindTheFilter(t *testing.T) {
	w := newWorld(t)
	child := w.device(t, "127.0.9.1")

	t.Run("a child signs in with the keyboard alone", func(t *testing.T) { w.signInByKeys(t, child) })
	t.Run("an open page comes from its own server", func(t *testing.T) {
		child.Go(w.plain("www.britannica.com"))
		child.Has("Please sign the school's agreement", "You asked for www.britannica.com") // she has not signed yet
		fits(t, child)
		child.Press("Go on to the page")
		child.Has("Welcome to www.britannica.com", "the real site")
	})
	t.Run("a closed page says why and where to turn", func(t *testing.T) {
		child.Go("http://www.1001games.com/")
		child.Has("www.1001games.com", "Childline", "0800 1111")
		fits(t, child)
	})
	t.Run("a secure closed page cannot be shown, and why says it", func(t *testing.T) {
		if err := child.Visit("https://www.tiktok.com/"); err == nil {
			t.Fatalf("a closed page opened without the school's certificate: %s", child.Text())
		}
		child.Go(ourHost + "/why")
		child.Has("www.tiktok.com")
		fits(t, child)
		child.Go(ourHost + "/help")
		child.Has("Childline")
		fits(t, child)
	})
	t.Run("a secure open page has its own certificate", func(t *testing.T) { w.ownCertificate(t, child) })
	t.Run("with the school's certificate the page stands in place of a site, and sites are looked into", func(t *testing.T) { w.withAuthority(t) })
	t.Run("a change of the rules is in force within a second", func(t *testing.T) { w.change(t, child) })
	t.Run("the monitor gives a purpose and sees it all", func(t *testing.T) { w.watch(t) })
	t.Run("the desk is not reachable from behind the filter", func(t *testing.T) {
		_ = child.Visit("http://" + w.srv.Pages + "/policies") // any answer but the desk's
		if strings.Contains(child.Text(), "Sign in") || strings.Contains(child.Text(), "Policy") {
			t.Errorf("the desk answers through the filter: %s", child.Text())
		}
	})
}

const ourHost = "http://belisha.ashdown"

// world is a demonstration school with its server, its filter and an internet
// of its own.
type world struct {
	srv    *server
	street *street
	home   string // of the browsers: their certificates lie there
}

func newWorld(t *testing.T) *world {
	t.Helper()
	net, err := newStreet()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.close)
	dir := t.TempDir()
	config := filepath.Join(dir, "belisha.toml")
	if err := writeConfig(config, net, ""); err != nil {
		t.Fatal(err)
	}
	w := &world{street: net, home: filepath.Join(dir, "home")}
	if err := os.MkdirAll(w.home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", w.home)
	data := filepath.Join(dir, "data")
	if err := net.authority.believedIn(data); err != nil {
		t.Fatal(err)
	}
	if w.srv, err = launch(data, "--demo", "--config", config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.srv.Stop(syscall.SIGINT)
		endFilter(data)
	})
	return w
}

// device opens a browser on a device with an address of its own, behind the
// filter.
func (w *world) device(t *testing.T, address string) *browsertest.Browser {
	t.Helper()
	return browsertest.Open(t, browsertest.Options{Proxy: relay(t, w.srv.Proxy, address), TrustSPKI: []string{w.street.spki(t)}})
}

// relay leads to the proxy from an address of one's choice, which a browser
// cannot choose.
func relay(t *testing.T, to, from string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := d.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			go pour(out, in)
			go pour(in, out)
		}
	}()
	return l.Addr().String()
}

// pour copies until one side ends, and ends both.
func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from) // the end of either is the end of both
	_ = to.Close()
	_ = from.Close()
}

// plain is a site without TLS, at the port where the street has them.
func (w *world) plain(host string) string {
	_, port, _ := net.SplitHostPort(w.street.plain)
	return "http://" + net.JoinHostPort(host, port) + "/"
}

func (w *world) secure(host string) string {
	_, port, _ := net.SplitHostPort(w.street.secure)
	return "https://" + net.JoinHostPort(host, port) + "/"
}

// spki is the digest of the key of the street's certificate, which the
// browsers take as trusted, as they do a real site's.
func (n *street) spki(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&n.authority.site.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// fits looks at the page as it is, on a desk and on a phone: the accessibility
// checker finds nothing, and nothing is wider than the window.
func fits(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	for _, width := range []int64{320, 1280} {
		if err := chromedp.Do(b.Context(), chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		b.Axe()
		if over := b.Overflows(); over > 0 {
			t.Errorf("%s is %d pixels wider than a window of %d", b.URL(), over, width)
		}
	}
}

// signInByKeys types into the field that has the focus, and goes on with the
// Tab and Enter keys.
func (w *world) signInByKeys(t *testing.T, b *browsertest.Browser) {
	b.Go(ourHost + "/sign-in")
	fits(t, b)
	for range 12 {
		if strings.Contains(b.Focused(), "username") || w.focusName(t, b) == "username" {
			break
		}
		b.Key("\t")
	}
	b.Key("pupil5")
	b.Key("\t")
	if got := w.focusName(t, b); got != "password" {
		t.Fatalf("after the name, Tab leads to %q", got)
	}
	b.Key("amber-light-pupil5")
	b.Key("\r")
	soonTrue(t, "being told that use is monitored", func() bool { return strings.Contains(b.URL(), "/told") })
	b.Has("It may keep a note of the pages you open")
	fits(t, b)
	b.Press("I have read this")
	soonTrue(t, "being signed in", func() bool { return strings.HasSuffix(b.URL(), "/signed-in") })
	b.Has("Maisie")
	if text := b.Text(); strings.Contains(text, "Nwankwo") {
		t.Errorf("a pupil's page shows a family name: %s", text)
	}
	fits(t, b)
}

func (w *world) focusName(t *testing.T, b *browsertest.Browser) string {
	t.Helper()
	name, err := chromedp.Run(b.Context(), chromedp.Evaluate[string](`document.activeElement.name || ""`))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// soonTrue waits for something to become true.
func soonTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("waited for %s in vain", what)
}

// ownCertificate opens a secure page and looks at whose certificate came.
func (w *world) ownCertificate(t *testing.T, b *browsertest.Browser) {
	if got := w.subject(t, b, "www.britannica.com"); got != "The real site" {
		t.Errorf("the certificate is of %q, want the site's own", got)
	}
	b.Has("the real site")
}

// subject opens a secure page and says whose certificate came.
func (w *world) subject(t *testing.T, b *browsertest.Browser, host string) string {
	t.Helper()
	res, err := chromedp.RunResponse(b.Context(), chromedp.Navigate(w.secure(host)))
	if err != nil {
		t.Fatal(err)
	}
	if res == nil || res.SecurityDetails == nil {
		t.Fatal("the browser says nothing of a certificate")
	}
	return res.SecurityDetails.SubjectName
}

// withAuthority installs the school's certificate in a browser of a device
// that is marked as having it.
func (w *world) withAuthority(t *testing.T) {
	db := filepath.Join(w.home, ".pki", "nssdb")
	if err := os.MkdirAll(db, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-N", "--empty-password"},
		{"-A", "-n", "school", "-t", "C,,", "-i", filepath.Join(w.srv.Dir, "gate", "ca", "ca.pem")},
	} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + db}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("installing the certificate (libnss3-tools): %v\n%s", err, out)
		}
	}
	desk := w.srv.Client(t)
	desk.SignIn("filter", "amber-light-filter")
	code, text := desk.Post("/filter/devices/new", url.Values{
		"label": {"Browser of the test"}, "addresses": {"127.0.9.2"}, "group": {"pupils"}, "ca": {"yes"}, "version": {"0"},
	})
	if code != http.StatusOK {
		t.Fatalf("saving the device: %d\n%s", code, text)
	}
	b := w.device(t, "127.0.9.2")
	soonTrue(t, "a page in place of a secure site", func() bool { return b.Visit("https://www.tiktok.com/") == nil })
	b.Has("www.tiktok.com", "Childline")
	fits(t, b)
	b.Go(ourHost + "/sign-in")
	b.Fill("username", "pupil10")
	b.Fill("password", "amber-light-pupil10")
	b.Press("Sign in")
	w.lookedInto(t, b)
}

// lookedInto opens secure pages in a browser that the demonstration's filter
// looks into: what weighs too much is closed, the rest comes under the school's
// certificate, and a bank's and a help service's pages under their own.
func (w *world) lookedInto(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	w.street.offer("tips.example", "/casino", offer{kind: "text/html", body: []byte("<p>Take a no deposit bonus and free spins at our online casino.")})
	b.Go(w.secure("tips.example"))
	b.Has("Please sign the school's agreement") // he has not signed yet
	b.Press("Go on to the page")
	b.Has("the real site")
	b.Go(w.secure("tips.example") + "casino")
	b.Has("This page is closed", "Childline")
	if strings.Contains(b.Text(), "no deposit") {
		t.Errorf("the closed page is shown: %s", b.Text())
	}
	fits(t, b)
	for host, own := range map[string]bool{"www.britannica.com": false, "www.barclays.co.uk": true, "www.childline.org.uk": true} {
		b.Go(w.secure(host))
		b.Has("Welcome to " + host)
		if got := w.subject(t, b, host); (got == "The real site") != own {
			t.Errorf("the certificate of %s is of %q", host, got)
		}
	}
}

// change closes a site on the desk and times how soon it is closed.
func (w *world) change(t *testing.T, child *browsertest.Browser) {
	child.Go(w.plain("www.britannica.com"))
	child.Has("the real site")
	desk := browsertest.Open(t, browsertest.Options{})
	w.signIn(desk, "filter")
	fits(t, desk)
	for _, path := range []string{"/filter", "/filter/own", "/filter/changes", "/filter/devices", "/filter/lists"} {
		desk.Go("http://" + w.srv.Pages + path)
		fits(t, desk)
	}
	desk.Go("http://" + w.srv.Pages + "/filter/own/new")
	fits(t, desk)
	desk.Fill("entry", "britannica.com")
	w.write(t, desk, "reason", "Closed for the test week")
	w.pick(t, desk, "act", "block")
	desk.Press("Add it")
	saved := time.Now()
	desk.Has("britannica.com")
	through := w.srv.Through()
	through.Transport = &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: relay(t, w.srv.Proxy, "127.0.9.1")}), DisableKeepAlives: true}
	for {
		res, err := through.Get(w.plain("www.britannica.com"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusForbidden {
			break
		}
		if time.Since(saved) > 10*time.Second {
			t.Fatal("the change never came into force")
		}
	}
	if took := time.Since(saved); took > time.Second {
		t.Errorf("in force after %v, want within a second", took)
	}
	fits(t, desk)
	child.Go(w.plain("www.britannica.com"))
	child.Has("Childline")
}

func (w *world) signIn(b *browsertest.Browser, who string) {
	b.Go("http://" + w.srv.Pages + "/sign-in")
	b.Fill("username", who)
	b.Fill("password", "amber-light-"+who)
	b.Press("Sign in")
}

// watch is the monitor: no name before a purpose, then everything that the
// child did.
func (w *world) watch(t *testing.T) {
	b := browsertest.Open(t, browsertest.Options{})
	w.signIn(b, "monitor")
	fits(t, b)
	b.Go("http://" + w.srv.Pages + "/monitoring/activity?who=maisie")
	if strings.Contains(b.Text(), "www.1001games.com") {
		t.Fatal("the record is shown before a purpose was given")
	}
	fits(t, b)
	w.pick(t, b, "purpose", "standards")
	w.write(t, b, "reason", "The random sample of the month")
	b.Press("Go on")
	// What passed is taken up within seconds.
	soonTrue(t, "the child's visits in the record", func() bool {
		b.Go("http://" + w.srv.Pages + "/monitoring/activity?who=maisie+nwankwo&action=block")
		text := b.Text()
		return strings.Contains(text, "www.1001games.com") && strings.Contains(text, "www.tiktok.com")
	})
	b.Has("Maisie Nwankwo-Lyle", "signed in")
	fits(t, b)
	b.Go("http://" + w.srv.Pages + "/monitoring/blocked")
	fits(t, b)
}

// write types into a field of several lines.
func (w *world) write(t *testing.T, b *browsertest.Browser, name, words string) {
	t.Helper()
	sel := chromedp.CSS(fmt.Sprintf(`textarea[name=%q]`, name))
	ctx, end := context.WithTimeout(b.Context(), 20*time.Second)
	defer end()
	if err := chromedp.Do(ctx, chromedp.SendKeys(sel, words)); err != nil {
		t.Fatalf("writing %s: %v", name, err)
	}
}

// pick chooses a radio button by its value.
func (w *world) pick(t *testing.T, b *browsertest.Browser, name, value string) {
	t.Helper()
	sel := chromedp.CSS(fmt.Sprintf(`input[name=%q][value=%q]`, name, value))
	ctx, end := context.WithTimeout(b.Context(), 20*time.Second)
	defer end()
	if err := chromedp.Do(ctx, chromedp.Click(sel)); err != nil {
		t.Fatalf("choosing %s: %v", value, err)
	}
}
