package segment_test

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"belisha/internal/verdict/segment"
)

// FuzzOpen opens whatever a disk may have made of a list, and asks it: it says
// that it is damaged, or answers something, and never falls over.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	b := segment.NewBuilder()
	for text, kind := range map[string]segment.Kind{
		"bad.test": segment.Name, "a.bad.test": segment.Name, "other.test/x": segment.URL, "203.0.113.0/24": segment.AddressRange, "2001:db8::/32": segment.AddressRange,
	} {
		if err := b.Add(kind, text, "adult"); err != nil {
			f.Fatal(err)
		}
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(segment.FileName(dir, hash))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, 0, uint64(0))
	for _, at := range []int{16, 24, 32, 40, 44, 48, 56, 64, 72, 96} {
		f.Add(whole, at, uint64(1)<<63)
		f.Add(whole, at, uint64(3))
	}
	f.Add(whole[:len(whole)/2], 8, uint64(len(whole)/2))
	path := filepath.Join(dir, "fuzzed")
	f.Fuzz(func(t *testing.T, data []byte, at int, value uint64) {
		const head = 256
		data = append([]byte(nil), data...)
		if at >= 8 && at+8 <= head-4 && len(data) >= head {
			binary.LittleEndian.PutUint64(data[at:], value)
		}
		if len(data) >= head { // else only the checksum would be tried
			binary.LittleEndian.PutUint32(data[head-4:], crc32.ChecksumIEEE(data[:head-4]))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := segment.Open(path)
		if err != nil {
			return
		}
		for _, name := range []string{"bad.test", "www.a.bad.test", "ok.test"} {
			if key, ok := segment.NameKey(name); ok {
				s.Find(key)
			}
		}
		for _, a := range []string{"203.0.113.9", "2001:db8::1", "10.0.0.1"} {
			s.FindAddress(netip.MustParseAddr(a), func(uint32, netip.Prefix) {})
		}
		table := s.Table()
		for key := range uint64(64) {
			s.Find(key << 58)
			table.Find(key << 52)
		}
		_, _, _, _ = s.Sets(), s.Categories(), s.Expressions(), s.Lock()
	})
}
