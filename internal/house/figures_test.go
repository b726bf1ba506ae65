package house_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"belisha/internal/demo"
	"belisha/internal/house"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/clock/worked"
	"belisha/internal/kit/web"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// stepClock is the machine's clock, moved on by hand: what pages keep for a
// second is then never fresh, as it is not for somebody who opens one page
// after the other.
type stepClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *stepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stepClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// most is what a page may take on the server.
const most = 40 * time.Millisecond

// opened is how many times each page is opened; the median counts.
const opened = 9

// walker is somebody of the demonstration school who is signed in and follows
// the links of what they may see.
type walker struct {
	h       *house.House
	clk     *stepClock
	desk    http.Handler
	account demo.Account
	token   string
	routes  *http.ServeMux
}

func (w *walker) signIn(t *testing.T) {
	t.Helper()
	_, token, err := w.h.Access.SignIn(t.Context(), access.Attempt{
		Username: w.account.Username, Password: w.account.Password, From: netip.MustParseAddr("127.0.0.1"),
	})
	if err != nil {
		t.Fatalf("signing in the %s: %v", w.account.Role, err)
	}
	w.token = token
}

// spent is how long a page took by the clock on the wall, and how long the
// processors worked for it: on a machine that others use too, only the second
// says anything.
type spent struct {
	wall, work time.Duration
	page       bool // it is a page, and not a file to keep
}

// open asks for a page two seconds after the last.
func (w *walker) open(path string) (status int, body string, took spent) {
	w.clk.set(w.clk.Now().Add(2 * time.Second))
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+path, nil)
	req.RemoteAddr = "127.0.0.1:50000"
	req.AddCookie(&http.Cookie{Name: web.CookieName("belisha", false), Value: w.token})
	rec := httptest.NewRecorder()
	begun, before := clock.System{}.Now(), worked.Time()
	w.desk.ServeHTTP(rec, req)
	took = spent{clock.System{}.Now().Sub(begun), worked.Time() - before, strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") && rec.Header().Get("Content-Disposition") == ""}
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		return 0, "", took
	}
	return rec.Code, string(b), took
}

// pattern is the route that answers a path, "" where none does.
func (w *walker) pattern(path string) string {
	_, p := w.routes.Handler(httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+path, nil))
	return p
}

var (
	links     = regexp.MustCompile(`(?:href|src)="(/[^"#]*)`)
	queryKeys = regexp.MustCompile(`=[^&]*`)
)

// figure is one page as one role.
type figure struct {
	wall, longest, work time.Duration // medians, and the longest by the wall
	size                int
	page                bool
	role, path          string
}

// walk opens whatever can be reached by links from home, the menu and the
// starting places, at most a few pages of each kind.
func (w *walker) walk(t *testing.T, starts []string, seen map[string]bool) []figure {
	t.Helper()
	const ofEach = 2
	var out []figure
	kinds, queue := map[string]int{}, slices.Clone(starts)
	queued := map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		route := w.pattern(path)
		_, query, _ := strings.Cut(path, "?")
		kind := route + "?" + queryKeys.ReplaceAllString(query, "")
		if route == "" || kinds[kind] >= ofEach {
			continue
		}
		status, body, _ := w.open(path)
		if status == http.StatusUnauthorized || (status == http.StatusSeeOther && strings.Contains(body, "/sign-in")) {
			w.signIn(t)
			status, body, _ = w.open(path)
		}
		if status != http.StatusOK {
			continue
		}
		kinds[kind]++
		seen[route] = true
		out = append(out, w.time(t, path))
		for _, m := range links.FindAllStringSubmatch(body, -1) {
			next := strings.ReplaceAll(m[1], "&amp;", "&")
			if !queued[next] && len(next) < 2000 {
				queued[next] = true
				queue = append(queue, next)
			}
		}
	}
	return out
}

// time opens a page some times.
func (w *walker) time(t *testing.T, path string) figure {
	t.Helper()
	f := figure{role: w.account.Username, path: path}
	var walls, works []time.Duration
	for range opened {
		status, body, took := w.open(path)
		if status != http.StatusOK {
			t.Errorf("%s for the %s: status %d", path, w.account.Role, status)
			return f
		}
		f.size, f.page = len(body), took.page
		walls, works = append(walls, took.wall), append(works, took.work)
	}
	slices.Sort(walls)
	slices.Sort(works)
	f.wall, f.longest, f.work = walls[opened/2], walls[opened-1], works[opened/2]
	return f
}

// TestEveryPageOfASchoolOfTwentyThousandConcerns walks every page that any
// role of the demonstration school can reach, with 20,000 concerns and 90 days
// of 200,000 events handed in (the school's policy keeps those of eighty days),
// and holds the median of each under 40 ms on the server.
// It takes long to fill: BELISHA_FIGURES_DIR names a folder that is made once
// and used again.
func TestEveryPageOfASchoolOfTwentyThousandConcerns(t *testing.T) {
	dir := os.Getenv("BELISHA_FIGURES_DIR")
	if dir == "" {
		t.Skip("BELISHA_FIGURES_DIR names the folder to fill and measure")
	}
	school := bigSchool(t, dir)
	h, clk := school.h, school.clk
	desk, _ := h.Handlers()
	routes, wanted := routeTable(h)
	seen := map[string]bool{}
	var all []figure
	only := os.Getenv("BELISHA_FIGURES_ROLE")
	for _, a := range demo.Accounts() {
		if only != "" && only != a.Username {
			continue
		}
		w := &walker{h: h, clk: clk, desk: desk, account: a, routes: routes}
		w.signIn(t)
		if a.Username == "monitor" {
			school.purpose(t, w.token)
		}
		all = append(all, w.walk(t, school.starts(t, wanted), seen)...)
	}
	tell(t, all)
	for _, p := range wanted {
		if !seen[p] {
			t.Logf("nobody could open %s", p)
		}
	}
}

// counts is what a page is held to: the wall, or on a machine that is busy with
// other work (BELISHA_FIGURES_BUSY) what the processors worked.
func (f figure) counts() time.Duration {
	if os.Getenv("BELISHA_FIGURES_BUSY") != "" && f.work > 0 {
		return f.work
	}
	return f.wall
}

// tell prints the slowest and faults the pages above what is wanted. A file to
// keep is made row by row and may take its time.
func tell(t *testing.T, all []figure) {
	t.Helper()
	slices.SortFunc(all, func(a, b figure) int { return int(b.counts() - a.counts()) })
	show := fromEnv("BELISHA_FIGURES_SHOW", 40)
	var table, files strings.Builder
	pages, slow := 0, 0
	for _, f := range all {
		line := fmt.Sprintf("%8.1f ms  %8.1f ms  %8.1f ms  %5d KB  %-10s %s\n", millis(f.wall), millis(f.longest), millis(f.work), f.size>>10, f.role, f.path)
		if !f.page {
			if f.counts() > most {
				files.WriteString(line)
			}
			continue
		}
		pages++
		if f.counts() > most {
			slow++
		}
		if pages <= show || f.counts() > most {
			table.WriteString(line)
		}
	}
	const head = "     median      longest         work      size"
	t.Logf("%d pages and %d files, each opened %d times\n%s\n%sfiles above it:\n%s", pages, len(all)-pages, opened, head, table.String(), files.String())
	if slow > 0 {
		t.Errorf("%d of %d pages take more than %v", slow, pages, most)
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// routeTable is a mux that tells a path's route, and the GET routes that want
// opening.
func routeTable(h *house.House) (*http.ServeMux, []string) {
	mux := http.NewServeMux()
	var wanted []string
	for _, r := range web.Routes(h.Sections()) {
		if r.Method != http.MethodGet {
			continue
		}
		p := "GET " + r.Path
		mux.Handle(p, http.NotFoundHandler())
		wanted = append(wanted, p)
	}
	return mux, wanted
}

// starts are where a walk begins: a child's own pages, while the purpose that
// was given for them holds, and every route without a parameter.
func (s *bigFolder) starts(t *testing.T, wanted []string) []string {
	t.Helper()
	list, _, err := s.h.People.List(t.Context(), people.Filter{Kind: people.Pupil, Year: "8", Limit: 1})
	if err != nil || len(list) == 0 {
		t.Fatalf("no pupil of year 8: %v", err)
	}
	id := string(list[0].ID)
	out := []string{
		"/", "/monitoring/people/" + id, "/monitoring/activity?person=" + id, "/monitoring/activity?action=block", "/monitoring/erasure?person=" + id,
		"/people/" + id, "/concerns?person=" + id, "/concerns?state=all&at=10000", "/agreements/person/" + id, "/people?q=ra", "/tasks?all=1", "/filter/try?host=bbc.co.uk", "/journal?kind=concern",
	}
	for _, p := range wanted {
		path := strings.TrimSuffix(strings.TrimPrefix(p, "GET "), "{$}")
		if !strings.Contains(path, "{") {
			out = append(out, path)
		}
	}
	return out
}

// purpose lets somebody look.
func (s *bigFolder) purpose(t *testing.T, token string) {
	t.Helper()
	st, err := s.h.Access.Stand(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.h.Monitoring.GivePurpose(withActor(context.Background(), st.Actor), "standards", "Timing the pages of a large school."); err != nil {
		t.Fatal(err)
	}
}
