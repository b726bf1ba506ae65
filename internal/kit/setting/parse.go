package setting

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxWords bounds what a value in a policy may be.
const maxWords = 2000

// Parse reads the words of a policy by the setting's kind. The error is one
// sentence that says what was expected.
func (s Setting) Parse(words string) (Value, error) {
	v := Value{Key: s.Key, Raw: strings.TrimSpace(words)}
	if len(v.Raw) > maxWords {
		return Value{}, fmt.Errorf("the value is longer than %d characters", maxWords)
	}
	var err error
	switch s.Kind {
	case Duration:
		err = s.parseDuration(&v)
	case Span:
		err = s.parseSpan(&v)
	case List:
		v.Items, err = s.parseList(v.Raw)
	case Choice:
		v.Choice, err = s.parseOption(v.Raw)
	case YesNo:
		v.Bool, err = parseYesNo(v.Raw)
	case Number:
		err = s.parseNumber(&v)
	case Text:
		v.Text = v.Raw
	default:
		err = fmt.Errorf("setting %s has no kind", s.Key)
	}
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// units of the durations that policies use. A school day counts as a day here;
// due times count school days by the calendar.
var units = map[string]time.Duration{
	"second": time.Second, "minute": time.Minute, "min": time.Minute,
	"hour": time.Hour, "day": day, "night": day, "school day": day, "working day": day,
	"week": 7 * day, "fortnight": 14 * day, "month": 30 * day, "term": 105 * day,
	"year": 365 * day, "school year": 365 * day,
}

const day = 24 * time.Hour

var counts = map[string]float64{
	"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
	"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
	"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
	"ninety": 90, "half": 0.5, "each": 1, "every": 1, "hundred": 100,
}

var offWords = map[string]bool{"off": true, "never": true, "no": true, "none": true, "not used": true, "not forced": true, "only on compromise": true}

// unify puts one sign for those that look alike.
var unify = strings.NewReplacer("’", "'", "–", "-", "—", "-", "\u00a0", " ")

// fold makes what people typed comparable. A page may ask for every option of
// every setting, so what is plain already is not taken apart.
func fold(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 || r < ' ' }) < 0 && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.Fields(unify.Replace(s)), " ")
}

func (s Setting) parseDuration(v *Value) error {
	w := fold(v.Raw)
	if offWords[w] || w == "" {
		if !s.OffAllowed {
			return errors.New("a length of time is needed here, such as \"10 minutes\"; it cannot be switched off")
		}
		v.Off = true
		return nil
	}
	d, err := readDuration(w)
	if err != nil {
		return err
	}
	if s.Min > 0 && d < s.Min {
		return fmt.Errorf("%s is too short: the least is %s", v.Raw, sayDuration(s.Min))
	}
	if s.Max > 0 && d > s.Max {
		return fmt.Errorf("%s is too long: the most is %s", v.Raw, sayDuration(s.Max))
	}
	v.Duration = d
	return nil
}

// readDuration reads "90 days", "one school day", "1 hour and 30 minutes".
func readDuration(w string) (time.Duration, error) {
	if strings.HasPrefix(w, "-") {
		return 0, notDuration(w)
	}
	w = strings.NewReplacer(" and ", " ", ",", " ", "-", " ").Replace(w)
	f := strings.Fields(w)
	var sum time.Duration
	for i := 0; i < len(f); {
		n, ok := readCount(f[i])
		if ok {
			i++
		} else if i == 0 {
			n = 1 // "week", "school day"
		} else {
			return 0, notDuration(w)
		}
		unit, used := readUnit(f[i:])
		if used == 0 {
			return 0, notDuration(w)
		}
		i += used
		d := n * float64(unit)
		if d > float64(100*365*day) || d < 0 {
			return 0, errors.New("that is longer than a hundred years")
		}
		sum += time.Duration(d)
	}
	if sum == 0 {
		return 0, notDuration(w)
	}
	return sum, nil
}

func notDuration(w string) error {
	return fmt.Errorf("%q is not a length of time; write it as \"90 days\", \"10 minutes\" or \"12 months\"", w)
}

func readCount(w string) (float64, bool) {
	if n, ok := counts[w]; ok {
		return n, true
	}
	n, err := strconv.ParseFloat(w, 64)
	if err != nil || n < 0 || n > 1e6 {
		return 0, false
	}
	return n, true
}

func readUnit(f []string) (time.Duration, int) {
	for _, n := range []int{2, 1} {
		if len(f) < n {
			continue
		}
		w := strings.Join(f[:n], " ")
		if d, ok := units[w]; ok {
			return d, n
		}
		if d, ok := units[strings.TrimSuffix(w, "s")]; ok {
			return d, n
		}
	}
	return 0, 0
}

func sayDuration(d time.Duration) string {
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= u.d && d%u.d == 0 {
			n := d / u.d
			if n == 1 {
				return "1 " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

// parseSpan reads a range of the clock: "8:30 to 15:30", "22.00–06.00".
func (s Setting) parseSpan(v *Value) error {
	w := fold(v.Raw)
	if offWords[w] || w == "" {
		if !s.OffAllowed {
			return errors.New("two times of day are needed here, such as \"8:30 to 15:30\"")
		}
		v.Off = true
		return nil
	}
	w = strings.TrimPrefix(strings.TrimPrefix(w, "from "), "between ")
	w = strings.NewReplacer(" until ", "|", " to ", "|", " and ", "|", " - ", "|", "-", "|").Replace(w)
	a, b, ok := strings.Cut(w, "|")
	if !ok {
		return fmt.Errorf("%q is not a range of times; write it as \"8:30 to 15:30\"", v.Raw)
	}
	var err error
	if v.From, err = readClock(a); err != nil {
		return err
	}
	if v.To, err = readClock(b); err != nil {
		return err
	}
	if v.From == v.To {
		return fmt.Errorf("%q begins and ends at the same minute", v.Raw)
	}
	return nil
}

// readClock reads a time of day as minutes: "8:30", "08.30", "9am", "3.30 pm",
// "noon", "midnight".
func readClock(w string) (int, error) {
	w = strings.ReplaceAll(strings.TrimSpace(w), " ", "")
	switch w {
	case "noon", "midday":
		return 12 * 60, nil
	case "midnight":
		return 0, nil
	}
	bad := fmt.Errorf("%q is not a time of day; write it as \"8:30\" or \"15:30\"", w)
	pm, am := strings.HasSuffix(w, "pm"), strings.HasSuffix(w, "am")
	w = strings.TrimSuffix(strings.TrimSuffix(w, "pm"), "am")
	h, m, has := strings.Cut(strings.ReplaceAll(w, ".", ":"), ":")
	hour, err := strconv.Atoi(h)
	if err != nil {
		return 0, bad
	}
	minute := 0
	if has {
		if minute, err = strconv.Atoi(m); err != nil || len(m) != 2 {
			return 0, bad
		}
	} else if !am && !pm {
		return 0, bad
	}
	if (am || pm) && (hour < 1 || hour > 12) {
		return 0, bad
	}
	if pm && hour < 12 {
		hour += 12
	}
	if am && hour == 12 {
		hour = 0
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, bad
	}
	return hour*60 + minute, nil
}

// parseList reads several options: "social networks, chat, gambling and
// shopping". The longest known name wins, so that an option whose name holds
// "and" is found whole.
func (s Setting) parseList(raw string) ([]string, error) {
	w := fold(raw)
	if w == "" || w == "nothing" || w == "none" {
		return nil, nil
	}
	var out []string
	seen := map[string]bool{}
	add := func(v string) {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	for _, part := range strings.FieldsFunc(w, func(r rune) bool { return r == ',' || r == ';' }) {
		if err := s.parsePart(part, add); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// parsePart reads one part between commas, which may itself hold "and" or "or".
func (s Setting) parsePart(part string, add func(string)) error {
	part = trimJoin(part)
	if part == "" {
		return nil
	}
	if v, err := s.parseOption(part); err == nil {
		add(v)
		return nil
	}
	for _, join := range []string{" and ", " or ", " & "} {
		for i := strings.Index(part, join); i >= 0; {
			left, right := part[:i], part[i+len(join):]
			if v, err := s.parseOption(trimJoin(left)); err == nil {
				add(v)
				return s.parsePart(right, add)
			}
			next := strings.Index(part[i+1:], join)
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	_, err := s.parseOption(part)
	return err
}

func trimJoin(w string) string {
	w = strings.TrimSpace(w)
	for _, j := range []string{"and ", "or ", "the ", "all "} {
		w = strings.TrimPrefix(w, j)
	}
	return strings.TrimSpace(w)
}

// parseOption finds the option that the words name.
func (s Setting) parseOption(raw string) (string, error) {
	w := fold(raw)
	for _, o := range s.Options {
		if same(w, o.Value) || same(w, o.Title) {
			return o.Value, nil
		}
		for _, alt := range o.Words {
			if same(w, alt) {
				return o.Value, nil
			}
		}
	}
	return "", fmt.Errorf("%q is not one of: %s", strings.TrimSpace(raw), s.optionNames())
}

func same(w, name string) bool {
	name = fold(name)
	return w == name || w == strings.ReplaceAll(name, "-", " ")
}

func (s Setting) optionNames() string {
	const most = 12
	names := make([]string, 0, most)
	for i, o := range s.Options {
		if i == most {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(s.Options)-most)
		}
		t := o.Title
		if t == "" {
			t = o.Value
		}
		names = append(names, t)
	}
	return strings.Join(names, ", ")
}

var yes = map[string]bool{"yes": true, "on": true, "allowed": true, "may": true, "always": true, "true": true, "required": true, "must": true, "can": true, "permitted": true, "enforced": true}

var no = map[string]bool{"": true, "no": true, "off": true, "not allowed": true, "may not": true, "never": true, "false": true, "not required": true, "must not": true, "cannot": true, "not permitted": true, "forbidden": true, "prohibited": true, "not": true}

func parseYesNo(raw string) (bool, error) {
	w := fold(raw)
	switch {
	case yes[w]:
		return true, nil
	case no[w]:
		return false, nil
	default:
		return false, fmt.Errorf("%q is neither yes nor no; write \"yes\", \"may\", \"allowed\", \"no\", \"may not\" or \"not allowed\"", raw)
	}
}

func (s Setting) parseNumber(v *Value) error {
	w := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(fold(v.Raw), "%"), " per cent"))
	first, _, _ := strings.Cut(w, " ")
	n, ok := readCount(first)
	if !ok || n != float64(int64(n)) {
		return fmt.Errorf("%q is not a whole number", v.Raw)
	}
	if (s.Low != 0 || s.High != 0) && (int64(n) < s.Low || int64(n) > s.High) {
		return fmt.Errorf("%d is out of range: %d to %d", int64(n), s.Low, s.High)
	}
	v.Number = int64(n)
	return nil
}
