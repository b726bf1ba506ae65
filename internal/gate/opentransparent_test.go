package gate

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/gatetest"
	"belisha/internal/kit/clock"
)

func TestRedirectedConnectionsAreTakenWhereTheyAreSet(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system keeps no record of redirected connections")
	}
	s := newSchool(t)
	s.cfg.Doors.Transparent = "127.0.0.1:0"
	s.publish(t, gatetest.Rules())
	st, _, _ := s.run(t)
	at := st.More["transparent"]
	if at == "" {
		t.Fatalf("it is not said where it is: %+v", st.More)
	}
	_, port, err := net.SplitHostPort(s.origin.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	get := func(host string) int {
		t.Helper()
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(clock.System{}.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	for host, want := range map[string]int{"ok.test:" + port: 200, "bad.test": 403, st.Proxy: 403, at: 403} {
		if got := get(host); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
	rules := gatetest.Rules()
	rules.Own[0].Text = "ok.test"
	s.publish(t, rules)
	until(t, "the new rules", func() bool { return get("ok.test:"+port) == 403 })
}

func TestAnAddressThatIsTakenIsSaidWithItsFlag(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := newSchool(t)
	s.cfg.Doors.Transparent = ln.Addr().String()
	err = Run(t.Context(), s.cfg)
	if err == nil || !strings.Contains(err.Error(), "--listen-transparent") {
		t.Errorf("got %v", err)
	}
}
