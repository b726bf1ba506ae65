package filtering

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"strings"

	"belisha/internal/kit/fetch"
)

// maxSums bounds a publisher's file of sums.
const maxSums = 1 << 20

// pinned is a sha256 sum as people write it, in small letters.
func pinned(s string) (string, bool) {
	s = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(s), "sha256:"))
	b, err := hex.DecodeString(s)
	return s, err == nil && len(b) == 32
}

// sumHolds holds what came against the sum that it must have.
func (r *Room) sumHolds(ctx context.Context, s Supply, got fetch.Got) error {
	if s.Sum == "" {
		return nil
	}
	want, ok := pinned(s.Sum)
	if !ok {
		var text strings.Builder
		_, err := r.fetcher().To(ctx, fetch.Ask{URL: s.Sum, MaxBytes: maxSums, Limit: fetchLimit, Plain: s.Plain, Private: s.Private}, &text)
		if err != nil {
			return fmt.Errorf("the publisher's file of sums: %w", err)
		}
		if want, err = sumOf(text.String(), fileName(s.URL)); err != nil {
			return err
		}
	}
	if want != got.Sum {
		return &Refused{Words: "what came has not the checksum that it must have: it was changed on the way, or the publisher is just changing it. The last good list stays"}
	}
	return nil
}

// sumOf finds a file's sum in a file of sums: "HEX  name", "SHA256 (name) =
// HEX", or a sum alone.
func sumOf(text, name string) (string, error) {
	var alone []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "SHA256 ("); ok {
			file, sum, _ := strings.Cut(rest, ") = ")
			if got, ok := pinned(sum); ok && path.Base(file) == name {
				return got, nil
			}
			continue
		}
		first, rest, named := strings.Cut(strings.TrimPrefix(line, `\`), " ")
		got, ok := pinned(first)
		if !ok {
			continue
		}
		if file := strings.TrimPrefix(strings.TrimSpace(rest), "*"); named && file != "" {
			if path.Base(file) == name {
				return got, nil
			}
			continue
		}
		alone = append(alone, got)
	}
	if len(alone) == 1 {
		return alone[0], nil
	}
	return "", &Refused{Words: "the publisher's file of sums has no SHA-256 sum for " + name}
}

// fileName is the last part of an address, as a file may be called here.
func fileName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "list"
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, path.Base(u.Path))
	name = strings.TrimLeft(name, ".-")
	if name == "" || len(name) > 100 {
		return "list"
	}
	return name
}
