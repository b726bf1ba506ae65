package backup

import (
	"fmt"
	"strings"

	"filippo.io/age"

	"belisha/internal/kit/vault"
)

// keyName is what the backup's key is derived for.
const keyName = "backup identity 1"

// Identity returns the age identity that opens the school's backups, from the
// school key. Its text form also opens them with any other age program.
func Identity(school []byte) (*age.X25519Identity, error) {
	k, err := vault.DeriveFrom(school, keyName)
	if err != nil {
		return nil, err
	}
	id, err := age.ParseX25519Identity(strings.ToUpper(bech32("age-secret-key-", k)))
	if err != nil {
		return nil, fmt.Errorf("making the backup's key: %w", err)
	}
	return id, nil
}

func (r *Room) identity() (*age.X25519Identity, error) {
	school, err := r.Vault.School()
	if err != nil {
		return nil, err
	}
	return Identity(school)
}

const bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 writes bytes the way age writes keys (BIP 173).
func bech32(prefix string, data []byte) string {
	var five []byte
	acc, bits := uint32(0), 0
	for _, b := range data {
		acc, bits = acc<<8|uint32(b), bits+8
		for bits >= 5 {
			bits -= 5
			five = append(five, byte(acc>>bits)&31)
		}
	}
	if bits > 0 {
		five = append(five, byte(acc<<(5-bits))&31)
	}
	sum := bech32Sum(prefix, five)
	var b strings.Builder
	b.WriteString(prefix + "1")
	for _, v := range append(five, sum...) {
		b.WriteByte(bech32Letters[v])
	}
	return b.String()
}

func bech32Sum(prefix string, five []byte) []byte {
	var all []byte
	for _, c := range []byte(prefix) {
		all = append(all, c>>5)
	}
	all = append(all, 0)
	for _, c := range []byte(prefix) {
		all = append(all, c&31)
	}
	all = append(append(all, five...), 0, 0, 0, 0, 0, 0)
	p := uint32(1)
	for _, v := range all {
		top := p >> 25
		p = (p&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				p ^= g
			}
		}
	}
	p ^= 1
	out := make([]byte, 6)
	for i := range out {
		out[i] = byte(p>>(5*(5-i))) & 31
	}
	return out
}
