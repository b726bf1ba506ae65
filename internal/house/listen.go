package house

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// listen takes an address, or says in one sentence why it cannot be had.
func listen(ctx context.Context, what, addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("--listen-%s %s is not host:port", what, addr)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, portTrouble(what, addr, err)
	}
	return l, nil
}

// loopback reports whether an address can be reached from this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listenAdmin takes the admin page's address, which has no sign-in and is for
// this machine alone.
func listenAdmin(ctx context.Context, addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err == nil && !loopback(addr) {
		return nil, fmt.Errorf("--listen-admin %s: the admin page asks nobody who they are, so it stays on this machine; listen on 127.0.0.1", addr)
	}
	return listen(ctx, "admin", addr)
}

func portTrouble(what, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the %s cannot listen on %s: another program has that port; stop it, or choose another with --listen-%s (port 0 takes any free one)", what, addr, what)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the %s may not listen on %s: ports below 1024 need a privilege; choose a higher one with --listen-%s", what, addr, what)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("the %s cannot listen on %s: this machine does not have that address; correct --listen-%s", what, addr, what)
	default:
		return fmt.Errorf("the %s cannot listen on %s: %w", what, addr, err)
	}
}

// maxSocketPath is what every system takes for the name of a unix socket.
const maxSocketPath = 100

// ConsoleSocket is where a running server takes commands for the folder dir.
func ConsoleSocket(dir string) string { return socketPath(dir, "console.sock") }

// socketPath returns a name for a unix socket of the folder: in it, or, where
// that name would be too long for the system, in the temporary folder under a
// name that belongs to the folder alone.
func socketPath(dir, name string) string {
	p := filepath.Join(dir, name)
	if len(p) <= maxSocketPath {
		return p
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("belisha-%d-%s-%s", os.Getuid(), shortHash(dir), name))
}

// listenUnix takes a socket for this user alone, in place of one left over.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("taking the socket %s: %s", path, plain(err))
	}
	l, err := net.Listen("unix", path) //nolint:noctx // local and immediate
	if err != nil {
		return nil, fmt.Errorf("taking the socket %s: %s", path, plain(err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("taking the socket %s: %s", path, plain(err)), l.Close())
	}
	return l, nil
}

// server is an http.Server with every time bounded.
func server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      120 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}

// serveUntil serves until ctx ends, then lets requests under way finish.
func serveUntil(ctx context.Context, s *http.Server, l net.Listener) error {
	return serveWith(ctx, s, l, func() error { return s.Serve(l) })
}

func serveWith(ctx context.Context, s *http.Server, l net.Listener, serve func() error) error {
	done := make(chan error, 1)
	go func() { done <- serve() }()
	select {
	case err := <-done:
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	if err := s.Shutdown(end); err != nil {
		return s.Close()
	}
	return nil
}

// splitLines returns the lines of s that say something.
func splitLines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}
