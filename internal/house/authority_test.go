package house_test

import (
	"context"
	"crypto/x509"
	"net/url"
	"regexp"
	"testing"

	"belisha/internal/house"
	"belisha/internal/kit/actor"
	"belisha/internal/kit/web/webtest"
	"belisha/internal/school/devices"
)

func TestTheSchoolsCertificateIsChangedAheadOfItsEndWithoutARestart(t *testing.T) {
	h := open(t, house.Config{Listen: house.Listen{Pages: "0.0.0.0:8443"}, File: house.File{Pages: house.PagesFile{Names: []string{"belisha.ashdown.lan"}}}})
	addr := pages(t, h, x509.NewCertPool())
	trusts := func(pem []byte) bool {
		t.Helper()
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		c := visitor(addr, pool, 0)
		defer c.CloseIdleConnections()
		res, err := c.Get("https://belisha.ashdown.lan/sign-in")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	}
	first, err := h.SchoolCertificate()
	if err != nil || !trusts(first) {
		t.Fatal("the first one", err)
	}
	site := webtest.Site(t, h.Devices.Section())
	manager := actor.New(actor.Actor{ID: "person:m", Person: "m", Name: "Tam Ruskin", Kind: actor.Person, Audience: actor.Staff}, devices.MayRead, devices.MayManage)
	reader := actor.New(actor.Actor{ID: "person:r", Person: "r", Name: "Kit Vane", Kind: actor.Person, Audience: actor.Staff}, devices.MayRead)
	const page = "/devices/certificate"
	webtest.Get(t, site, page, manager).Is(200).Safe().Has("In use", "whoever had its key could speak for any site", "Prepare the next one", "nhs.uk")
	webtest.Get(t, site, page, reader).Is(200).Safe().HasNot("Prepare the next one")
	webtest.Get(t, site, page+"/next", reader).Is(404)
	for _, bad := range []string{"bank", "203.0.113.7", "ok.example, b*d.example", "a..b"} {
		webtest.Post(t, site, page, url.Values{"never": {bad}}, manager).Is(422).Safe().Has("not a name such as bank.example")
	}
	webtest.Post(t, site, page, url.Values{"never": {"bank.example\n*.Clinic.example."}}, reader).Is(403)
	webtest.Post(t, site, page, url.Values{"never": {"bank.example\n*.Clinic.example."}}, manager).GoesTo(page)
	webtest.Post(t, site, page, url.Values{"never": {"x.example"}}, manager).Is(422).Has("prepared already")
	doc := webtest.Get(t, site, page, manager).Is(200).Safe().Has("Prepared", "bank.example", "clinic.example", "There is no way back")
	next := webtest.Get(t, site, page+"/next", reader).Is(200).Body
	if !trusts(first) || trusts(next) {
		t.Error("the prepared one is in use already")
	}
	webtest.Post(t, site, page+"/next", url.Values{"fingerprint": {"AA:BB"}}, manager).Is(409)
	print := regexp.MustCompile(`name="fingerprint" value="([^"]+)"`).FindSubmatch(doc.Body)
	webtest.Post(t, site, page+"/next", url.Values{"fingerprint": {string(print[1])}}, reader).Is(403)
	webtest.Post(t, site, page+"/next", url.Values{"fingerprint": {string(print[1])}}, manager).GoesTo(page)
	if trusts(first) || !trusts(next) {
		t.Error("the change did not take")
	}
	if now, err := h.SchoolCertificate(); err != nil || string(now) != string(next) {
		t.Error("devices are given another one than is in use", err)
	}
	webtest.Get(t, site, page, manager).Is(200).Safe().Has("In use", "bank.example").HasNot("There is no way back")
	webtest.Post(t, site, page, url.Values{"never": {""}}, manager).GoesTo(page)
	webtest.Post(t, site, page+"/next/discard", nil, manager).GoesTo(page)
	webtest.Post(t, site, page+"/next/discard", nil, manager).Is(409)
	if !trusts(next) {
		t.Error("the one in use went with the prepared one")
	}
	if _, err := h.Devices.File(context.Background(), "belisha-school.crt"); err != nil {
		t.Error(err)
	}
}
