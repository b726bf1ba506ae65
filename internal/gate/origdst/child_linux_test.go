package origdst_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"belisha/internal/gate"
	"belisha/internal/gate/control"
)

// asPart names the part that this program plays inside one of the networks.
const asPart = "BELISHA_ORIGDST_PART"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(asPart) {
	case "gate":
		err = gatePart()
	case "origin":
		err = originPart()
	case "client":
		err = clientPart()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// gatePart is a filter until its input ends.
func gatePart() error {
	var cfg gate.Config
	if err := json.NewDecoder(os.Stdin).Decode(&cfg); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg.ReportedListen = func(s control.State) { fmt.Println("ready", s.More["transparent"]) }
	return gate.Run(ctx, cfg)
}

// originPart is the internet until its input ends: sites, a resolver and a
// listener for QUIC, at every address of its network.
func originPart() error {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintf(w, "origin %s says hello to %s for %s", at, r.Host, r.RemoteAddr)
	})
	plain, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	secure := httptest.NewUnstartedServer(hello)
	if secure.Listener, err = net.Listen("tcp", ":443"); err != nil {
		return err
	}
	secure.StartTLS()
	dot, err := net.Listen("tcp", ":853")
	if err != nil {
		return err
	}
	defer dot.Close()
	quic, err := net.ListenPacket("udp", ":443")
	if err != nil {
		return err
	}
	go echo(quic)
	names, err := net.ListenPacket("udp", "203.0.113.2:53")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(plain, hello) }()
	go func() { _ = (&mdns.Server{PacketConn: names, Handler: mdns.HandlerFunc(answer)}).ActivateAndServe() }()
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func echo(pc net.PacketConn) {
	buf := make([]byte, 64)
	for {
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			return
		}
		_, _ = pc.WriteTo(buf[:n], from)
	}
}

// answer knows two sites: ok.test at the one address, bad.test at the other.
func answer(w mdns.ResponseWriter, q *mdns.Msg) {
	m := new(mdns.Msg)
	m.SetReply(q)
	name := strings.ToLower(q.Question[0].Name)
	for host, at := range map[string][2]string{"ok.test.": {"203.0.113.2", "2001:db8:77::2"}, "bad.test.": {"203.0.113.3", "2001:db8:77::3"}} {
		if name != host {
			continue
		}
		text := fmt.Sprintf("%s 60 A %s", host, at[0])
		if q.Question[0].Qtype == mdns.TypeAAAA {
			text = fmt.Sprintf("%s 60 AAAA %s", host, at[1])
		} else if q.Question[0].Qtype != mdns.TypeA {
			continue
		}
		if rr, err := mdns.NewRR(text); err == nil {
			m.Answer = append(m.Answer, rr)
		}
	}
	_ = w.WriteMsg(m)
}

const patience = 3 * time.Second

// clientPart does what its arguments say, and prints what came of it.
func clientPart() error {
	verb, at, name, from := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	d := net.Dialer{Timeout: patience}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	switch verb {
	case "dns":
		m := new(mdns.Msg)
		m.SetQuestion(name+".", mdns.TypeA)
		res, _, err := (&mdns.Client{Timeout: patience, Net: "udp"}).Exchange(m, at)
		if err != nil {
			return err
		}
		fmt.Println(mdns.RcodeToString[res.Rcode], len(res.Answer))
		return nil
	case "udp":
		c, err := net.DialTimeout("udp", at, patience)
		if err != nil {
			return err
		}
		_ = c.SetDeadline(deadline())
		if _, err := c.Write([]byte("hello")); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 8)); err != nil {
			return err
		}
		fmt.Println("answered")
		return nil
	}
	conn, err := d.Dial("tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(deadline())
	if verb == "tls" {
		t := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err := t.Handshake(); err != nil {
			return err
		}
		conn = t
	}
	host := name
	if host == "" {
		host = at
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(res.StatusCode, string(body))
	return err
}

func deadline() time.Time { return time.Now().Add(patience) }
