// Package policies holds what ships with Belisha as documents: the two example
// policies, ready to activate, the ledger of what they ask, the law and names
// that school policies quote and that have been replaced, and which
// requirements Belisha covers. They are data; internal/school/policies reads
// them.
package policies

import "embed"

// Files are the shipped documents.
//
//go:embed *.md *.csv
var Files embed.FS
