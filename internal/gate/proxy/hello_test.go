package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"
)

// clientHello is what Go's own client sends first.
func clientHello(t testing.TB, name string) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go tls.Client(client, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
	server.SetDeadline(systemNow().Add(5 * time.Second))
	buf := make([]byte, 32<<10)
	n, err := server.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// split puts each n bytes of a one-record message into a record of its own.
func split(record []byte, n int) []byte {
	var out []byte
	for body := record[recordHeader:]; len(body) > 0; {
		k := min(n, len(body))
		out = append(out, recordHandshake, 3, 1, byte(k>>8), byte(k))
		out = append(out, body[:k]...)
		body = body[k:]
	}
	return out
}

func TestTheServerNameIsFoundHoweverTheHelloIsCut(t *testing.T) {
	plain := clientHello(t, "Bad.Test")
	for _, c := range []struct {
		name  string
		bytes []byte
	}{{"whole", plain}, {"one byte a record", split(plain, 1)}, {"records of 100", split(plain, 100)}} {
		for i := range c.bytes {
			if _, err := readHello(c.bytes[:i]); !errors.Is(err, errMoreHello) {
				t.Fatalf("%s: after %d of %d bytes: %v", c.name, i, len(c.bytes), err)
			}
		}
		h, err := readHello(c.bytes)
		if err != nil || h.name != "Bad.Test" {
			t.Errorf("%s: %q, %v", c.name, h.name, err)
		}
		if h, err = readHello(append(c.bytes, 1, 2, 3)); err != nil || h.name != "Bad.Test" {
			t.Errorf("%s with early data behind: %q, %v", c.name, h.name, err)
		}
	}
}

func TestWhatIsNoHelloOrHasNoNameIsToldApart(t *testing.T) {
	cases := []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"an IP address is no server name", clientHello(t, "203.0.113.5"), errNoName},
		{"SSH", []byte("SSH-2.0-OpenSSH\r\n"), errNotTLS},
		{"HTTP in clear", []byte("GET / HTTP/1.1\r\n"), errNotTLS},
		{"one wrong byte is enough", []byte{0}, errNotTLS},
		{"an alert first", []byte{21, 3, 1, 0, 2, 1, 0}, errNotTLS},
		{"an empty record", []byte{22, 3, 1, 0, 0}, errBadHello},
		{"a record of 64 kB", []byte{22, 3, 1, 0xff, 0xff, 1}, errBadHello},
		{"a message of 16 MB", []byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}, errBadHello},
		{"another handshake message", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, errBadHello},
		{"a hello that is too short", []byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3}, errBadHello},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readHello(c.bytes); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzHello(f *testing.F) {
	f.Add(clientHello(f, "bad.test"))
	f.Add(split(clientHello(f, "ok.test"), 50))
	f.Add([]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHello(b)
		if err != nil {
			if h.name != "" {
				t.Fatalf("an error and the name %q", h.name)
			}
			return
		}
		if h.name == "" || len(h.name) > maxServerName {
			t.Fatalf("accepted the name %q", h.name)
		}
		// Go's own server must not read another name from the same bytes.
		if got, ok := goServerName(b); ok && got != h.name {
			t.Fatalf("we read %q, crypto/tls reads %q", h.name, got)
		}
	})
}

// goServerName asks crypto/tls for the name.
func goServerName(b []byte) (name string, ok bool) {
	tls.Server(&silent{pieces{rest: b, n: len(b) + 1}}, &tls.Config{GetConfigForClient: func(c *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = c.ServerName, true
		return nil, errors.New("enough")
	}}).Handshake()
	return name, ok
}

// silent swallows what is written to it.
type silent struct{ pieces }

func (*silent) Write(b []byte) (int, error) { return len(b), nil }
func (*silent) Close() error                { return nil }
