package backup_test

import (
	"net/url"
	"testing"

	"belisha/internal/kit/backup"
	"belisha/internal/kit/store/storetest"
	"belisha/internal/kit/web/webtest"
)

func TestTheBackupPageMakesAndChecksABackup(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	webtest.Check(t, backup.Page)
	site := webtest.Site(t, s.room.Section())
	manager := webtest.As("Wren", backup.MayRead, backup.MayRun)
	webtest.Get(t, site, "/backup", manager).Is(200).Safe().Has("There is no backup yet", "1 day", "How to restore", "recovery words").
		Link("/backup/run")
	webtest.Post(t, site, "/backup/run", url.Values{}, manager).GoesTo("/backup")
	webtest.Get(t, site, "/backup", manager).Is(200).Has("Backup: 3 files", "Done", "belisha-4f1c2a90-20261123-080000").HasNot("There is no backup yet")
	webtest.Post(t, site, "/backup/verify", url.Values{}, manager).GoesTo("/backup")
	webtest.Get(t, site, "/backup", manager).Is(200).Safe().Has("Check by restoring: 3 files")

	reader := webtest.As("Finch", backup.MayRead)
	webtest.Get(t, site, "/backup", reader).Is(200).NoLink("/backup/run")
	webtest.Post(t, site, "/backup/run", url.Values{}, reader).Is(403)
	webtest.Get(t, site, "/backup", webtest.As("Dove")).Is(403)
}

func TestThePageWarnsWhileBackupsLieOnTheSameDisk(t *testing.T) {
	s := newSchool(t, storetest.SQLite(t, schemas...))
	s.deps.SameDisk = true
	room, err := backup.New(s.deps)
	s.must(err)
	webtest.Get(t, webtest.Site(t, room.Section()), "/backup", webtest.As("Wren", backup.MayRead)).Is(200).Safe().
		Has("on the same disk as the records")
}
