//go:build linux

package stories_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	_ "modernc.org/sqlite" // the database that somebody edits behind Belisha's back
)

// runBelisha runs a command that must succeed: belisha ARGS.
func runBelisha(s *story, args []string) error { return s.run(0, args) }

// says runs a command until its output fits: says REGEXP ARGS, for soon.
func says(s *story, args []string) error {
	re, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	if err := s.run(0, args[1:]); err != nil {
		return err
	}
	if out := s.ts.ReadFile("stdout"); !re.MatchString(out) {
		return fmt.Errorf("%q does not stand in:\n%s", args[0], out)
	}
	return nil
}

// exits runs a command that must end with a status: exits N ARGS.
func exits(s *story, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return errors.New("usage: exits STATUS ARGS")
	}
	return s.run(n, args[1:])
}

func (s *story) run(want int, args []string) error {
	if slices.Contains(args, "serve") {
		args = append(args, "--listen-admin", "127.0.0.1:0")
		for _, door := range []string{"pages", "proxy", "dns"} {
			if !slices.Contains(args, "--listen-"+door) {
				args = append(args, "--listen-"+door, "127.0.0.1:0")
			}
		}
	}
	err := s.ts.Exec(s.program, args...)
	code := 0
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if code != want {
		return fmt.Errorf("belisha %s ended with %d, not %d", strings.Join(args, " "), code, want)
	}
	return nil
}

// ugly words of programmers must not reach a reader.
var ugly = []string{"sqlite", "SQLITE", "goroutine", "panic", "kong", "0x", "(*", "errno", "syscall", "EOF", "nil pointer", "unexpected token", "flag provided"}

// oneLine says that what stands on standard error is one plain sentence.
func oneLine(s *story, _ []string) error {
	text := strings.TrimSpace(s.ts.ReadFile("stderr"))
	if text == "" || strings.Contains(text, "\n") {
		return fmt.Errorf("not one line but:\n%s", text)
	}
	words := strings.TrimPrefix(text, "belisha: ")
	if words == text || !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ")") {
		return fmt.Errorf("not a sentence: %s", text)
	}
	for _, u := range ugly {
		if strings.Contains(words, u) {
			return fmt.Errorf("the sentence has %q in it: %s", u, text)
		}
	}
	if strings.Count(words, ": ") > 2 {
		return fmt.Errorf("a chain of errors, not a sentence: %s", text)
	}
	return nil
}

// fields says that every JSON object on standard output has these fields and
// no others: fields name…; with --some, at least these.
func fields(s *story, args []string) error {
	some := len(args) > 0 && args[0] == "--some"
	if some {
		args = args[1:]
	}
	d := json.NewDecoder(strings.NewReader(s.ts.ReadFile("stdout")))
	n := 0
	for {
		var one map[string]json.RawMessage
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		n++
		for _, a := range args {
			if _, ok := one[a]; !ok {
				return fmt.Errorf("object %d has no %s", n, a)
			}
		}
		if !some && len(one) != len(args) {
			return fmt.Errorf("object %d has %d fields, not %d", n, len(one), len(args))
		}
	}
	if n == 0 {
		return errors.New("there is no object")
	}
	return nil
}

// countOf counts the lines of standard output: count N.
func countOf(s *story, args []string) error {
	n := strings.Count(s.ts.ReadFile("stdout"), "\n")
	if len(args) != 1 || strconv.Itoa(n) != args[0] {
		return fmt.Errorf("there are %d lines, not %s", n, strings.Join(args, " "))
	}
	return nil
}

// sqlOn edits the records of a stopped folder behind Belisha's back:
// sql STATEMENT. It must change something.
func sqlOn(s *story, args []string) error {
	if s.srv != nil {
		return errors.New("stop the server first")
	}
	return s.edit(args[0])
}

// aged makes time pass for what the records know: aged sessions 2m, aged
// passwords 200h. The server may run.
func aged(s *story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: aged sessions|passwords TIME")
	}
	by, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	what := map[string]string{
		"sessions":  "UPDATE sessions SET used_at = used_at - %d WHERE ended_at = 0",
		"passwords": "UPDATE accounts SET password_at = password_at - %d",
	}[args[0]]
	return s.edit(fmt.Sprintf(what, by.Milliseconds()))
}

// replace changes words in a file: replace FILE OLD NEW, where \n begins a line.
func replace(s *story, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: replace FILE OLD NEW")
	}
	text := s.ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		return fmt.Errorf("%q does not stand in %s", args[1], args[0])
	}
	return os.WriteFile(s.ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], strings.ReplaceAll(args[2], `\n`, "\n"), 1)), 0o600)
}

// edit runs a statement on the records.
func (s *story) edit(statement string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "records.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	res, err := db.Exec(statement)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return errors.New("the statement changed nothing")
	}
	return nil
}

// encode writes a file in another encoding: encode utf16|utf8-bom|cp1252 FROM TO.
func encode(s *story, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: encode utf16|utf8-bom|cp1252 FROM TO")
	}
	from := s.ts.ReadFile(args[1])
	var out string
	var err error
	switch args[0] {
	case "utf16":
		out, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(from)
	case "utf8-bom":
		out = "\ufeff" + from
	case "cp1252":
		out, err = charmap.Windows1252.NewEncoder().String(from)
	default:
		err = fmt.Errorf("there is no encoding %s here", args[0])
	}
	if err != nil {
		return err
	}
	return os.WriteFile(s.ts.MkAbs(args[2]), []byte(out), 0o600)
}

// pack makes an archive of a folder or packs a file: pack zip|tgz|gz FROM TO.
func pack(s *story, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: pack zip|tgz|gz FROM TO")
	}
	from := s.ts.MkAbs(args[1])
	var buf bytes.Buffer
	var err error
	switch args[0] {
	case "zip":
		z := zip.NewWriter(&buf)
		err = errors.Join(z.AddFS(os.DirFS(from)), z.Close())
	case "tgz":
		g := gzip.NewWriter(&buf)
		t := tar.NewWriter(g)
		err = errors.Join(t.AddFS(os.DirFS(from)), t.Close(), g.Close())
	case "gz":
		g := gzip.NewWriter(&buf)
		_, werr := io.WriteString(g, s.ts.ReadFile(args[1]))
		err = errors.Join(werr, g.Close())
	default:
		err = fmt.Errorf("there is no %s here", args[0])
	}
	if err != nil {
		return err
	}
	return os.WriteFile(s.ts.MkAbs(args[2]), buf.Bytes(), 0o600)
}

// names writes a list of invented sites: names N PREFIX FILE.
func names(s *story, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || len(args) != 3 {
		return errors.New("usage: names N PREFIX FILE")
	}
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d.example\n", args[1], i)
	}
	return os.WriteFile(s.ts.MkAbs(args[2]), []byte(b.String()), 0o600)
}

// cutFile keeps only the first half of a file: cut FILE.
func cutFile(s *story, args []string) error {
	name := s.ts.MkAbs(args[0])
	st, err := os.Stat(name)
	if err != nil {
		return err
	}
	return os.Truncate(name, st.Size()/2)
}

// spoil overwrites the newest file that fits with rubbish: spoil PATTERN.
func spoil(s *story, args []string) error {
	found, err := filepath.Glob(filepath.Join(s.data, args[0]))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("nothing fits %s: %w", args[0], err)
	}
	newest, at := "", time.Time{}
	for _, f := range found {
		if st, err := os.Stat(f); err == nil && st.ModTime().After(at) {
			newest, at = f, st.ModTime()
		}
	}
	return os.WriteFile(newest, bytes.Repeat([]byte("rubbish "), 100), 0o600)
}

// backupFile finds the newest backup: backup-file NAME sets $NAME.
func backupFile(s *story, args []string) error {
	found, err := filepath.Glob(filepath.Join(s.data, "backups", "*.age"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("there is no backup: %w", err)
	}
	slices.SortFunc(found, func(a, b string) int { return made(a).Compare(made(b)) })
	kept := filepath.Join(s.work, "the-backup.age")
	b, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		return err
	}
	s.ts.Setenv(args[0], kept)
	return os.WriteFile(kept, b, 0o600)
}

// made is when a file was last written.
func made(name string) time.Time {
	st, err := os.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}

// found looks for words in every file of the data folder, byte by byte:
// found TEXT, or ! found TEXT.
func found(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts)
	var in []string
	err := filepath.WalkDir(s.data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(name, "segments") {
			return err
		}
		b, err := os.ReadFile(name)
		if err == nil && bytes.Contains(b, []byte(args[0])) {
			in = append(in, name)
		}
		return err
	})
	if err != nil {
		ts.Fatalf("%v", err)
	}
	if (len(in) > 0) == neg {
		ts.Fatalf("%q is found in %v", args[0], in)
	}
}

// takePort holds a port while the story lasts: port NAME sets $NAME.
func takePort(s *story, args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.ts.Setenv(args[0], l.Addr().String())
	if len(args) == 2 && args[1] == "free" {
		return l.Close()
	}
	s.ts.Defer(func() { _ = l.Close() })
	return nil
}
