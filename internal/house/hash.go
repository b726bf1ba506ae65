package house

import (
	"crypto/sha256"
	"encoding/hex"
)

// shortHash is a short name for s.
func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:6])
}
