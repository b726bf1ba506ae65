package snapfile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"belisha/internal/verdict"
)

// Prepare makes the folders that Publish and segment.Builder write to.
func Prepare(dir string) error {
	for _, sub := range []string{"snapshots", "segments", "rules", "phrases"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return fmt.Errorf("making the folder of the rules: %w", err)
		}
	}
	return nil
}

// Publish writes a snapshot of the rules and the segments, puts it in force,
// and returns its number. Before it does, it opens what it wrote as a gate
// would: what a gate would refuse is never put in force. There must be one
// publisher at a time.
func Publish(dir string, key ed25519.PrivateKey, at time.Time, r verdict.Rules, segments []SegmentRef) (uint64, error) {
	if err := Prepare(dir); err != nil {
		return 0, err
	}
	if len(segments) > maxSegments {
		return 0, fmt.Errorf("there are %d lists and at most %d fit", len(segments), maxSegments)
	}
	n, err := nextNumber(dir)
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("writing the rules: %w", err)
	}
	if len(body) > maxRules {
		return 0, fmt.Errorf("the rules are %d bytes long and at most %d fit", len(body), maxRules)
	}
	sum := sha256.Sum256(body)
	m := Manifest{
		Version: manifestVersion, Number: n, Made: at.UnixMilli(), School: r.School,
		Rules: hex.EncodeToString(sum[:]), Segments: segments,
	}
	if err := put(dir, m, body, key); err != nil {
		return 0, err
	}
	if err := replace(filepath.Join(dir, "current"), []byte(manifestName(n)+"\n")); err != nil {
		return 0, err
	}
	return n, collect(dir, at)
}

// put writes rules and manifest and tries them out; on an error it takes them
// away again.
func put(dir string, m Manifest, rules []byte, key ed25519.PrivateKey) (err error) {
	signed, err := sign(m, key)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(manifestPath(dir, m.Number)), remove(rulesPath(dir, m.Number)))
		}
	}()
	if err := replace(rulesPath(dir, m.Number), rules); err != nil {
		return err
	}
	if err := replace(manifestPath(dir, m.Number), signed); err != nil {
		return err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	written, err := readManifest(dir, m.Number, public)
	if err != nil {
		return err
	}
	if _, err = phrasesOf(dir, written, nil); err != nil {
		return err
	}
	_, _, err = open(dir, written, nil, unopened)
	return err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("taking %s away again: %w", filepath.Base(path), err)
	}
	return nil
}

// Again publishes an older snapshot under a new number: how to go back.
func Again(dir string, key ed25519.PrivateKey, at time.Time, number uint64) (uint64, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	m, r, err := Read(dir, public, number)
	if err != nil {
		return 0, fmt.Errorf("going back to rules %d: %w", number, err)
	}
	return Publish(dir, key, at, r, m.Segments)
}

// nextNumber is above every number that is or was in force here.
func nextNumber(dir string) (uint64, error) {
	numbers, err := manifestNumbers(dir)
	if err != nil {
		return 0, fmt.Errorf("finding the next number: %w", err)
	}
	next := uint64(1)
	if len(numbers) > 0 {
		next = numbers[len(numbers)-1] + 1
	}
	if n, err := Current(dir); err == nil && n >= next {
		next = n + 1
	}
	return next, nil
}

// manifestNumbers lists the numbers of the folder's manifests, oldest first.
func manifestNumbers(dir string) ([]uint64, error) {
	files, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, f := range files {
		n, err := strconv.ParseUint(strings.TrimSuffix(f.Name(), ".manifest"), 10, 64)
		if err == nil && f.Name() == manifestName(n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// replace writes the file whole beside its name, and then gives it its name.
func replace(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes the rename last, where the system needs and allows it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// collect takes away the snapshots before the last few, and the segments that
// none of those left names, unless they are new: they may be in no snapshot
// yet. What cannot be removed (Windows keeps mapped files) goes the next time.
func collect(dir string, at time.Time) error {
	numbers, err := manifestNumbers(dir)
	if err != nil {
		return fmt.Errorf("clearing old rules away: %w", err)
	}
	current, err := Current(dir)
	if err != nil {
		return err
	}
	kept := numbers[max(0, len(numbers)-keep):]
	named := map[string]bool{}
	for _, n := range numbers {
		if n != current && !slices.Contains(kept, n) {
			_ = os.Remove(manifestPath(dir, n))
			_ = os.Remove(rulesPath(dir, n))
			continue
		}
		m, err := namedBy(dir, n)
		if err != nil {
			return nil // what it names is not known: nothing is taken away
		}
		for _, s := range m.Segments {
			named[s.Hash] = true
		}
	}
	removeUnnamed(SegmentsDir(dir), ".seg", named, at)
	removeUnnamed(PhrasesDir(dir), ".phr", named, at)
	return nil
}

// namedBy reads a manifest only for what it names.
func namedBy(dir string, n uint64) (Manifest, error) {
	b, err := readBounded(manifestPath(dir, n), maxManifest)
	if err != nil {
		return Manifest{}, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var m Manifest
	return m, json.Unmarshal([]byte(line), &m)
}

func removeUnnamed(dir, ending string, named map[string]bool, at time.Time) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		hash := strings.TrimSuffix(f.Name(), ending)
		if hash == f.Name() || !isHash(hash) || named[hash] {
			continue
		}
		if info, err := f.Info(); err == nil && at.Sub(info.ModTime()) > unnamedFor {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}
