package policies

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, policyFile, notKeptFile, clauseFile, controlsFile, controlFile, settingsFile, journalFile,
		versionsFile, versionFile, diffFile, proposeFile, activateFile)
}
