package backup

import (
	"time"

	"belisha/internal/kit/setting"
)

// The settings.
const (
	KeyEvery = "backup.every"
	KeyDrill = "backup.restore-drill"
	KeyKeep  = "backup.keep"
)

const day = 24 * time.Hour

// Settings declares what the school decides about backups.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: KeyEvery, Title: "How often a backup is made", Kind: setting.Duration,
			Help:    "A copy of everything is made this often, encrypted, in the backup folder.",
			Default: "24 hours", Min: time.Hour, Max: 7 * day, Requirements: []string{"BKP-01", "BKP-03"},
		},
		{
			Key: KeyDrill, Title: "How often a backup is proved by restoring it", Kind: setting.Duration,
			Help:    "A backup is restored into a scratch place and checked at least this often. It is tried in half this time, so that a failure can be mended.",
			Default: "15 weeks", Min: day, Max: 365 * day, Requirements: []string{"BKP-02"},
		},
		{
			Key: KeyKeep, Title: "How long a backup is kept", Kind: setting.Duration,
			Help:    "Older backups are removed after a new one was made. The two newest always stay. What was erased from the records stays in old backups this long.",
			Default: "30 days", Min: 7 * day, Max: 365 * day, Requirements: []string{"BKP-01"},
		},
	}
}
