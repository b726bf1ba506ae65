package porter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/porter"
	"belisha/internal/gate/subject"
	"belisha/internal/verdict"
	"belisha/internal/verdict/segment"
)

func TestWhereALicensedListLedIsNeverWrittenDown(t *testing.T) {
	w := gatetest.New(t)
	lock := verdict.LicenceLock{Form: verdict.LicensedPlain, Mac: make([]byte, 32), Alert: "exploitation"}
	sealed, err := json.Marshal(lock)
	if err != nil {
		t.Fatal(err)
	}
	b, dir := segment.NewBuilder(), t.TempDir()
	b.Lock(sealed)
	if err := b.AddKey(lock.EntryKey("zzqworst.test/"), "illegal"); err != nil {
		t.Fatal(err)
	}
	hash, _, err := b.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := segment.Open(segment.FileName(dir, hash))
	if err != nil {
		t.Fatal(err)
	}
	rules := gatetest.Rules()
	rules.Categories = append(rules.Categories, verdict.Category{Slug: "illegal", Title: "Illegal"})
	rules.Locked.Categories = []string{"illegal"}
	s, err := verdict.New(rules, []verdict.Source{{Slug: "lic", Segment: seg, Open: func(b []byte) ([]byte, error) { return b, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	w.Porter.Use(s.At(7, gatetest.Noon))
	present(t, w, subject.Row{ID: "p", Groups: []string{"pupils"}})
	who := w.Porter.Who(here, nil)
	a := w.Porter.Judge(&who, porter.Question{Door: verdict.DoorProxy, Host: "www.zzqworst.test", Path: "/search?q=zzqwords", Port: 80})
	if a.Verdict.Action != verdict.Block || a.Verdict.Licensed == 0 {
		t.Fatalf("verdict %+v", a.Verdict)
	}
	w.Porter.Record(context.Background(), &a)
	e := w.Events(t, 1)[0]
	if e.Host != porter.HiddenHost || e.Path != "" || e.Words != "" || e.Alert != "exploitation" || e.Category != "illegal" || e.Subject != "p" {
		t.Errorf("event %+v", e)
	}
	if b, ok := w.Porter.Latest(here); !ok || strings.Contains(fmt.Sprintf("%+v", b), "zzq") {
		t.Errorf("the block page's fact is %+v, %v", b, ok)
	}
	if strings.Contains(fmt.Sprintf("%+v", e), "zzq") {
		t.Errorf("the event tells the address: %+v", e)
	}
}
