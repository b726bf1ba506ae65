package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
)

// upgraded joins the two sides of a WebSocket.
func (x *exchange) upgraded(res *http.Response) {
	s, w, answer := x.Server, x.w, &x.answer
	server, ok := res.Body.(io.ReadWriteCloser)
	// A site that switches when nobody asked it to, or to something else, has
	// a tunnel in mind.
	if !ok || !isWebSocket(x.r.Header) || !isWebSocket(res.Header) {
		http.Error(w, "The site answered in a way that cannot be passed on.", http.StatusBadGateway)
		return
	}
	looked := x.looksAtTexts()
	if looked && strings.Join(res.Header["Sec-Websocket-Extensions"], "") != "" {
		server.Close() // nobody asked it to: what follows could not be read
		http.Error(w, "The site answered in a way that cannot be passed on.", http.StatusBadGateway)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.cfg.Log.Error("a WebSocket could not be taken over", "error", err.Error())
		return
	}
	defer conn.Close()
	var early []byte
	if n := rw.Reader.Buffered(); n > 0 {
		if got, err := rw.Reader.Peek(n); err == nil {
			early = append(early, got...)
		}
	}
	if c, ok := conn.(*strictConn); ok {
		c.tunnel()
	}
	running := newTunnel(answer.Who.Address, x.basic, func() { conn.Close(); server.Close() }, answer.Question)
	remove := s.tunnels.add(running)
	defer remove()
	if _, closed := s.closedNow(running); closed {
		server.Close()
		return
	}
	if s.switched(conn, res) != nil {
		return
	}
	if looked {
		end := func() { conn.Close(); server.Close() }
		total := x.spoken(bufio.NewReader(io.MultiReader(bytes.NewReader(early), conn)), conn, bufio.NewReader(server), server, end)
		s.bytes.Add(total)
		s.porter.Passed(answer, total)
		return
	}
	if _, err := server.Write(early); err != nil {
		return
	}
	done := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(server, conn) // either side ends it: how is no matter
		server.Close()
		done <- n
	}()
	n, _ := io.Copy(conn, server)
	conn.Close()
	total := uint64(n + <-done)
	s.bytes.Add(total)
	s.porter.Passed(answer, total)
}

// switched tells the browser that it speaks to the site now.
func (s *Server) switched(conn net.Conn, res *http.Response) error {
	h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Via": {"1.1 " + s.name}}
	for name, values := range res.Header {
		if strings.HasPrefix(name, "Sec-") {
			h[name] = values
		}
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := h.Write(&b); err != nil {
		return err
	}
	b.WriteString("\r\n")
	_, err := conn.Write(b.Bytes())
	return err
}
