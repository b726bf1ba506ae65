package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAHeadThatTwoProgramsCouldReadInTwoWaysIsRefused(t *testing.T) {
	const line = "GET http://ok.test/ HTTP/1.1\r\n"
	const host = "Host: ok.test\r\n"
	cases := []struct {
		name, head string
		want       error
	}{
		{"a plain request is fine", line + host + "\r\n", nil},
		{"an HTTP/1.0 request needs no host", "GET http://ok.test/ HTTP/1.0\r\n\r\n", nil},
		{"CONNECT is fine", "CONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test:443\r\n\r\n", nil},
		{"a chunked body is fine", "POST http://ok.test/ HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n", nil},
		{"content length and transfer encoding", line + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", errBoth},
		{"transfer encoding and content length", line + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", errBoth},
		{"chunked, identity", line + host + "Transfer-Encoding: chunked, identity\r\n\r\n", errTransfer},
		{"xchunked", line + host + "Transfer-Encoding: xchunked\r\n\r\n", errTransfer},
		{"chunked after a vertical tab", line + host + "Transfer-Encoding: \vchunked\r\n\r\n", errControl},
		{"two transfer encodings", line + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", errTransfer},
		{"transfer encoding on HTTP/1.0", "GET http://ok.test/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", errTransfer},
		{"length +5", line + host + "Content-Length: +5\r\n\r\n", errLength},
		{"length 5, 5", line + host + "Content-Length: 5, 5\r\n\r\n", errLength},
		{"length twice the same", line + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", errLength},
		{"length 0x5", line + host + "Content-Length: 0x5\r\n\r\n", errLength},
		{"length after two spaces", line + host + "Content-Length:  5\r\n\r\n", errLength},
		{"length 2^64", line + host + "Content-Length: 18446744073709551616\r\n\r\n", errLength},
		{"length -1", line + host + "Content-Length: -1\r\n\r\n", errLength},
		{"length 05", line + host + "Content-Length: 05\r\n\r\n", errLength},
		{"two hosts", line + host + host + "\r\n", errHostField},
		{"no host", line + "\r\n", errHostField},
		{"empty host", line + "Host:\r\n\r\n", errHostField},
		{"host with a comma", line + "Host: ok.test, bad.test\r\n\r\n", errHostField},
		{"host with userinfo", line + "Host: ok.test@bad.test\r\n\r\n", errHostField},
		{"host with a space", line + "Host: ok.test bad.test\r\n\r\n", errHostField},
		{"folded header", line + host + "X: a\r\n b\r\n\r\n", errFold},
		{"space before the colon", line + "Host : ok.test\r\n\r\n", errName},
		{"bare line feed", line + "Host: ok.test\nX: a\r\n\r\n", errBareCR},
		{"bare carriage return", line + host + "X: a\rb\r\n\r\n", errBareCR},
		{"NUL in a value", line + host + "X: a\x00b\r\n\r\n", errControl},
		{"name that is no token", line + host + "X(: a\r\n\r\n", errName},
		{"userinfo in CONNECT", "CONNECT ok.test@bad.test:443 HTTP/1.1\r\n" + host + "\r\n", errTarget},
		{"CONNECT without a port", "CONNECT ok.test HTTP/1.1\r\n" + host + "\r\n", errTarget},
		{"CONNECT to a path", "CONNECT /path HTTP/1.1\r\n" + host + "\r\n", errTarget},
		{"CONNECT with a body", "CONNECT ok.test:443 HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n", errLength},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", errVersion},
		{"HTTP/0.9", "GET http://ok.test/ HTTP/0.9\r\n\r\n", errVersion},
		{"tab in the target", "GET http://ok.test/\ta HTTP/1.1\r\n" + host + "\r\n", errLine},
		{"backslash before the path", "GET http://ok.test\\@bad.test/ HTTP/1.1\r\n" + host + "\r\n", errTarget},
		{"two spaces", "GET  http://ok.test/ HTTP/1.1\r\n" + host + "\r\n", errLine},
		{"javascript", "GET javascript:alert(1) HTTP/1.1\r\n" + host + "\r\n", errTarget},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := checkHead([]byte(c.head))
			if c.name == "tab in the target" && err != nil {
				return
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// serve sends raw bytes, cut into pieces of the given size, through a strict
// connection to net/http, and returns all that comes back.
func serve(t *testing.T, raw string, piece int) string {
	t.Helper()
	client, server := net.Pipe()
	client.SetDeadline(systemNow().Add(2 * time.Second))
	ln := &oneConn{conn: newStrictConn(server, func(error) {}), done: make(chan struct{})}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "bad body", 400)
			return
		}
		io.WriteString(w, r.Method+" "+r.URL.String()+" "+string(body)+"\n")
	})}
	go srv.Serve(ln)
	defer srv.Close()
	go func() {
		for b := []byte(raw); len(b) > 0; {
			n := min(piece, len(b))
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
	}()
	var all bytes.Buffer
	r := bufio.NewReader(client)
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, _ := io.ReadAll(res.Body)
		all.WriteString(res.Status[:3] + " " + string(body))
		if res.Close {
			break
		}
	}
	client.Close()
	return all.String()
}

type oneConn struct {
	conn net.Conn
	used bool
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if !l.used {
		l.used = true
		return l.conn, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func TestPipelinedRequestsAreAnsweredInOrderAndARefusedOneEndsThem(t *testing.T) {
	raw := "POST http://ok.test/1 HTTP/1.1\r\nHost: ok.test\r\nContent-Length: 3\r\n\r\nabc" +
		"POST http://ok.test/2 HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\ndef\r\n0\r\nX-T: 1\r\n\r\n" +
		"GET http://ok.test/3 HTTP/1.1\r\nHost: ok.test\r\n\r\n" +
		"GET http://bad.test/ HTTP/1.1\r\nHost: ok.test\r\n folded\r\n\r\n" +
		"GET http://ok.test/never HTTP/1.1\r\nHost: ok.test\r\n\r\n"
	want := "200 POST http://ok.test/1 abc\n200 POST http://ok.test/2 def\n200 GET http://ok.test/3 \n400 400 Bad Request"
	for _, piece := range []int{1, 2, 7, 64, len(raw)} {
		if got := serve(t, raw, piece); got != want {
			t.Errorf("in pieces of %d:\n got %q\nwant %q", piece, got, want)
		}
	}
}

func TestWhatIsNotHTTPIsAnsweredAtOnce(t *testing.T) {
	for _, raw := range []string{"\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n", "\x00\x00"} {
		if got := serve(t, raw, len(raw)); !strings.HasPrefix(got, "400") {
			t.Errorf("%q: got %q", raw, got)
		}
	}
}

func TestABadChunkEndsTheConnection(t *testing.T) {
	for _, chunk := range []string{"3\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "3\r\nabcX0\r\n\r\n", "ffffffffffffffff\r\n", "0\r\nHost: bad.test\r\n\r\n"} {
		raw := "POST http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk +
			"GET http://ok.test/never HTTP/1.1\r\nHost: ok.test\r\n\r\n"
		if got := serve(t, raw, len(raw)); strings.Contains(got, "200") {
			t.Errorf("%q: got %q", chunk, got)
		}
	}
}

func TestAHugeHeadIsRefusedWithBoundedMemory(t *testing.T) {
	raw := "GET http://ok.test/" + strings.Repeat("a", 2<<20) + " HTTP/1.1\r\nHost: ok.test\r\n\r\n"
	if got := serve(t, raw, 64<<10); !strings.HasPrefix(got, "431") {
		t.Errorf("got %.60q", got)
	}
}

// notes are what the strict reader adds itself.
var notes = regexp.MustCompile(noteHeader + `: [^\r\n]*\r\n`)

func FuzzStrictConn(f *testing.F) {
	f.Add([]byte("GET http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\n\r\n"), 3)
	f.Add([]byte("POST http://ok.test/ HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 1)
	f.Add([]byte("\r\nCONNECT ok.test:443 HTTP/1.1\r\nHost: ok.test\r\n\r\n\x16\x03"), 2)
	f.Fuzz(func(t *testing.T, raw []byte, piece int) {
		if piece < 1 || piece > 1<<16 {
			return
		}
		whole, one := readAll(raw, len(raw)+1), readAll(raw, piece)
		if !bytes.Equal(whole, one) {
			t.Fatalf("cut in pieces of %d it reads differently:\n%q\n%q", piece, whole, one)
		}
		// What is handed over is what came, up to a refusal.
		cut, _ := bytes.CutSuffix(notes.ReplaceAll(whole, nil), []byte(refusedHead))
		if !bytes.Contains(raw, cut) && !bytes.Contains(raw, whole) && !bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), bytes.ReplaceAll(cut, []byte("\r\n"), nil)) {
			t.Fatalf("handed over what never came: %q of %q", whole, raw)
		}
	})
}

// pieces is a connection that gives its bytes a few at a time.
type pieces struct {
	net.Conn
	rest []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(p.n, len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

func readAll(raw []byte, piece int) []byte {
	c := newStrictConn(&pieces{rest: raw, n: piece}, func(error) {})
	out, _ := io.ReadAll(c)
	return out
}
