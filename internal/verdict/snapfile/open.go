package snapfile

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/segment"
)

// Loader opens the snapshots of one folder, one after the other. Segments
// that the last one had are taken over, not mapped again. It refuses to go
// back to an older number. Safe for concurrent use.
type Loader struct {
	dir    string
	key    ed25519.PublicKey
	unseal Unseal // nil: a snapshot with a licensed list is refused

	mu       sync.Mutex
	have     uint64
	segments map[string]*segment.Segment // of the last snapshot, by hash
	phrases  *scan.Phrases               // of the last snapshot
}

// Unseal opens what a licensed list's segment keeps sealed.
type Unseal func(sealed []byte) ([]byte, error)

// Unsealing gives the loader what opens licensed lists, and returns it.
func (l *Loader) Unsealing(unseal func(sealed []byte) ([]byte, error)) *Loader {
	l.unseal = unseal
	return l
}

// NewLoader returns a loader for the folder, whose manifests must be signed
// by key.
func NewLoader(dir string, key ed25519.PublicKey) *Loader {
	return &Loader{dir: dir, key: key, segments: map[string]*segment.Segment{}}
}

// Have is the number of the last snapshot that was opened, 0 before.
func (l *Loader) Have() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.have
}

// Load opens the snapshot in force, and checks all of it. On an error nothing
// has changed: whoever runs an older one goes on with it. Loading the number
// that is in use again is allowed.
//
// The segments of the snapshot before are unmapped by the garbage collector
// once nobody asks it any more; who has swapped does well to run one.
func (l *Loader) Load() (*verdict.Snapshot, error) {
	n, err := Current(l.dir)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.load(n)
}

// LoadNewest opens the snapshot in force or, where that one cannot be used,
// the newest before it that can: for a gate that starts with nothing. What
// was passed over is told in skipped.
func (l *Loader) LoadNewest() (s *verdict.Snapshot, skipped []error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers, err := manifestNumbers(l.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("looking for rules: %w", err)
	}
	n, cerr := Current(l.dir)
	if cerr != nil && !errors.Is(cerr, ErrNone) {
		skipped = append(skipped, cerr)
	}
	if cerr == nil && !slices.Contains(numbers, n) {
		skipped = append(skipped, fmt.Errorf("%w: manifest %d is gone", ErrDamaged, n))
	}
	for i := len(numbers) - 1; i >= 0; i-- {
		// A manifest above current was not yet put in force, unless current
		// itself is gone or damaged.
		if cerr == nil && numbers[i] > n {
			continue
		}
		s, err := l.load(numbers[i])
		if err == nil {
			return s, skipped, nil
		}
		skipped = append(skipped, err)
	}
	if len(skipped) > 0 {
		return nil, skipped, fmt.Errorf("no rules in the folder can be used: %w", skipped[0])
	}
	return nil, nil, ErrNone
}

func (l *Loader) load(n uint64) (*verdict.Snapshot, error) {
	if n < l.have {
		return nil, fmt.Errorf("%w: %d after %d", ErrOlder, n, l.have)
	}
	m, err := readManifest(l.dir, n, l.key)
	if err != nil {
		return nil, err
	}
	phrases, err := phrasesOf(l.dir, m, l.phrases)
	if err != nil {
		return nil, err
	}
	s, segments, err := open(l.dir, m, l.segments, l.opener)
	if err != nil {
		return nil, err
	}
	l.have, l.segments, l.phrases = n, segments, phrases
	return s.With(phrases), nil
}

// open reads the rules and the segments of a verified manifest.
//
// opener gives what opens a licensed list; it is asked for those only.
func open(dir string, m Manifest, known map[string]*segment.Segment, opener func(SegmentRef) (Unseal, error)) (*verdict.Snapshot, map[string]*segment.Segment, error) {
	rules, err := readRules(dir, m)
	if err != nil {
		return nil, nil, err
	}
	segments := make(map[string]*segment.Segment, len(m.Segments))
	var sources []verdict.Source
	for _, ref := range m.Segments {
		if ref.Kind == KindPhrases {
			continue
		}
		seg, ok := known[ref.Hash]
		if !ok {
			if seg, err = openSegment(dir, ref); err != nil {
				return nil, nil, err
			}
		}
		segments[ref.Hash] = seg
		src := verdict.Source{Slug: ref.Source, Title: ref.Title, Segment: seg}
		if seg.Lock() != nil {
			if src.Open, err = opener(ref); err != nil {
				return nil, nil, err
			}
		}
		sources = append(sources, src)
	}
	s, err := verdict.New(rules, sources)
	if err != nil {
		return nil, nil, fmt.Errorf("using rules %d: %w", m.Number, err)
	}
	return s.At(m.Number, time.UnixMilli(m.Made)), segments, nil
}

// ErrSealed: a licensed list is in force and what opens it is not here.
var ErrSealed = errors.New("a licensed list is sealed, and the school key that opens it is not here")

func (l *Loader) opener(ref SegmentRef) (Unseal, error) {
	if l.unseal == nil {
		return nil, fmt.Errorf("%w: %s", ErrSealed, ref.Source)
	}
	return l.unseal, nil
}

// unopened is the opener of who only checks what it wrote.
func unopened(SegmentRef) (Unseal, error) { return nil, nil }

// openSegment checks the whole file before it maps it.
func openSegment(dir string, ref SegmentRef) (*segment.Segment, error) {
	path := segment.FileName(SegmentsDir(dir), ref.Hash)
	if err := segment.VerifyFile(path, ref.Hash); err != nil {
		return nil, fmt.Errorf("%w: list %s: %w", ErrDamaged, ref.Source, err)
	}
	seg, err := segment.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: list %s: %w", ErrDamaged, ref.Source, err)
	}
	return seg, nil
}

// Open opens the snapshot in force, once.
func Open(dir string, key ed25519.PublicKey) (*verdict.Snapshot, error) {
	return NewLoader(dir, key).Load()
}

// Read returns the manifest and rules of one number, verified, without their
// lists: to show or to publish again.
func Read(dir string, key ed25519.PublicKey, n uint64) (Manifest, verdict.Rules, error) {
	m, err := readManifest(dir, n, key)
	if err != nil {
		return Manifest{}, verdict.Rules{}, err
	}
	r, err := readRules(dir, m)
	return m, r, err
}
