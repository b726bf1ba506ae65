package snapfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"belisha/internal/verdict/scan"
)

// KindPhrases marks the reference of a snapshot's phrases, which are kept
// beside its lists of names. A snapshot has one at most.
const KindPhrases = "phrases"

// PhrasesDir is the folder that files of phrases are written to.
func PhrasesDir(dir string) string { return filepath.Join(dir, "phrases") }

func phrasesPath(dir, hash string) string { return filepath.Join(PhrasesDir(dir), hash+".phr") }

// PutPhrases writes a file that scan.Builder made, unless it is there already,
// and returns how a snapshot names it.
func PutPhrases(dir string, file []byte) (SegmentRef, error) {
	sum := sha256.Sum256(file)
	ref := SegmentRef{Source: KindPhrases, Kind: KindPhrases, Hash: hex.EncodeToString(sum[:])}
	if err := Prepare(dir); err != nil {
		return ref, err
	}
	path := phrasesPath(dir, ref.Hash)
	if HasPhrases(dir, ref) {
		return ref, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ref, fmt.Errorf("taking a damaged file of phrases away: %w", err)
	}
	return ref, replace(path, file)
}

// OpenPhrases opens a file of phrases and checks that it is what the reference
// says.
func OpenPhrases(dir string, ref SegmentRef) (*scan.Phrases, error) {
	b, err := readPhrases(dir, ref)
	if err != nil {
		return nil, err
	}
	p, err := scan.Open(b)
	if err != nil {
		return nil, fmt.Errorf("%w: phrases: %w", ErrDamaged, err)
	}
	return p, nil
}

// HasPhrases reports whether the file is there and whole.
func HasPhrases(dir string, ref SegmentRef) bool {
	_, err := readPhrases(dir, ref)
	return err == nil
}

func readPhrases(dir string, ref SegmentRef) ([]byte, error) {
	if !isHash(ref.Hash) {
		return nil, fmt.Errorf("%w: the phrases are named oddly", ErrDamaged)
	}
	b, err := readBounded(phrasesPath(dir, ref.Hash), scan.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("%w: phrases: %w", ErrDamaged, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != ref.Hash {
		return nil, fmt.Errorf("%w: the phrases are not those that were signed", ErrDamaged)
	}
	return b, nil
}

// phrasesOf opens the phrases that a manifest names, nil where it names none.
// Those that are open already are taken over.
func phrasesOf(dir string, m Manifest, known *scan.Phrases) (*scan.Phrases, error) {
	for _, ref := range m.Segments {
		switch {
		case ref.Kind != KindPhrases:
		case known != nil && known.Hash() == ref.Hash:
			return known, nil
		default:
			return OpenPhrases(dir, ref)
		}
	}
	return nil, nil
}

// checkKinds refuses references that are not understood here.
func checkKinds(refs []SegmentRef) error {
	phrases := 0
	for _, ref := range refs {
		switch ref.Kind {
		case "":
		case KindPhrases:
			phrases++
		default:
			return fmt.Errorf("it has a part of the kind %q, which is not known here", ref.Kind)
		}
	}
	if phrases > 1 {
		return errors.New("it names more than one file of phrases")
	}
	return nil
}
