package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// visitor is one kept connection to a proxy, or to the origin itself.
type visitor struct {
	conn net.Conn
	read *bufio.Reader
}

func visit(address string) (*visitor, error) {
	conn, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return nil, err
	}
	return &visitor{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// get fetches a page and reports whether the origin itself answered.
func (v *visitor) get(url string) (open bool, size int64, err error) {
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	if err := v.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return false, 0, err
	}
	if _, err := fmt.Fprintf(v.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: measure\r\nAccept: text/html\r\n\r\n", url, host); err != nil {
		return false, 0, err
	}
	res, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return false, 0, err
	}
	size, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK && res.Header.Get("X-Origin") != "", size, err
}

func (v *visitor) close() { _ = v.conn.Close() }

// once fetches a page over a new connection.
func once(address, url string) (open bool, err error) {
	v, err := visit(address)
	if err != nil {
		return false, err
	}
	defer v.close()
	open, _, err = v.get(url)
	return open, err
}
