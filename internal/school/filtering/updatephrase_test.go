package filtering_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"belisha/internal/school/filtering"
)

// manyPhrases is a phrase list of n lines.
func manyPhrases(n int) string {
	var b strings.Builder
	b.WriteString("#listcategory: \"Pornography (County)\"\n< countyword ><70>\n")
	for i := range n {
		fmt.Fprintf(&b, "<phrase number %d><10>\n", i)
	}
	return b.String()
}

func TestPhrasesAreFetchedByAddressAndABadDayLeavesTheLastGoodOnes(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, manyPhrases(100))
	p.etag = `"one"`
	supply := filtering.Supply{Title: "County phrases", URL: p.URL + "/weighted.txt", Format: filtering.FormatPhrases, Private: true, Reason: "the county asks for it"}
	_, err := s.room.AddSupply(s.asManager(), supply)
	must(t, err)
	s.fetch()
	l, err := s.room.PhraseList(context.Background(), "county-phrases")
	if err != nil || l.Phrases != 101 || l.Path != supply.URL || !l.Enabled {
		t.Fatalf("%+v, %v", l, err)
	}
	if r := s.weighs("a countyword here"); r.Score != 70 {
		t.Errorf("weighs %d", r.Score)
	}
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	if p.asked != 2 || p.sent != 1 {
		t.Errorf("asked %d, sent %d", p.asked, p.sent)
	}
	for what, text := range map[string]string{"web page": "<!DOCTYPE html><html><body>Sign in</body></html>", "lost more than": manyPhrases(10), "phrase": "We are moving.\n"} {
		p.text, p.etag = text, `"`+what+`"`
		s.clock.Advance(25 * time.Hour)
		s.fetch()
		if got := s.supplied(); got.Problem == "" || !strings.Contains(got.Problem, what) {
			t.Errorf("%s: %q", what, got.Problem)
		}
		if w := s.waits(); len(w) != 1 || w[0] != "A phrase list was refused" && w[0] != "A list of sites could not be fetched" {
			t.Errorf("%s: in the tray %q", what, w)
		}
		if r := s.weighs("a countyword here"); r.Score != 70 {
			t.Errorf("%s: weighs %d", what, r.Score)
		}
	}
	p.text, p.etag = manyPhrases(110), `"well"`
	s.clock.Advance(25 * time.Hour)
	s.fetch()
	if l, err := s.room.PhraseList(context.Background(), "county-phrases"); err != nil || l.Phrases != 111 || l.Problem != "" || len(s.waits()) != 0 {
		t.Errorf("%+v, %v, %q", l, err, s.waits())
	}
	supply.Title, supply.Category = "Other", "adult"
	if _, err := s.room.AddSupply(s.asManager(), supply); err == nil {
		t.Error("phrases were given a category")
	}
	rep, err := s.room.Import(console(), filtering.Options{Path: p.URL + "/again.txt", Format: filtering.FormatPhrases, Name: "Again", Private: true})
	if err != nil || rep.State != "imported" {
		t.Errorf("an import by address: %+v, %v", rep, err)
	}
	s.holds()
}

func TestEveryFormatIsFetchedByAddress(t *testing.T) {
	s := open(t, sqlite(t)).confirmed()
	p := publish(t, s, "")
	for format, text := range map[string]string{
		"rpz":     "$TTL 60\n@ SOA ns.rpz.example. h.rpz.example. 1 2 3 4 5\n@ NS ns.rpz.example.\nrpz-bad.example CNAME .\n*.rpz-bad.example CNAME .\n",
		"adblock": "||adblock-bad.example^\n", "dnsmasq": "address=/dnsmasq-bad.example/#\n", "unbound": "local-zone: \"unbound-bad.example\" always_nxdomain\n",
		"json": "[\"json-bad.example\"]", "bind": "zone \"bind-bad.example\" { type master; file \"null\"; };\n", "regex": "(^|\\.)regex-bad\\.example$\n",
		"csv": "domain,category\ncsv-bad.example,gambling\n", "surge": "DOMAIN-SUFFIX,surge-bad.example,REJECT\n", "hosts": "0.0.0.0 hosts-bad.example\n",
	} {
		p.text = text
		rep, err := s.room.Import(console(), filtering.Options{Path: p.URL + "/" + format + ".txt", Format: format, Name: "list " + format, Category: map[bool]string{true: "", false: "gambling"}[format == "csv"], Private: true})
		if err != nil || rep.State != "imported" {
			t.Errorf("%s: %+v, %v", format, rep, err)
			continue
		}
		s.wants("http://"+format+"-bad.example/", "pupils", "block")
	}
}
