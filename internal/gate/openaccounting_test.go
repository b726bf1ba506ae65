package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"belisha/internal/gate/control"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// radiused is a gate that hears one access point, on this machine.
func radiused(t *testing.T) (*school, control.State, *control.Client) {
	t.Helper()
	s := newSchool(t)
	file := filepath.Join(t.TempDir(), "wifi.secret")
	if err := os.WriteFile(file, []byte("a shared secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cfg.Doors.RADIUS, s.cfg.Doors.RADIUSPeers = "127.0.0.1:0", []string{"127.0.0.1 " + file}
	s.cfg.Doors.ICAP = "127.0.0.1:0"
	socket := filepath.Join(t.TempDir(), "people.sock")
	set, err := ReadSettings(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	set.PeopleSocket = socket
	if err := WriteSettings(s.dir, set); err != nil {
		t.Fatal(err)
	}
	s.publish(t, gatetest.Rules())
	st, c, _ := s.run(t)
	ln, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	find := func(_ context.Context, in control.NameRequest) (subject.Row, bool, error) {
		now := clock.System{}.Now()
		return subject.Row{
			ID: "row-mia", Subject: "mia", Certainty: spool.Sure, Groups: []string{"staff"}, SignedUntil: now.Add(time.Hour), Ends: now.Add(time.Hour),
		}, in.Name == "mia", nil
	}
	web := &http.Server{Handler: control.NameHandler(find, func() string { return st.Secret }, clock.System{}.Now), ReadHeaderTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- web.Serve(ln) }()
	t.Cleanup(func() {
		web.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return s, st, c
}

// account says something as the access point.
func account(t *testing.T, st control.State, status rfc2866.AcctStatusType) {
	t.Helper()
	p := radius.New(radius.CodeAccountingRequest, []byte("a shared secret"))
	err := errors.Join(rfc2866.AcctStatusType_Set(p, status), rfc2866.AcctSessionID_SetString(p, "1"),
		rfc2865.UserName_SetString(p, "mia"), rfc2865.FramedIPAddress_Set(p, net.IPv4(127, 0, 0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if res, err := radius.Exchange(ctx, p, st.More["radius"]); err != nil || res.Code != radius.CodeAccountingResponse {
		t.Fatalf("the access point hears %v %v", res, err)
	}
}

func TestWhoAnAccessPointNamesIsLikelyAtEveryDoorAndAfterARestart(t *testing.T) {
	s, st, c := radiused(t)
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Fatalf("before anybody is known: %d", got)
	}
	account(t, st, rfc2866.AcctStatusType_Value_Start)
	if got, _ := s.get(t, st, "game.test"); got != 200 {
		t.Errorf("by the proxy: %d", got)
	}
	if got := resolve(t, st, "game.test"); got != "NOERROR" {
		t.Errorf("by DNS: %s", got)
	}
	if conn, err := connect(st, "bad.test", 443); err == nil {
		conn.Close()
		t.Error("a closed site was opened as a tunnel")
	}
	icapAsks(t, st.More["icap"], "127.0.0.1")
	until(t, "what was asked at each door", func() bool {
		r, err := spool.OpenReader(filepath.Join(s.dir, "spool"))
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := r.Next(10_000)
		if err != nil {
			t.Fatal(err)
		}
		likely := map[string]bool{}
		for _, e := range list {
			if e.Subject == "mia" && e.Certainty != spool.Likely || e.Subject == "" && e.Device == "" && e.Kind == spool.Decision && e.Certainty != spool.Unknown {
				t.Fatalf("%+v", e)
			}
			likely[e.Door] = likely[e.Door] || e.Subject == "mia"
		}
		return likely["proxy"] && likely["tunnel"] && likely["dns"] && likely["icap"]
	})
	status, err := c.Status(t.Context())
	if err != nil || status.Accounting.Sessions != 1 || status.Accounting.Peers[0].Taken != 1 || !status.Accounting.Peers[0].OK {
		t.Errorf("%+v %v", status.Accounting, err)
	}
	kept := subject.New(nil)
	if err := kept.Load(filepath.Join(s.dir, "presence"), clock.System{}.Now()); err != nil || kept.Heard(nil) != 1 {
		t.Errorf("after a restart %d are known: %v", kept.Heard(nil), err)
	}
	account(t, st, rfc2866.AcctStatusType_Value_Stop)
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Errorf("after they are gone: %d", got)
	}
}

func TestWhoHasLeftTheSchoolIsNotThereByTheAccessPointsWordEither(t *testing.T) {
	s, st, c := radiused(t)
	account(t, st, rfc2866.AcctStatusType_Value_Start)
	if got, _ := s.get(t, st, "game.test"); got != 200 {
		t.Fatalf("%d", got)
	}
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Push(t.Context(), subject.Push{Number: status.Presence + 1, Full: true}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.get(t, st, "game.test"); got != 403 {
		t.Errorf("%d", got)
	}
}

// icapAsks asks as a proxy for a client.
func icapAsks(t *testing.T, at, client string) {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "GET http://ok.test/icap HTTP/1.1\r\nHost: ok.test\r\n\r\n"
	fmt.Fprintf(conn, "REQMOD icap://f/reqmod ICAP/1.0\r\nAllow: 204\r\nX-Client-IP: %s\r\nEncapsulated: req-hdr=0, null-body=%d\r\n\r\n%s", client, len(head), head)
	answered(t, bufio.NewReader(conn))
}
