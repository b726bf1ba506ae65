package filtering

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
	"belisha/internal/verdict/snapfile"
	"belisha/lists/phrases"
)

// withStarter puts what ships in the program in front, with what is switched
// off of it.
func (r *Room) withStarter(list []PhraseList) ([]PhraseList, error) {
	p, err := r.starterPhrases()
	if err != nil {
		return nil, err
	}
	n, combinations := p.Count()
	starter := PhraseList{
		ID: starterID, Title: "Starter phrases", Hash: p.Hash(), Phrases: int64(n), Combinations: int64(combinations), Areas: areasOf(p), Enabled: true,
	}
	out := []PhraseList{starter}
	for _, l := range list {
		if l.ID == starterID {
			out[0].Off, out[0].Version = l.Off, l.Version
			continue
		}
		out = append(out, l)
	}
	return out, nil
}

// starterPhrases builds what ships in the program, once.
func (r *Room) starterPhrases() (*scan.Phrases, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.phrases.starter != nil {
		return r.phrases.starter, nil
	}
	areas, err := phrases.Starter()
	if err != nil {
		return nil, err
	}
	b := scan.NewBuilder(scan.Options{})
	for _, a := range areas {
		if a.Slug == phrases.Safe { // always in: the filter can try itself whatever is switched off
			a.List = fmt.Appendf(slices.Clone(a.List), "\n<%s><%d>\n", verdict.ProbePhrase, verdict.MaxPhrases+1)
		}
		if _, err := phraselist.Read(phraselist.Tree{a.Slug: a.List}, []phraselist.Root{{Path: a.Slug}}, b); err != nil {
			return nil, fmt.Errorf("reading the starter phrases: %w", err)
		}
	}
	_, p, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("building the starter phrases: %w", err)
	}
	r.phrases.starter = p
	return p, nil
}

// builtPhrases remembers what was built last.
type builtPhrases struct {
	starter *scan.Phrases
	key     string
	ref     snapfile.SegmentRef
	all     *scan.Phrases
}

// phrasesRef builds one file of all phrases in use and writes it to the
// filter's folder, unless that was done already.
func (r *Room) phrasesRef(ctx context.Context, st *state) (snapfile.SegmentRef, *scan.Phrases, error) {
	all, err := r.withStarter(st.phrases)
	if err != nil {
		return snapfile.SegmentRef{}, nil, err
	}
	key := ""
	for _, l := range all {
		if l.Enabled {
			key += l.ID + " " + l.Hash + " " + join(l.Off) + "\n"
		}
	}
	r.mu.Lock()
	have := r.phrases
	r.mu.Unlock()
	if have.key == key && snapfile.HasPhrases(r.d.Dir, have.ref) {
		return have.ref, have.all, nil
	}
	file, p, err := r.mergePhrases(ctx, all)
	if err != nil {
		return snapfile.SegmentRef{}, nil, err
	}
	ref, err := snapfile.PutPhrases(r.d.Dir, file)
	if err != nil {
		return ref, nil, fmt.Errorf("writing the phrases: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phrases.key, r.phrases.ref, r.phrases.all = key, ref, p
	return ref, p, nil
}

func (r *Room) mergePhrases(ctx context.Context, all []PhraseList) ([]byte, *scan.Phrases, error) {
	b := scan.NewBuilder(scan.Options{})
	for _, l := range all {
		if !l.Enabled {
			continue
		}
		p, err := r.openPhrases(ctx, l)
		if err != nil {
			return nil, nil, &Refused{Words: fmt.Sprintf("The phrase list %q cannot be used: %v. Import it again.", l.Title, err)}
		}
		if err := b.Merge(p, func(category string) bool { return !slices.Contains(l.Off, category) }); err != nil {
			return nil, nil, &Refused{Words: "The phrase lists cannot be used together: " + err.Error() + "."}
		}
	}
	file, p, err := b.Build()
	if err != nil {
		return nil, nil, &Refused{Words: "The phrase lists cannot be used together: " + err.Error() + "."}
	}
	return file, p, nil
}

// openPhrases opens one list: from the program, from what is on its way in, or
// from the records.
func (r *Room) openPhrases(ctx context.Context, l PhraseList) (*scan.Phrases, error) {
	if l.ID == starterID {
		return r.starterPhrases()
	}
	content := l.content
	if content == "" {
		var err error
		if content, err = phraseContent(ctx, r.d.DB, l.ID); err != nil {
			return nil, err
		}
	}
	file, err := unpackPhrases(content)
	if err != nil {
		return nil, err
	}
	p, err := scan.Open(file)
	if err == nil && p.Hash() != l.Hash {
		err = errors.New("it is not what was taken up")
	}
	return p, err
}

func packPhrases(file []byte) (string, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return "", fmt.Errorf("packing the phrases: %w", err)
	}
	defer func() { _ = w.Close() }()
	return base64.StdEncoding.EncodeToString(w.EncodeAll(file, nil)), nil
}

func unpackPhrases(content string) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil, fmt.Errorf("unpacking the phrases: %w", err)
	}
	d, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPhraseContent))
	if err != nil {
		return nil, fmt.Errorf("unpacking the phrases: %w", err)
	}
	defer d.Close()
	file, err := io.ReadAll(io.LimitReader(d, maxPhraseContent+1))
	if err != nil {
		return nil, fmt.Errorf("unpacking the phrases: %w", err)
	}
	return file, nil
}
