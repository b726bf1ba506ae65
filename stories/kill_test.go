//go:build linux

package stories_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"belisha/internal/activity"
	"belisha/internal/gate/control"
	"belisha/internal/kit/clock"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestAKilledServerLosesNothingAcknowledged kills the server, and half of the
// times the filter, at random moments while a school works, and then looks for
// everything that somebody was told had been taken.
func TestAKilledServerLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of killing; make test does it")
	}
	testscript.Run(t, params("testdata/long"))
}

// killing is how long it may go on.
const killing = 3 * time.Minute

// storm is a school at work, and what it was told.
type storm struct {
	*story
	ctx context.Context //nolint:containedctx // the storm's own length
	wg  sync.WaitGroup

	mu      sync.Mutex
	blocked map[string]bool   // hosts whose closed page came
	reports map[string]string // a concern's form → the page of its receipt
	sent    map[string]bool   // forms that were ever sent
	signed  map[string]bool   // who was told that their signature counts
	faults  []string
}

// kills does it: kills N.
func kills(s *story, args []string) error {
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(os.Getenv("STORIES_SEED"), 10, 64); err == nil {
		seed = n
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w := &storm{story: s, ctx: ctx, blocked: map[string]bool{}, reports: map[string]string{}, sent: map[string]bool{}, signed: map[string]bool{}}
	w.begin()
	n, filters, err := w.kill(rand.New(rand.NewPCG(seed, 1)), rounds) //nolint:gosec // moments, not secrets
	stop()
	w.wg.Wait()
	s.ts.Logf("killed %d times, the filter with it %d times, seed %d: %d closed pages, %d concerns, %d signatures were acknowledged",
		n, filters, seed, len(w.blocked), len(w.reports), len(w.signed))
	if err != nil {
		return err
	}
	if len(w.blocked) < n || len(w.reports) < n/10 || len(w.signed) < n/10 {
		return errors.New("too little happened for this to prove anything")
	}
	if len(w.faults) > 0 {
		return errors.New(strings.Join(w.faults, "\n"))
	}
	return w.look()
}

// begin sets everybody to work.
func (w *storm) begin() {
	for i := range 4 {
		w.wg.Go(func() { w.browse(i) })
	}
	desk := w.browser("k.dale")
	for i := range 2 {
		w.wg.Go(func() { w.report(desk, i) })
	}
	office := w.browser("a.quist")
	w.wg.Go(func() { w.slips(office) })
	for i := range 8 {
		user := fmt.Sprintf("pupil%d", i+1)
		at := w.at
		w.at = w.devices["tablet-"+user]
		b := w.browser(behind + user)
		w.at = at
		w.wg.Go(func() { w.sign(b, user, time.Duration(i+1)*killing/12) })
	}
}

// kill kills and starts again.
func (w *storm) kill(r *rand.Rand, rounds int) (n, filters int, err error) {
	flags := []string{
		"--config", w.config, "--listen-proxy", w.doors[0], "--listen-dns", w.doors[1], "--listen-pages", w.srv.Pages, "--listen-admin", w.srv.Admin,
	}
	for end := time.Now().Add(killing); n < rounds && time.Now().Before(end); n++ {
		time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
		_ = w.srv.cmd.Process.Signal(syscall.SIGKILL)
		if r.IntN(2) == 0 {
			if pid, err := filterPID(w.data); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				filters++
			}
		}
		<-w.srv.ended
		srv, err := launchAs(w.program, nil, w.data, flags...)
		if err != nil {
			return n, filters, err
		}
		w.srv = srv
	}
	return n, filters, nil
}

func (w *storm) fault(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, a...))
}

// rest is between two tries.
func (w *storm) rest(d time.Duration) bool {
	select {
	case <-w.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// browse asks for closed sites, each only once, so that each that was answered
// must stand in the record.
func (w *storm) browse(i int) {
	one := *w.story
	one.at = fmt.Sprintf("127.0.7.%d", i+1)
	for n := 0; w.rest(15 * time.Millisecond); n++ {
		u := &url.URL{Scheme: []string{"http", "https"}[n%2], Host: fmt.Sprintf("k%d-%d.pokerstars.com", i, n), Path: "/"}
		p, err := one.through(u, "")
		switch {
		case err != nil: // the filter is away
		case p.status == http.StatusForbidden:
			w.mu.Lock()
			w.blocked[u.Host] = true
			w.mu.Unlock()
		default:
			w.fault("%s was answered with %d: %s", u, p.status, p.text)
		}
	}
}

// send sends a form, and says where a taken one leads.
func send(b *browser, path string, f url.Values) (status int, to string, err error) {
	req, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(f.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	c := *b.http
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 400 && resp.StatusCode < 500 {
		return resp.StatusCode, newPage(resp.StatusCode, path, readSome(resp.Body)).text, nil
	}
	return resp.StatusCode, resp.Header.Get("Location"), nil
}

// report writes concerns. A form that nobody answered is sent again until
// somebody does, and must be one concern in the end.
func (w *storm) report(b *browser, i int) {
	for n := 0; w.rest(150 * time.Millisecond); n++ {
		p, err := b.do(http.MethodGet, "/concerns/new", nil)
		if err != nil || p.status != http.StatusOK {
			continue
		}
		f, err := p.formWith(url.Values{"account": nil})
		if err != nil {
			w.fault("the form of a concern: %v: %s", err, p.text)
			return
		}
		f.fields.Set("danger", "no")
		f.fields.Set("kind", "other")
		f.fields.Set("unknown", "yes")
		f.fields.Set("account", fmt.Sprintf("What was seen at %d of %d.", n, i))
		form := f.fields.Get("form")
		w.mu.Lock()
		w.sent[form] = true
		w.mu.Unlock()
		status, to, ok := w.insist(b, f.action, f.fields)
		if !ok || status != http.StatusSeeOther || !strings.HasSuffix(to, "/receipt") {
			w.fault("a concern was answered with %d: %s", status, to)
			return
		}
		w.mu.Lock()
		w.reports[form] = to
		w.mu.Unlock()
	}
}

// insist sends a form until it is answered; beyond the storm for a while.
func (w *storm) insist(b *browser, path string, f url.Values) (status int, to string, ok bool) {
	for range 600 {
		status, to, err := send(b, path, f)
		if err == nil && status < 500 {
			return status, to, true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, "", false
}

// slips enters paper slips, one at a time.
func (w *storm) slips(b *browser) {
	var f form
	for f.action == "" && w.rest(50*time.Millisecond) {
		p, err := b.do(http.MethodGet, "/agreements/paper?sheet=pupil-young&class=5A&all=yes", nil)
		if err == nil {
			f, _ = p.formWith(url.Values{"slip": nil})
		}
	}
	for _, slip := range f.fields["slip"] {
		if !w.rest(200 * time.Millisecond) {
			return
		}
		one := maps.Clone(f.fields)
		one["slip"] = []string{slip}
		day := time.Now()
		one.Set("day-day", strconv.Itoa(day.Day()))
		one.Set("day-month", strconv.Itoa(int(day.Month())))
		one.Set("day-year", strconv.Itoa(day.Year()))
		one.Set("place", "Office, grey cabinet")
		status, to, _ := w.insist(b, f.action, one)
		if status != http.StatusSeeOther {
			w.fault("a slip was answered with %d: %s", status, to)
			return
		}
		w.mu.Lock()
		w.signed[slip] = true
		w.mu.Unlock()
	}
}

// sign signs on screen, from behind the filter, at some moment.
func (w *storm) sign(b *browser, user string, after time.Duration) {
	const at = "/agreement/sign/pupil-young"
	for w.rest(after) {
		after = 100 * time.Millisecond
		p, err := b.do(http.MethodGet, at, nil)
		if err != nil || p.status != http.StatusOK {
			continue // neither the filter nor the server has to be there
		}
		f, err := p.formWith(url.Values{"agree": nil})
		if err != nil {
			if strings.Contains(p.text, "Sign in") {
				w.fault("%s was signed out: %s", user, p.text)
			}
			continue
		}
		f.fields.Set("name", "Pupil")
		f.fields.Set("agree", "yes")
		status, to, err := send(b, f.action, f.fields)
		if err != nil || status >= 500 {
			continue
		}
		if status != http.StatusSeeOther {
			w.fault("%s signed and was answered with %d: %s", user, status, to)
			return
		}
		w.mu.Lock()
		w.signed[user] = true
		w.mu.Unlock()
		return
	}
}

var signedNow = regexp.MustCompile(`number 1 (\d+) `)

// look finds what was acknowledged.
func (w *storm) look() error {
	desk := w.browser("k.dale")
	for form, receipt := range w.reports {
		p, err := desk.do(http.MethodGet, receipt, nil)
		if err != nil || p.status != http.StatusOK || !strings.Contains(p.text, "received") {
			return fmt.Errorf("the concern of form %s is gone: %d %w %s", form, p.status, err, p.text)
		}
	}
	lead, err := w.browser("t.bell").do(http.MethodGet, "/concerns?state=all", nil)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d concern", len(w.sent)); !strings.Contains(strings.ReplaceAll(lead.text, ",", ""), want) {
		return fmt.Errorf("%d forms were sent until they were taken; the lead reads: %s", len(w.sent), lead.text)
	}
	office, err := w.browser("a.quist").do(http.MethodGet, "/agreements", nil)
	if err != nil {
		return err
	}
	m := signedNow.FindStringSubmatch(office.text)
	if m == nil {
		return fmt.Errorf("nobody has signed: %s", office.text)
	}
	if n, _ := strconv.Atoi(m[1]); n < len(w.signed) {
		return fmt.Errorf("%d signatures were acknowledged and %d are there", len(w.signed), n)
	}
	return w.record()
}

// record reads the record of web use, once all is carried there.
func (w *storm) record() error {
	c := control.NewClient(control.SocketPath(filepath.Join(w.data, "gate")))
	waits := int64(-1) // what is not carried over yet; the file at hand is never empty
	for still := 0; still < 20; time.Sleep(100 * time.Millisecond) {
		st, err := c.Status(context.Background())
		if err != nil {
			return err
		}
		if still++; st.Spool.Bytes != waits {
			waits, still = st.Spool.Bytes, 0
		}
	}
	w.srv.Stop(syscall.SIGINT)
	w.srv = nil
	m, err := activity.Open(activity.Config{Dir: filepath.Join(w.data, "activity"), Clock: clock.System{}})
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	found := map[string]int{}
	q := activity.Query{Host: "pokerstars.com", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Limit: activity.MaxLimit}
	for {
		p, err := m.Search(context.Background(), q)
		if err != nil {
			return err
		}
		for i := range p.Events {
			found[p.Events[i].Host]++
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			break
		}
	}
	var lost, twice []string
	for host := range w.blocked {
		switch found[host] {
		case 0:
			lost = append(lost, host)
		case 1:
		default:
			twice = append(twice, host)
		}
	}
	slices.Sort(lost)
	if len(lost)+len(twice) > 0 {
		return fmt.Errorf("of %d closed pages that were shown, %d are not in the record, such as %v; %d are there more than once, such as %v",
			len(w.blocked), len(lost), lost[:min(5, len(lost))], len(twice), twice[:min(5, len(twice))])
	}
	return nil
}

// many writes a roll of pupils, of whom the first few have a user name, and
// the staff: many N FILE.
func many(s *story, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || len(args) != 2 {
		return errors.New("usage: many N FILE")
	}
	var b strings.Builder
	b.WriteString("Kind,Forename,Surname,Username,Year,Class,Admission number,Date of admission\nstaff,Kit,Dale,k.dale,,,s-01,\n")
	for i := range n {
		user, class := "", "5A"
		if i < 8 { // they sign on screen, the others on paper
			user, class = fmt.Sprintf("pupil%d", i+1), "5B"
		}
		fmt.Fprintf(&b, "pupil,Pupil,Number%d,%s,5,%s,%d,03/09/2024\n", i, user, class, 1000+i)
	}
	return os.WriteFile(s.ts.MkAbs(args[1]), []byte(b.String()), 0o600)
}
