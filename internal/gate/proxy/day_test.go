package proxy

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belisha/internal/gate/ca"
	"belisha/internal/gate/gatetest"
	"belisha/internal/gate/spool"
	"belisha/internal/gate/subject"
	"belisha/internal/kit/clock"
)

// agree puts a pupil behind the bench's address whose agreement stands so.
func (b *bench) agree(t *testing.T, agreement string) {
	t.Helper()
	ends := gatetest.Noon.Add(time.Hour)
	err := b.Table.Apply(subject.Push{Number: 1, Full: true, Rows: []subject.Row{{
		ID: "p", Address: netip.MustParseAddr("127.0.0.1"), Subject: "p", Certainty: spool.Sure, Groups: []string{"pupils"},
		Agreement: agreement, SignedUntil: ends, Ends: ends,
	}}}, gatetest.Noon)
	if err != nil {
		t.Fatal(err)
	}
}

// open asks for a page with headers, as name and value.
func (b *bench) open(t *testing.T, method, url string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client(nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestTheReminderToSignStandsInPlaceOfOnePageADay(t *testing.T) {
	b := newBench(t, nil)
	b.agree(t, subject.AgreementRemind)
	page := b.url("ok.test", "/story?n=1")
	for _, c := range []struct {
		name    string
		method  string
		headers []string
		want    int
	}{
		{"a picture is not held up", http.MethodGet, []string{"Sec-Fetch-Dest", "image", "Accept", "text/html"}, 200},
		{"nor what a script asks for", http.MethodGet, []string{"Accept", "application/json"}, 200},
		{"nor a form that is sent", http.MethodPost, []string{"Sec-Fetch-Dest", "document"}, 200},
		{"nor what is opened ahead of need", http.MethodGet, []string{"Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch"}, 200},
		{"the first page is", http.MethodGet, []string{"Accept", "text/html,*/*"}, 403},
		{"the same page then opens", http.MethodGet, []string{"Accept", "text/html,*/*"}, 200},
	} {
		status, body := b.open(t, c.method, page, c.headers...)
		if status != c.want {
			t.Errorf("%s: %d", c.name, status)
		}
		if status != 403 {
			continue
		}
		for _, want := range []string{"Please sign", "http://belisha.test/agreement", "Go on", strings.ReplaceAll(page, "&", "&amp;")} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", c.name, want)
			}
		}
	}
	events := b.Events(t, 2)
	warned := 0
	for _, e := range events {
		if e.Reason == "agreement" {
			warned++
			if e.Action != spool.ActionWarn || e.Host != "ok.test" {
				t.Errorf("event %+v", e)
			}
		}
	}
	if warned != 1 {
		t.Errorf("%d reminders are written down", warned)
	}
}

func TestWhoIsHeldReadsThePageInPlaceOfASecureSite(t *testing.T) {
	authority, err := ca.Create(t.TempDir()+"/ca", "Hill School", seal{}, clock.NewFake(gatetest.Noon))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *Config, _ table) { c.Leaves = authority })
	b.roots = x509.NewCertPool()
	b.roots.AppendCertsFromPEM(authority.PEM())
	set := *b.Porter.Settings()
	set.CAEverywhere = true
	if err := b.Porter.Configure(&set); err != nil {
		t.Fatal(err)
	}
	b.agree(t, subject.AgreementHold)
	secure := fmt.Sprintf("https://ok.test:%d/x", port(b.secure))
	if status, body := b.get(t, secure); status != 403 || !strings.Contains(body, "http://belisha.test/agreement") {
		t.Errorf("got %d %.300s", status, body)
	}
	b.agree(t, subject.AgreementSigned)
	if _, err := b.client(nil).Get(secure); err == nil {
		t.Error("the gate speaks for a site that is let through")
	}
	b.agree(t, subject.AgreementRemind)
	if _, err := b.client(nil).Get(secure); err == nil {
		t.Error("a reminder is shown in place of a secure site that is let through")
	}
}

// TestALateAnswerIsJudgedAgain has the rules change while a site thinks.
func TestALateAnswerIsJudgedAgain(t *testing.T) {
	b := newBench(t, nil)
	b.agree(t, subject.AgreementSigned)
	b.slow = make(chan func(), 1)
	b.slow <- func() { b.agree(t, subject.AgreementHold); b.server.Recheck(t.Context()) }
	if status, body := b.get(t, b.url("ok.test", "/slow")); status != 403 || !strings.Contains(body, "/agreement") {
		t.Errorf("got %d %.200s", status, body)
	}
}
