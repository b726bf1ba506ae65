//go:build linux

package stories_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"belisha/internal/gate/identity/kdctest"
	"belisha/internal/kit/web/browsertest"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories tells every story in testdata. A story is a script whose
// commands are what people do; doc.go lists them.
func TestStories(t *testing.T) { testscript.Run(t, params("testdata")) }

// params are how the stories of a folder are told.
func params(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir, Setup: begin, RequireUniqueNames: true,
		// STORIES_GO_ON tells a story to its end and names every fault.
		ContinueOnError: os.Getenv("STORIES_GO_ON") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"school": cmd(theSchool), "serve": cmd(serve), "halt": cmd(halt), "filter": cmd(filterIs),
			"device": cmd(device), "as": cmd(as), "signin": cmd(signin), "account": cmd(account), "visit": cmd(step(visit)), "fill": cmd(step(fill)),
			"post": cmd(step(post)), "steps": cmd(steps), "status": cmd(status), "ask": cmd(ask), "asks": cmd(asks), "dig": cmd(dig), "site": cmd(site), "offers": cmd(offers), "leads": cmd(leads), "craft": cmd(craft), "scanner": cmd(scanner), "squid": cmd(squidOf), "wifi": cmd(wifi), "realm": cmd(realm),
			"belisha": cmd(runBelisha), "exits": cmd(exits), "fields": cmd(fields), "soon": cmd(soon), "within": cmd(within),
			"sql": cmd(sqlOn), "aged": cmd(aged), "replace": cmd(replace), "encode": cmd(encode), "pack": cmd(pack), "backup-file": cmd(backupFile), "names": cmd(names), "cut": cmd(cutFile), "found": found, "sees": sees,
			"oneline": cmd(oneLine), "spoil": cmd(spoil), "port": cmd(takePort), "count": cmd(countOf), "says": cmd(says),
			"clock": cmd(setClock), "follow": cmd(step(follow)), "press": cmd(step(press)), "address": cmd(address), "read": cmd(readOff), "keep": cmd(keep), "send": cmd(step(sendKept)), "forge": cmd(forge), "window": cmd(window), "go": cmd(goTo), "shows": cmd(shows), "fit": cmd(fit), "keys": cmd(keys), "saves": cmd(saves), "kills": cmd(kills), "many": cmd(many), "floor": cmd(floor), "shut": cmd(shut), "paused": cmd(paused), "hold": cmd(hold), "held": cmd(stillHeld), "closed": cmd(closed),
		},
	}
}

// story is what one script works with.
type story struct {
	ts       *testscript.TestScript
	work     string
	data     string
	config   string
	srv      *server
	net      *street
	at       string // the address of the device at hand
	who      string
	people   map[string]*browser // by user name and address
	codes    map[string][]string // recovery codes left, by user name
	page     page
	filter   int // a process id that was noted
	devices  map[string]string
	doors    [2]string // where the filter's proxy and DNS listen
	program  string    // as it ships, or with a movable clock
	moved    time.Duration
	tunnels  map[string]*held
	windows  map[string]kept
	t        testscript.T
	window   *browsertest.Browser // the one at hand
	browsers map[string]*browsertest.Browser
	steps    int // pages opened and forms sent by people
	scanner  *exec.Cmd
	realm    *kdctest.KDC
	later    []func() // what a story's end does, the last first
}

type storyKey struct{}

// begin gives each story its own folder, its own internet and a config file
// that leads there.
func begin(env *testscript.Env) error {
	net, err := newStreet()
	if err != nil {
		return err
	}
	s := &story{
		work: env.WorkDir, data: filepath.Join(env.WorkDir, "data"), config: filepath.Join(env.WorkDir, "belisha.toml"),
		net: net, program: program, at: "127.0.0.1", tunnels: map[string]*held{}, windows: map[string]kept{}, browsers: map[string]*browsertest.Browser{}, t: env.T(), people: map[string]*browser{}, devices: map[string]string{},
	}
	for i := range s.doors {
		udp, tcp, err := sameport()
		if err != nil {
			return err
		}
		s.doors[i] = tcp.Addr().String()
		_, _ = udp.Close(), tcp.Close() // free for the filter
	}
	env.Values[storyKey{}] = s
	env.Defer(func() {
		for _, h := range s.tunnels {
			_ = h.conn.Close()
		}
		if s.srv != nil {
			s.srv.Stop(syscall.SIGINT)
		}
		endFilter(s.data)
		if s.scanner != nil {
			_ = s.stopScanner()
		}
		for _, do := range slices.Backward(s.later) {
			do()
		}
		net.close()
	})
	env.Setenv("DATA", s.data)
	env.Setenv("CONFIG", s.config)
	env.Setenv("USER", "caretaker")
	env.Setenv("BELISHA_DATA", s.data)
	return writeConfig(s.config, net, "")
}

func writeConfig(name string, net *street, more string) error {
	text := fmt.Sprintf("[gate]\nupstream-dns = [%q]\nallow-private = [\"127.0.0.1/32\", %q]\n%s", net.dns, net.secure, more)
	return os.WriteFile(name, []byte(text), 0o600)
}

// cmd makes a command of a script out of a function that may fail; "! x"
// wants it to fail.
func cmd(fn func(s *story, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := storyOf(ts)
		err := fn(s, args)
		if s.page.status == http.StatusInternalServerError && s.srv != nil {
			ts.Logf("the server says:\n%s", s.srv.out)
		}
		if neg && err == nil {
			ts.Fatalf("this worked, and should not have")
		}
		if !neg && err != nil {
			ts.Fatalf("%v", err)
		}
	}
}

// step counts what a person does on Belisha's pages.
func step(fn func(s *story, args []string) error) func(*story, []string) error {
	return func(s *story, args []string) error {
		s.steps++
		return fn(s, args)
	}
}

// steps says how many steps the story has taken up to here, and that they fit
// into a time at half a minute each: steps 15m.
func steps(s *story, args []string) error {
	most, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	took := time.Duration(s.steps) * 30 * time.Second
	s.ts.Logf("%d steps: %s at half a minute each", s.steps, took)
	if took >= most {
		return fmt.Errorf("%d steps take %s, which is more than %s", s.steps, took, most)
	}
	return nil
}

func storyOf(ts *testscript.TestScript) *story {
	s, ok := ts.Value(storyKey{}).(*story)
	if !ok {
		ts.Fatalf("the story has no school")
	}
	s.ts = ts
	return s
}

// serve starts the server on the folder: serve [flag…].
func serve(s *story, args []string) error {
	if s.srv != nil {
		return errors.New("a server runs already")
	}
	flags := []string{"--config", s.config, "--listen-proxy", s.doors[0], "--listen-dns", s.doors[1]}
	srv, err := launchAs(s.program, []string{clockFile + "=" + s.ts.Getenv(clockFile)}, s.data, append(flags, args...)...)
	if err != nil {
		return err
	}
	s.srv = srv
	s.people = map[string]*browser{}
	s.ts.Setenv("PAGES", srv.Pages)
	s.ts.Setenv("PROXY", srv.Proxy)
	s.ts.Setenv("DNS", srv.DNS)
	s.ts.Setenv("ADMIN", srv.Admin)
	s.ts.Setenv("CODE", srv.Code)
	return nil
}

var signals = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}

// halt ends the server with a signal: halt TERM.
func halt(s *story, args []string) error {
	if len(args) != 1 || s.srv == nil {
		return errors.New("usage: halt TERM|INT|KILL, with a server running")
	}
	sig, ok := signals[args[0]]
	if !ok {
		return fmt.Errorf("there is no signal %s here", args[0])
	}
	s.srv.Stop(sig)
	s.srv = nil
	return nil
}

// soon tries a command again until it works, for at most ten seconds.
func soon(s *story, args []string) error { return within(s, append([]string{"10s"}, args...)) }

// within tries a command again until it works: within 1s COMMAND ….
func within(s *story, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: within TIME COMMAND …")
	}
	most, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	args = args[1:]
	do := map[string]func(*story, []string) error{
		"ask": ask, "dig": dig, "visit": visit, "belisha": runBelisha, "exits": exits, "filter": filterIs, "asks": asks, "says": says,
		"closed": closed, "follow": follow, "shut": shut,
	}[args[0]]
	if do == nil {
		return fmt.Errorf("%s cannot be waited for", args[0])
	}
	end := time.Now().Add(most)
	for {
		err := do(s, args[1:])
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// people of every story, made in the set-up.
var firstPeople = []struct{ given, family, user, posts string }{
	{"Amira", "Quist", "a.quist", "headteacher"},
	{"Tomos", "Bellweather", "t.bell", "safeguarding-lead"},
	{"Ines", "Marlow", "i.marlow", "deputy-safeguarding-lead"},
	{"Fergus", "Oakden", "f.oakden", "filter-manager"},
	{"Nadia", "Wren", "n.wren", "network-manager"},
	{"Olu", "Hartley", "o.hartley", "monitor office-manager"},
}

// Password is everybody's own.
const password = "violet kettle meadow"

// certify has the pages served over HTTPS, with a certificate of the story's.
func (s *story) certify() error {
	cert, err := selfSigned()
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	names := [2]string{filepath.Join(s.work, "pages.pem"), filepath.Join(s.work, "pages.key")}
	for i, b := range []*pem.Block{{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(names[i], pem.EncodeToMemory(b), 0o600); err != nil {
			return err
		}
	}
	return writeConfig(s.config, s.net, fmt.Sprintf("[pages]\ncert-file = %q\nkey-file = %q\n", names[0], names[1]))
}

// theSchool serves a fresh folder and sets the school up on the real pages:
// school [POLICY] [bare] [safe] [trusting]. A bare one has the head teacher
// alone; the pages of a safe one are served over HTTPS; the filter of a
// trusting one believes the story's sites that they are who they say.
func theSchool(s *story, args []string) error {
	policy, bare := "village-primary", false
	for _, a := range args {
		switch a {
		case "bare":
			bare = true
		case "safe":
			if err := s.certify(); err != nil {
				return err
			}
		case "trusting":
			if err := s.net.authority.believedIn(s.data); err != nil {
				return err
			}
		default:
			policy = a
		}
	}
	if err := serve(s, nil); err != nil {
		return err
	}
	if err := as(s, []string{"nobody"}); err != nil {
		return err
	}
	steps := [][]string{
		{"/set-up", "code=" + s.srv.Code},
		{"/set-up/school", "school=Ashdown Vale", "host=belisha.ashdown", "zone=Europe/London"},
	}
	for i, p := range firstPeople {
		path := "/set-up/people"
		step := []string{"given=" + p.given, "family=" + p.family, "username=" + p.user, "password=" + password}
		if i == 0 {
			path = "/set-up/head"
		} else if bare {
			break
		}
		for _, post := range strings.Fields(p.posts) {
			// The office and the business are not asked in the set-up; such
			// a post is given on the page of posts.
			if i > 0 && post != "office-manager" {
				step = append(step, "posts="+post)
			}
		}
		steps = append(steps, append([]string{path}, step...))
	}
	steps = append(steps, []string{"/set-up/policy", "policy=" + policy}, []string{"/set-up/finish"})
	for _, st := range steps {
		if err := fill(s, st); err != nil {
			return fmt.Errorf("setting up, %s: %w", st[0], err)
		}
		if s.page.status != 200 {
			return fmt.Errorf("setting up, %s: %d\n%s", st[0], s.page.status, s.page.text)
		}
	}
	return nil
}
