//go:build linux

package stories_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// held is a tunnel through the filter that stays open, as a browser's does.
type held struct {
	conn *tls.Conn
	in   *bufio.Reader
	url  *url.URL
}

// hold opens a tunnel through the filter, and keeps it: hold NAME URL.
func hold(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: hold NAME URL")
	}
	u, err := url.Parse(args[1])
	if err != nil {
		return err
	}
	c, err := s.dialer().Dial("tcp", s.ts.Getenv("PROXY"))
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.net.secure)
	to := net.JoinHostPort(u.Hostname(), port)
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", to, to); err != nil {
		return err
	}
	br := bufio.NewReader(c)
	line, err := br.ReadString('\n')
	if err != nil || !strings.Contains(line, " 200 ") {
		_ = c.Close()
		return fmt.Errorf("no tunnel to %s: %s %w", to, line, err)
	}
	for line != "\r\n" && err == nil {
		line, err = br.ReadString('\n')
	}
	t := tls.Client(c, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}) //nolint:gosec // the street's certificate is its own
	if err := errors.Join(err, t.HandshakeContext(context.Background())); err != nil {
		_ = c.Close()
		return err
	}
	s.tunnels[args[0]] = &held{conn: t, in: bufio.NewReader(t), url: u}
	return stillHeld(s, args[:1])
}

// stillHeld says that a page still comes through a tunnel: held NAME.
func stillHeld(s *story, args []string) error {
	h := s.tunnels[args[0]]
	if h == nil {
		return errors.New("there is no tunnel " + args[0])
	}
	_ = h.conn.SetDeadline(time.Now().Add(5 * time.Second))
	req, err := http.NewRequest(http.MethodGet, h.url.String(), nil)
	if err != nil {
		return err
	}
	if err := req.Write(h.conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(h.in, req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if text := readSome(resp.Body); !strings.Contains(text, "the real site") {
		return fmt.Errorf("the tunnel answers %d: %s", resp.StatusCode, text)
	}
	return nil
}

// closed says that the filter has closed a tunnel on which nobody does
// anything: closed NAME.
func closed(s *story, args []string) error {
	h := s.tunnels[args[0]]
	if h == nil {
		return errors.New("there is no tunnel " + args[0])
	}
	_ = h.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := h.in.Peek(1); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the tunnel " + args[0] + " is open")
	}
	return nil
}
