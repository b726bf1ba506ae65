package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/porter"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// BenchmarkAgainstPlain fetches pages of 1 kB over kept connections through
// the gate and through a plain Go proxy, in turns, and reports the gate's rate
// as a share of the plain one's.
func BenchmarkAgainstPlain(b *testing.B) {
	page := strings.Repeat("x", 1024)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }))
	defer origin.Close()
	w := newBench(b, func(c *Config, _ table) {
		c.Guard, _ = NewGuard([]string{"127.0.0.0/8"}, clock.System{})
		sp, err := spool.Open(spool.Options{Dir: b.TempDir(), Clock: clock.System{}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { sp.Close() })
		p, err := porter.New(porter.Deps{
			Clock: clock.System{}, Spool: sp, Log: c.Log, Settings: c.Porter.Settings(),
			Snapshot: c.Porter.Snapshot(), Table: newTable(),
		})
		if err != nil {
			b.Fatal(err)
		}
		c.Porter, c.Clock = p, clock.System{}
	})
	plain := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: origin.Listener.Addr().String()})
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	})
	defer plain.Close()
	target := fmt.Sprintf("http://ok.test:%d/page", origin.Listener.Addr().(*net.TCPAddr).Port)
	fetch(b, w.server.Addr().String(), target, 100)
	fetch(b, plain.Listener.Addr().String(), target, 100)
	var ours, theirs time.Duration
	for b.Loop() {
		ours += fetch(b, w.server.Addr().String(), target, 1000)
		theirs += fetch(b, plain.Listener.Addr().String(), target, 1000)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "of-plain")
	b.ReportMetric(1000*float64(b.N)/ours.Seconds(), "pages/s")
}

// fetch gets n pages over four connections, with as little of its own work as
// can be.
func fetch(b *testing.B, proxy, target string, n int) time.Duration {
	b.Helper()
	const conns = 4
	errs := make(chan error, conns)
	start := systemNow()
	for range conns {
		go func() { errs <- fetchOver(proxy, target, n/conns) }()
	}
	for range conns {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	return systemNow().Sub(start)
}

func fetchOver(proxy, target string, n int) error {
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(systemNow().Add(20 * time.Second))
	r := bufio.NewReaderSize(conn, 16<<10)
	ask := []byte("GET " + target + " HTTP/1.1\r\nHost: ok.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	for range n {
		if _, err := conn.Write(ask); err != nil {
			return err
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		if got, err := io.Copy(io.Discard, res.Body); err != nil || got != 1024 || res.StatusCode != 200 {
			return fmt.Errorf("status %d, %d bytes: %w", res.StatusCode, got, err)
		}
	}
	return nil
}

func newTable() *subject.Table { return subject.New(nil) }

// BenchmarkInspectedConnections opens connections that are inspected: CONNECT,
// a whole TLS handshake that is resumed from nothing, and one page of 1 kB.
func BenchmarkInspectedConnections(b *testing.B) {
	x := newInspection(b, nil)
	port := x.port()
	work := make(chan struct{})
	errs := make(chan error, 16)
	for range 16 {
		go func() {
			for range work {
				if err := x.openOnce(port); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	start := systemNow()
	for b.Loop() {
		select {
		case work <- struct{}{}:
		case err := <-errs:
			b.Fatal(err)
		}
	}
	close(work)
	for range 16 {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/systemNow().Sub(start).Seconds(), "connections/s")
}

func (x *inspection) openOnce(port int) error {
	conn, err := net.Dial("tcp", x.server.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(systemNow().Add(20 * time.Second))
	fmt.Fprintf(conn, "CONNECT ok.test:%d HTTP/1.1\r\nHost: ok.test\r\n\r\n", port)
	head := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	c := tls.Client(conn, &tls.Config{ServerName: "ok.test", RootCAs: x.school, Time: x.Clock.Now})
	fmt.Fprintf(c, "GET /1k HTTP/1.1\r\nHost: ok.test:%d\r\n\r\n", port)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
		return fmt.Errorf("status %d: %w", res.StatusCode, err)
	}
	return nil
}
