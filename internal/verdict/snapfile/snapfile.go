// Package snapfile keeps snapshots in a folder: what the school's filtering
// publishes and every gate opens.
//
//	snapshots/<number>.manifest   signed: what the snapshot is made of
//	rules/<number>.rules          the rules, whole each time
//	segments/<hash>.seg           one file a list source, shared by snapshots
//	phrases/<hash>.phr            what pages are weighed with, shared as well
//	current                       the file name of the manifest in force
//
// Every file has a new name and is whole on disk before anything points to
// it; current is replaced last, in one step. A reader takes nothing that the
// signature does not vouch for: the manifest is signed, it names the SHA-256
// of every other file, and each is checked before it is used. Whatever is
// damaged, too old or not understood is refused, and what runs goes on.
package snapfile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"belisha/internal/verdict"
)

// Errors that a caller may tell apart. The text says which file and why.
var (
	// ErrNone: nothing was published in this folder yet.
	ErrNone = errors.New("there are no rules in the folder yet")
	// ErrSignature: the manifest was not signed by the school's key.
	ErrSignature = errors.New("the rules were not signed by this school")
	// ErrOlder: the manifest is older than what is in use.
	ErrOlder = errors.New("the rules are older than those in use")
	// ErrDamaged: a part is missing or is not what the manifest says.
	ErrDamaged = errors.New("a part of the rules is missing or damaged")
)

const (
	manifestVersion = 1
	// domain keeps the signature from being taken for another one made with
	// the same key.
	domain      = "belisha snapshot v1\n"
	maxManifest = 1 << 20
	maxRules    = 64 << 20
	maxSegments = 1000
	keep        = 3
	// unnamedFor is how long a segment may wait to be named by a snapshot.
	unnamedFor = 24 * time.Hour
)

// SegmentRef names one list source of a snapshot. The file is the segment of
// that hash in the folder's segments, where segment.Builder wrote it; with
// KindPhrases it is the file of phrases that PutPhrases wrote.
type SegmentRef struct {
	Kind   string `json:"kind,omitempty"`
	Source string `json:"source"`
	Title  string `json:"title,omitempty"`
	Hash   string `json:"hash"`
}

// Manifest says what a snapshot is made of.
type Manifest struct {
	Version  int          `json:"version"`
	Number   uint64       `json:"number"`
	Made     int64        `json:"made"` // unix milliseconds
	School   string       `json:"school,omitempty"`
	Rules    string       `json:"rules"` // SHA-256 of the rules file
	Segments []SegmentRef `json:"segments"`
}

// SegmentsDir is the folder that segments are written to.
func SegmentsDir(dir string) string { return filepath.Join(dir, "segments") }

func manifestName(n uint64) string { return strconv.FormatUint(n, 10) + ".manifest" }

func manifestPath(dir string, n uint64) string {
	return filepath.Join(dir, "snapshots", manifestName(n))
}

func rulesPath(dir string, n uint64) string {
	return filepath.Join(dir, "rules", strconv.FormatUint(n, 10)+".rules")
}

// Current returns the number that the folder says is in force, unverified.
func Current(dir string) (uint64, error) {
	b, err := readBounded(filepath.Join(dir, "current"), 100)
	if errors.Is(err, os.ErrNotExist) {
		return 0, ErrNone
	}
	if err != nil {
		return 0, fmt.Errorf("finding the current rules: %w", err)
	}
	name := strings.TrimSpace(string(b))
	n, err := strconv.ParseUint(strings.TrimSuffix(name, ".manifest"), 10, 64)
	if err != nil || name != manifestName(n) {
		return 0, fmt.Errorf("%w: the file current does not name a manifest", ErrDamaged)
	}
	return n, nil
}

// Newer reports whether the folder says that newer rules than have are in
// force.
func Newer(dir string, have uint64) bool {
	n, err := Current(dir)
	return err == nil && n > have
}

// sign makes the manifest file: one line of JSON, one of signature.
func sign(m Manifest, key ed25519.PrivateKey) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing the manifest: %w", err)
	}
	sig := ed25519.Sign(key, append([]byte(domain), body...))
	return append(append(body, '\n'), hex.EncodeToString(sig)+"\n"...), nil
}

// readManifest reads and verifies the manifest of number n.
func readManifest(dir string, n uint64, key ed25519.PublicKey) (Manifest, error) {
	b, err := readBounded(manifestPath(dir, n), maxManifest)
	if err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest %d: %w", ErrDamaged, n, err)
	}
	body, tail, _ := bytes.Cut(b, []byte("\n"))
	sig, err := hex.DecodeString(strings.TrimSpace(string(tail)))
	if err != nil || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, append([]byte(domain), body...), sig) {
		return Manifest{}, fmt.Errorf("%w: manifest %d", ErrSignature, n)
	}
	var m Manifest
	if err := strict(body, &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest %d: %w", ErrDamaged, n, err)
	}
	if m.Version != manifestVersion || m.Number != n || len(m.Segments) > maxSegments {
		return Manifest{}, fmt.Errorf("%w: manifest %d is of another version or number", ErrDamaged, n)
	}
	for _, s := range m.Segments {
		if !isHash(s.Hash) {
			return Manifest{}, fmt.Errorf("%w: manifest %d names a list file oddly", ErrDamaged, n)
		}
	}
	if err := checkKinds(m.Segments); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest %d: %w", ErrDamaged, n, err)
	}
	return m, nil
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

func readRules(dir string, m Manifest) (verdict.Rules, error) {
	b, err := readBounded(rulesPath(dir, m.Number), maxRules)
	if err != nil {
		return verdict.Rules{}, fmt.Errorf("%w: rules %d: %w", ErrDamaged, m.Number, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != m.Rules {
		return verdict.Rules{}, fmt.Errorf("%w: rules %d are not those that were signed", ErrDamaged, m.Number)
	}
	var r verdict.Rules
	if err := strict(b, &r); err != nil {
		return verdict.Rules{}, fmt.Errorf("%w: rules %d: %w", ErrDamaged, m.Number, err)
	}
	return r, nil
}

// strict decodes one JSON value and nothing besides.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more in it than there should be")
	}
	return nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", filepath.Base(path), limit)
	}
	return b, nil
}
