package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"belisha/internal/gate"
	"belisha/internal/gate/control"
	"belisha/internal/kit/clock"
	"belisha/lists"
)

// asChild names the file with the settings of a gate that this program is.
const asChild = "BELISHA_SOAK_GATE"

func TestMain(m *testing.M) {
	if file := os.Getenv(asChild); file != "" {
		if err := child(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// settings are what the child is told.
type settings struct {
	Dir, Upstream, Clamd string
	Private              []string
	Public               []byte
}

// figures are what the child says of itself each second.
type figures struct {
	Heap, Goroutines uint64
}

type noSeal struct{}

func (noSeal) Seal(p []byte) ([]byte, error) { return append([]byte{1}, p...), nil }
func (noSeal) Open(p []byte) ([]byte, error) { return p[1:], nil }

// shifted is the machine's clock, put forward or back.
type shifted struct{ by atomic.Int64 }

func (s *shifted) Now() time.Time {
	return clock.System{}.Now().Add(time.Duration(s.by.Load()))
}

// child is a gate until its standard input ends. A line there is by how many
// nanoseconds its clock is ahead; it is repeated when it holds.
func child(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	engines, err := lists.SearchEngines()
	if err != nil {
		return err
	}
	services, err := lists.AIServices()
	if err != nil {
		return err
	}
	now := new(shifted)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			var by int64
			if _, err := fmt.Sscan(in.Text(), &by); err == nil {
				now.by.Store(by)
				fmt.Println("clock", by)
			}
		}
		cancel()
	}()
	go tell(ctx)
	return gate.Run(ctx, gate.Config{
		Dir: s.Dir, Version: "soak", Proxy: "127.0.0.1:0", DNS: "127.0.0.1:0", Sink: "127.0.0.1:0", PublicKey: s.Public, Seal: noSeal{},
		UpstreamDNS: []string{s.Upstream}, AllowPrivate: s.Private, Clock: now, DNSPerClient: 10_000,
		Searcher: lists.NewSearcher(engines), Chats: lists.NewChats(services), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Doors: gate.Doors{
			ICAP: "127.0.0.1:0", DoT: "127.0.0.1:0", DoH: "127.0.0.1:0",
			Going: gate.Going{Peers: []string{icapFrom}, Clamd: []string{s.Clamd}},
		},
		ReportedListen: func(control.State) { fmt.Println("open") },
	})
}

func tell(ctx context.Context) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(samples)
		line, err := json.Marshal(figures{samples[0].Value.Uint64(), samples[1].Value.Uint64()})
		if err == nil {
			fmt.Println("figures", string(line))
		}
	}
}

// process is the parent's end of the child.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	clock chan int64
	told  atomic.Pointer[figures]
	log   *os.File
	ended chan error
}

func startChild(t *testing.T, s settings) *process {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/settings", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), clock: make(chan int64, 1), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), asChild+"="+dir+"/settings")
	if p.log, err = os.Create(dir + "/log"); err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	go p.listen(out, up)
	t.Cleanup(func() {
		_ = p.in.Close()
		_ = p.cmd.Process.Kill() // it has ended, or must now
		<-p.ended
		_ = p.log.Close()
	})
	select {
	case <-up:
	case <-time.After(patience):
		t.Fatal("the gate did not open: " + p.said())
	}
	return p
}

// listen takes what the child says until it ends.
func (p *process) listen(out io.Reader, up chan struct{}) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "open":
			close(up)
		case "clock":
			var by int64
			if _, err := fmt.Sscan(rest, &by); err == nil {
				p.clock <- by
			}
		case "figures":
			var f figures
			if json.Unmarshal([]byte(rest), &f) == nil {
				p.told.Store(&f)
			}
		}
	}
	p.ended <- p.cmd.Wait()
	close(p.ended)
}

func (p *process) said() string {
	raw, _ := os.ReadFile(p.log.Name())
	return string(raw[max(0, len(raw)-4000):])
}
