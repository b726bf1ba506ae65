package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"belisha/internal/house"
)

// maxCalls bounds how many commands a server does at once.
const maxCalls = 16

// Serve does the commands that come over the listener with the open house,
// until ctx ends. It waits for commands under way.
func Serve(ctx context.Context, h *house.House, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	slots := make(chan struct{}, maxCalls)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("listening for commands: %w", err)
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			answer(ctx, h, c)
		})
	}
}

// answer does one command.
func answer(ctx context.Context, h *house.House, c net.Conn) {
	defer func() { _ = c.Close() }()
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a command failed badly", "panic", p)
		}
	}()
	_ = c.SetReadDeadline(h.Clock().Now().Add(10 * time.Second))
	kind, data, err := readFrame(c)
	if err != nil || kind != frameCall {
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	said, err := decodeCall(data)
	if err != nil {
		return
	}
	mu := &sync.Mutex{}
	inv := Invocation{
		Args: said.Args, Dir: said.Dir, User: said.User,
		Stdin:  &inputReader{r: c},
		Stdout: frameWriter{mu, c, frameOutput},
		Stderr: frameWriter{mu, c, frameError},
	}
	status := runWith(ctx, h, inv)
	mu.Lock()
	defer mu.Unlock()
	if err := writeFrame(c, frameExit, []byte{byte(status)}); err != nil {
		slog.Warn("the caller of a command went away", "err", err)
	}
}

// forward sends the command to the running server.
func forward(inv Invocation, socket string) int {
	c, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return inv.fail(CouldNot, "Another Belisha holds this data folder and does not answer; wait until it is done, or stop it.")
	}
	defer func() { _ = c.Close() }()
	b, err := encodeCall(call{Args: inv.Args, Dir: inv.Dir, User: inv.User})
	if err != nil {
		return inv.fail(CouldNot, err.Error())
	}
	if err := writeFrame(c, frameCall, b); err != nil {
		return inv.fail(CouldNot, err.Error())
	}
	go sendInput(c, inv.Stdin)
	return receive(c, inv)
}

func sendInput(c io.Writer, in io.Reader) {
	if in != nil {
		buf := make([]byte, 32<<10)
		for {
			n, err := in.Read(buf)
			if n > 0 && writeFrame(c, frameInput, buf[:n]) != nil {
				return
			}
			if err != nil {
				break
			}
		}
	}
	_ = writeFrame(c, frameInput, nil) // the server may be done and gone
}

func receive(c io.Reader, inv Invocation) int {
	for {
		kind, data, err := readFrame(c)
		if err != nil {
			return inv.fail(CouldNot, "The server stopped before the command was done; look with `belisha doctor`, then try again.")
		}
		switch kind {
		case frameOutput:
			_, err = inv.Stdout.Write(data)
		case frameError:
			_, err = inv.Stderr.Write(data)
		case frameExit:
			if len(data) == 1 {
				return int(data[0])
			}
		}
		if err != nil {
			return CouldNot
		}
	}
}
