//go:build linux

package stories_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// clockFile names the file from which a program with a movable clock reads by
// how much its time differs from the machine's.
const clockFile = "BELISHA_STORY_CLOCK"

// movedSource is what stands beside kit/clock in such a program. It is in no
// program that ships.
const movedSource = `package clock

import (
	"os"
	"strings"
	"time"
)

func moved(now time.Time) time.Time {
	b, _ := os.ReadFile(os.Getenv("` + clockFile + `"))
	d, _ := time.ParseDuration(strings.TrimSpace(string(b)))
	return now.Add(d)
}
`

// movable builds the program once more, with another clock and otherwise as it
// ships, the first time that a story asks for it.
var movable = sync.OnceValues(func() (string, error) {
	dir := filepath.Dir(program)
	from, err := filepath.Abs("../internal/kit/clock/clock.go")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	const asks = "return time.Now()"
	if strings.Count(string(text), asks) != 1 {
		return "", errors.New("kit/clock does not ask for the time in one place")
	}
	files := map[string]string{
		from: filepath.Join(dir, "clock.go"),
		filepath.Join(filepath.Dir(from), "moved.go"): filepath.Join(dir, "moved.go"),
	}
	overlay, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		return "", err
	}
	for name, b := range map[string][]byte{
		"clock.go": []byte(strings.Replace(string(text), asks, "return moved(time.Now())", 1)),
		"moved.go": []byte(movedSource), "overlay.json": overlay,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return "", err
		}
	}
	out := filepath.Join(dir, "belisha-movable")
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", out, "../cmd/belisha")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if words, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building belisha with a movable clock: %w\n%s", err, words)
	}
	return out, nil
})

// setClock gives the story a program whose time it can move, or moves it:
// clock to WEEKDAY HH:MM before the school is there, then clock on 10m or
// clock back 1h. $YESTERDAY is the day before, in the story's time.
func setClock(s *story, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: clock to WEEKDAY HH:MM, clock on TIME, clock back TIME")
	}
	name := filepath.Join(s.work, "clock")
	switch args[0] {
	case "to":
		if s.srv != nil || len(args) != 3 {
			return errors.New("clock to WEEKDAY HH:MM comes before the server")
		}
		bin, err := movable()
		if err != nil {
			return err
		}
		s.program = bin
		s.ts.Setenv(clockFile, name)
		if s.moved, err = untilNext(time.Now(), args[1], args[2]); err != nil {
			return err
		}
	case "on", "back":
		by, err := time.ParseDuration(args[1])
		if err != nil || s.program == program {
			return errors.New("clock to comes first; then a time such as 10m")
		}
		if args[0] == "back" {
			by = -by
		}
		s.moved += by
		s.people = map[string]*browser{} // whoever sits there signs in anew
	default:
		return fmt.Errorf("clock %s is not known", args[0])
	}
	s.ts.Setenv("YESTERDAY", s.now().AddDate(0, 0, -1).Format("2/1/2006"))
	if err := os.WriteFile(name+".new", []byte(s.moved.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// untilNext is how far it is from now to the next such day and time in London,
// where the stories' school is.
func untilNext(now time.Time, day, clock string) (time.Duration, error) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		return 0, err
	}
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, err
	}
	now = now.In(zone)
	for i := range 8 {
		d := time.Date(now.Year(), now.Month(), now.Day()+i, at.Hour(), at.Minute(), 0, 0, zone)
		if d.Weekday().String() == day && d.After(now) {
			return d.Sub(now), nil
		}
	}
	return 0, fmt.Errorf("there is no day %s", day)
}

// now is the story's time.
func (s *story) now() time.Time { return time.Now().Add(s.moved) }
