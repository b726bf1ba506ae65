package policies_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/control"
	"belisha/internal/kit/web/webtest"
)

func TestZShots(t *testing.T) {
	out := os.Getenv("SHOTS")
	if out == "" {
		t.Skip()
	}
	s := newSchool(t)
	s.age = control.Finding{State: control.Broken, Figure: "2 of 31 passwords older than 90 days", Source: control.Measured, By: "sign-in records",
		Rule:  "no staff password older than 90 days",
		Owner: "network-manager", Todo: "Ask the two to change theirs.", Rows: []control.Row{{What: "A password 97 days old", State: control.Broken, At: monday}}}
	if _, err := s.activate(s.shipped("hospital-school")); err != nil {
		t.Fatal(err)
	}
	_ = s.RunControls(console)
	v, _, err := s.Propose(console, s.shipped("village-primary"))
	if err != nil {
		t.Fatal(err)
	}
	h := webtest.Site(t, s.Section())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = webtest.Host
		start := time.Now()
		h.ServeHTTP(w, r.WithContext(actor.With(r.Context(), head)))
		t.Log(r.URL.Path, time.Since(start))
	}))
	defer srv.Close()
	for name, p := range map[string]string{"policy": "/policies", "clause": "/policies/clauses/accounts-6", "control": "/policies/controls/password-age", "notkept": "/policies/not-kept",
		"settings": "/policies/settings", "versions": "/policies/versions", "version": "/policies/versions/" + v.ID, "activate": "/policies/versions/" + v.ID + "/activate",
		"diff": "/policies/versions/" + v.ID + "/diff", "propose": "/policies/propose"} {
		size := "1280,1600"
		cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size="+size, "--screenshot="+out+"/"+name+".png", srv.URL+p)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Log(strings.TrimSpace(string(b)), err)
		}
		if name == "policy" || name == "clause" || name == "notkept" {
			_ = exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=500,1400", "--screenshot="+out+"/"+name+"-s.png", srv.URL+p).Run()
		}
		if name == "policy" {
			_ = exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--print-to-pdf="+out+"/policy.pdf", srv.URL+p).Run()
		}
	}
}
