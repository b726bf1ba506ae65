package vault

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// The printed form of a key: thirteen groups of four letters or digits, each
// with a check letter, and a last group that checks the whole. The letters I,
// L, O and U are not used, and are read as 1, 1 and 0 when typed.
const recoveryLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	recoveryGroups = 13 // 32 bytes are 52 letters
	groupLetters   = 4
)

var recoveryCoding = base32.NewEncoding(recoveryLetters).WithPadding(base32.NoPadding)

// Words returns key in its printed form.
func Words(key []byte) string {
	text := recoveryCoding.EncodeToString(key)
	sum := sha256.Sum256(append([]byte("belisha recovery "), key...))
	groups := make([]string, 0, recoveryGroups+1)
	for i := 0; i+groupLetters <= len(text); i += groupLetters {
		groups = append(groups, withCheck(len(groups), text[i:i+groupLetters]))
	}
	whole := recoveryCoding.EncodeToString(sum[:])[:groupLetters]
	groups = append(groups, withCheck(len(groups), whole))
	return strings.Join(groups, "-")
}

// FromRecovery reads a key from its printed form. Case, spaces, hyphens and
// line ends do not matter; a slip is told by its group.
func FromRecovery(words string) ([]byte, error) {
	letters, err := recoveryText(words)
	if err != nil {
		return nil, err
	}
	const size = groupLetters + 1
	if want := (recoveryGroups + 1) * size; len(letters) != want {
		return nil, fmt.Errorf("the recovery words have %d letters and digits; there should be %d in %d groups", len(letters), want, recoveryGroups+1)
	}
	var text strings.Builder
	for g := range recoveryGroups + 1 {
		group := letters[g*size : (g+1)*size]
		if withCheck(g, group[:groupLetters]) != group {
			return nil, fmt.Errorf("group %d of the recovery words (%s) has a slip; look at it again", g+1, group)
		}
		if g < recoveryGroups {
			text.WriteString(group[:groupLetters])
		}
	}
	key, err := recoveryCoding.DecodeString(text.String())
	if err != nil {
		return nil, fmt.Errorf("reading the recovery words: %w", err)
	}
	if len(key) != KeySize || !strings.EqualFold(strings.ReplaceAll(Words(key), "-", ""), letters) {
		return nil, fmt.Errorf("the recovery words do not belong together; look at all groups again")
	}
	return key, nil
}

func recoveryText(words string) (string, error) {
	if len(words) > 1000 {
		return "", fmt.Errorf("these are not recovery words; they are too long")
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(words) {
		switch {
		case strings.ContainsRune(" -\t\r\n", r):
		case r == 'O':
			b.WriteByte('0')
		case r == 'I' || r == 'L':
			b.WriteByte('1')
		case strings.ContainsRune(recoveryLetters, r):
			b.WriteRune(r)
		default:
			return "", fmt.Errorf("the recovery words have only letters and digits, not %q", string(r))
		}
	}
	return b.String(), nil
}

// withCheck appends the check letter of a group. It is a sum over GF(32) with
// the group's number, so every single wrong letter, every pair of letters in
// the wrong order and two groups changed over are noticed.
func withCheck(number int, group string) string {
	sum := byte(number + 1)
	for i := range len(group) {
		sum = timesX(sum) ^ byte(strings.IndexByte(recoveryLetters, group[i]))
	}
	return group + string(recoveryLetters[timesX(sum)])
}

// timesX multiplies by x modulo x^5+x^2+1.
func timesX(b byte) byte {
	b <<= 1
	if b&32 != 0 {
		b ^= 0b100101
	}
	return b
}
