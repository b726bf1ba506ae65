package verdict

import (
	"crypto/md5"  //nolint:gosec // what a supplier hashes with is the supplier's choice
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"

	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/segment"
)

// LicensedForm is how a supplier hands a licensed list over.
type LicensedForm string

// The forms. What is hashed is the salt and then the canonical address:
// "host/" for a whole site with all below it, "host/path" for a page and what
// lies below it.
const (
	LicensedPlain  LicensedForm = "plain"
	LicensedSHA256 LicensedForm = "sha256"
	LicensedSHA1   LicensedForm = "sha1"
	LicensedMD5    LicensedForm = "md5"
)

// Size is how many bytes a digest of the form has; 0 for what is no digest.
func (f LicensedForm) Size() int {
	switch f {
	case LicensedSHA256:
		return sha256.Size
	case LicensedSHA1:
		return sha1.Size
	case LicensedMD5:
		return md5.Size
	}
	return 0
}

// LicenceLock is what turns an address into a key of a licensed list. It lies
// in the list's segment, sealed, so that the file by itself cannot even be
// asked whether it has an address.
type LicenceLock struct {
	Form LicensedForm `json:"form"`
	Salt []byte       `json:"salt,omitempty"`
	Mac  []byte       `json:"mac"` // 32 bytes
	// Alert is the theme that the safeguarding lead hears of when somebody
	// tries one of its addresses.
	Alert string `json:"alert,omitempty"`
}

const (
	macSize       = 32
	maxLicensed   = 200
	maxSalt       = 256
	maxBeginnings = 64
)

// EntryKey is the key of one address in canonical form.
func (l *LicenceLock) EntryKey(address string) uint64 {
	var b licenceBuffer
	return l.key(&b, address, "")
}

// DigestKey is the key of an address of which only the supplier's digest is
// known.
func (l *LicenceLock) DigestKey(digest []byte) uint64 {
	var b licenceBuffer
	return l.mac(append(append(b[:0], l.Mac...), digest...))
}

// LicensedAddress is the canonical form of a host, with a page of it or "".
func LicensedAddress(host, path string) string {
	host, path = segment.SplitPage(host + path)
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]") // as the doors ask for it
	return host + "/" + strings.TrimPrefix(path, "/")
}

// licenceBuffer holds an address with what is put before it.
type licenceBuffer [macSize + maxSalt + 253 + segment.MaxPath + 16]byte

func (l *LicenceLock) key(b *licenceBuffer, host, path string) uint64 {
	if l.Form == LicensedPlain {
		buf := append(append(append(b[:0], l.Mac...), host...), path...)
		return l.mac(buf)
	}
	buf := append(append(append(b[:0], l.Salt...), host...), path...)
	switch l.Form {
	case LicensedSHA256:
		sum := sha256.Sum256(buf)
		return l.mac(append(append(b[:0], l.Mac...), sum[:]...))
	case LicensedSHA1:
		sum := sha1.Sum(buf) //nolint:gosec // the supplier's choice
		return l.mac(append(append(b[:0], l.Mac...), sum[:]...))
	default:
		sum := md5.Sum(buf) //nolint:gosec // the supplier's choice
		return l.mac(append(append(b[:0], l.Mac...), sum[:]...))
	}
}

func (l *LicenceLock) mac(keyed []byte) uint64 {
	sum := sha256.Sum256(keyed)
	return binary.LittleEndian.Uint64(sum[:8])
}

func (l *LicenceLock) check() bool {
	return len(l.Mac) == macSize && len(l.Salt) <= maxSalt && (l.Form == LicensedPlain || l.Form.Size() > 0)
}

// licensed is one licensed list. Without a lock it was only checked.
type licensed struct {
	segment  *segment.Segment
	table    segment.Table
	lock     *LicenceLock
	category uint8
}

// licensed opens a licensed list. Its one category is locked for everybody.
func (c *compiler) licensed(src Source, numbers []uint8) error {
	switch {
	case len(numbers) != 1:
		return refuse("the licensed list %q has not one category", src.Slug)
	case len(c.s.licensed) == maxLicensed:
		return refuse("there are more than %d licensed lists", maxLicensed)
	case !c.s.locked.Has(numbers[0]):
		return refuse("the licensed list %q is in a category that is not locked", src.Slug)
	}
	l := licensed{segment: src.Segment, table: src.Segment.Table(), category: numbers[0]}
	if src.Open != nil {
		plain, err := src.Open(src.Segment.Lock())
		if err != nil {
			return refuse("the licensed list %q cannot be opened: %v", src.Slug, err)
		}
		l.lock = &LicenceLock{}
		if err := json.Unmarshal(plain, l.lock); err != nil || !l.lock.check() {
			return refuse("the licensed list %q is damaged", src.Slug)
		}
	}
	c.s.licensed = append(c.s.licensed, l)
	return nil
}

// LicensedAlert is the theme of a licensed list, by its number in a verdict.
func (s *Snapshot) LicensedAlert(number uint8) string {
	if number == 0 || int(number) > len(s.licensed) || s.licensed[number-1].lock == nil {
		return ""
	}
	return s.licensed[number-1].lock.Alert
}

// lookLicensed asks every licensed list for the host and all its parents, and
// for the beginnings of the path under each.
func (s *Snapshot) lookLicensed(host string, f *facts, tr *trace) {
	var b licenceBuffer
	for i := range s.licensed {
		l := &s.licensed[i]
		if l.lock == nil || f.licence != 0 {
			continue
		}
		for rest := host; rest != ""; {
			if l.names(&b, rest, f.path) || f.again != "" && l.names(&b, rest, f.again) {
				f.licence = uint8(i) + 1
				f.cats.Add(l.category)
				tr.inLicensed(l.category)
				break
			}
			if f.address.IsValid() {
				break
			}
			_, rest, _ = strings.Cut(rest, ".")
		}
	}
}

func (l *licensed) names(b *licenceBuffer, host, path string) bool {
	if l.has(b, host, "/") {
		return true
	}
	for n, end := 0, 1; end < len(path); n++ {
		if end++; n == maxBeginnings {
			end = len(path) // so many parts: only the whole is asked besides
		}
		for end < len(path) && !canon.Boundary(path[end]) {
			end++
		}
		if end > segment.MaxPath {
			return false
		}
		if l.has(b, host, path[:end]) {
			return true
		}
	}
	return false
}

func (l *licensed) has(b *licenceBuffer, host, path string) bool {
	return l.table.Find(l.lock.key(b, host, path)) != 0
}

func (t *trace) inLicensed(category uint8) {
	if t == nil {
		return
	}
	t.steps = append(t.steps, Step{What: "listed", Category: t.s.names.Categories[category].Slug, Says: "Found in a licensed list, whose entries are never shown."})
}
