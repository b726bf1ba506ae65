package vouch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"belisha/internal/kit/clock"
)

func TestASiteIsBelievedOnlyWithAWholeChain(t *testing.T) {
	w := newWorld(t)
	mid := w.between(w.root, "Between", nil)
	strange := w.between(nil, "Stranger", nil)
	der := w.say("/mid.cer", mid.cert.Raw)
	inText := w.say("/mid.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mid.cert.Raw}))
	deep := w.between(mid, "Deep", func(c *x509.Certificate) { c.IssuingCertificateURL = []string{der} })
	deepAt := w.say("/deep.cer", deep.cert.Raw)
	aia := func(urls ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.IssuingCertificateURL = urls }
	}
	plainly := func(*x509.Certificate) {}
	narrow := w.between(w.root, "Only for others", func(c *x509.Certificate) {
		c.PermittedDNSDomains = []string{"other.test"}
		c.PermittedDNSDomainsCritical = true
	})
	over := w.between(w.root, "Over", func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Hour) })
	noIssuer := w.site(w.root, plainly)
	weakMid := w.issueFor(weakKey(t), w.root, func(c *x509.Certificate) { c.IsCA, c.Subject.CommonName = true, "Weak" })
	cases := map[string]struct {
		shown *tls.ConnectionState
		fails bool
		is    error
	}{
		"a whole chain": {shown: shown(nil, w.site(mid, plainly), mid)},
		"a whole chain, with the root and strangers":         {shown: shown(nil, w.site(mid, plainly), strange, w.root, mid)},
		"the issuer is missing, and nobody says where it is": {shown: shown(nil, w.site(mid, plainly)), fails: true},
		"the issuer is missing, and is found":                {shown: shown(nil, w.site(mid, aia(der)))},
		"the issuer is missing, and is found as text":        {shown: shown(nil, w.site(mid, aia("ldap:///cn=x", inText)))},
		"two issuers are missing":                            {shown: shown(nil, w.site(deep, aia(deepAt)))},
		"one was sent, the next is missing":                  {shown: shown(nil, w.site(deep, plainly), deep)},
		"what is found there is somebody else":               {shown: shown(nil, w.site(mid, aia(w.say("/other", strange.cert.Raw)))), fails: true},
		"what is found there is no certificate":              {shown: shown(nil, w.site(mid, aia(w.say("/none", []byte("<html>"))))), fails: true},
		"what is found there is too large":                   {shown: shown(nil, w.site(mid, aia(w.say("/large", bytes.Repeat([]byte{48}, maxIssuer+1))))), fails: true},
		"what is found there is nothing":                     {shown: shown(nil, w.site(mid, aia(w.web.URL+"/404"))), fails: true},
		"a stranger who says where it is":                    {shown: shown(nil, w.site(strange, aia(w.say("/strange", strange.cert.Raw)))), fails: true},
		"a site as issuer":                                   {shown: shown(nil, w.issueFor(noIssuer.key, &signer{noIssuer.cert, noIssuer.key}, asSite), noIssuer), fails: true},
		"an issuer that may not speak for the name":          {shown: shown(nil, w.site(narrow, plainly), narrow), fails: true},
		"an issuer whose time is over":                       {shown: shown(nil, w.site(over, plainly), over), fails: true},
		"a certificate that is not for sites":                {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), fails: true},
		"a name in capitals":                                 {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) { c.DNSNames = []string{"SITE.test"} }))},
		"a star for the name":                                {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) { c.DNSNames = []string{"*.test"} }))},
		"a star too far up":                                  {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) { c.DNSNames = []string{"*"} })), fails: true},
		"an address in place of the name":                    {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{{127, 0, 0, 1}} })), fails: true},
		"an extension that must be understood and nobody does": {shown: shown(nil, w.site(w.root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		})), fails: true},
		"a key that is too short":           {shown: shown(nil, w.issueFor(weakKey(t), w.root, asSite)), fails: true, is: ErrWeakKey},
		"an issuer's key that is too short": {shown: shown(nil, w.site(weakMid, plainly), weakMid), fails: true, is: ErrWeakKey},
		"nothing at all":                    {shown: &tls.ConnectionState{}, fails: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time it is remembered, or not
				err := w.verify(c.shown)
				if (err != nil) != c.fails || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestWhatWasTakenBackIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	must := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: featureID, Value: []byte{48, 3, 2, 1, 5}}}
	}
	at := func(list string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"ldap:///cn=x", w.web.URL + list} }
	}
	stranger := w.between(nil, "Root", nil)
	listed, open, alone := w.site(w.root, at("/list")), w.site(w.root, at("/list")), w.site(w.root, at("/nothing"))
	forged, older := w.site(w.root, at("/forged")), w.site(w.root, at("/older"))
	w.say("/list", w.list(w.root, listed.cert.SerialNumber, big.NewInt(999)))
	w.say("/forged", w.list(stranger, forged.cert.SerialNumber))
	w.say("/older", []byte("no list"))
	badMid := w.between(w.root, "Taken back", at("/mids"))
	w.say("/mids", w.list(w.root, badMid.cert.SerialNumber))
	single := func(path string) *signer {
		return w.site(w.root, func(c *x509.Certificate) { c.OCSPServer = []string{w.web.URL + path} })
	}
	gone, fine, unknown := single("/gone"), single("/fine"), single("/unknown")
	soon, past := noon.Add(time.Hour), noon.Add(-time.Hour)
	w.say("/gone", w.staple(w.root, gone, ocsp.Revoked, past, soon))
	w.say("/fine", w.staple(w.root, fine, ocsp.Good, past, soon))
	w.say("/unknown", w.staple(w.root, unknown, ocsp.Unknown, past, soon))
	demands, usual := w.site(w.root, must), w.site(w.root, func(*x509.Certificate) {})
	cases := map[string]struct {
		shown *tls.ConnectionState
		want  error
	}{
		"its issuer's list has it":                      {shown(nil, listed), ErrRevoked},
		"its issuer's list has others":                  {shown(nil, open), nil},
		"its issuer's list is not to be had":            {shown(nil, alone), nil},
		"a list of somebody else with the same name":    {shown(nil, forged), nil},
		"a list that is none":                           {shown(nil, older), nil},
		"the issuer itself was taken back":              {shown(nil, w.site(badMid, func(*x509.Certificate) {}), badMid), ErrRevoked},
		"its issuer says that it was":                   {shown(nil, gone), ErrRevoked},
		"its issuer says that it was not":               {shown(nil, fine), nil},
		"its issuer does not know it":                   {shown(nil, unknown), nil},
		"the site itself says so":                       {shown(w.staple(w.root, usual, ocsp.Revoked, past, soon), usual), ErrRevoked},
		"the site brings something of somebody else":    {shown(w.staple(stranger, usual, ocsp.Revoked, past, soon), usual), nil},
		"the site brings nonsense":                      {shown([]byte{1, 2, 3}, usual), nil},
		"a proof is asked for, and there is none":       {shown(nil, demands), ErrNoProof},
		"a proof is asked for, and is there":            {shown(w.staple(w.root, demands, ocsp.Good, past, soon), demands), nil},
		"a proof is asked for, and is of yesterday":     {shown(w.staple(w.root, demands, ocsp.Good, past.AddDate(0, 0, -2), past), demands), ErrNoProof},
		"a proof is asked for, and is of tomorrow":      {shown(w.staple(w.root, demands, ocsp.Good, soon, soon.Add(time.Hour)), demands), ErrNoProof},
		"a proof is asked for, and is of somebody else": {shown(w.staple(stranger, demands, ocsp.Good, past, soon), demands), ErrNoProof},
		"a proof is asked for, and says nothing":        {shown(w.staple(w.root, demands, ocsp.Unknown, past, soon), demands), ErrNoProof},
		"a proof is asked for, and says revoked":        {shown(w.staple(w.root, demands, ocsp.Revoked, past, soon), demands), ErrRevoked},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if err := w.verify(c.shown); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			}
		})
	}
}

func TestAProofIsRememberedForATimeAndForTheVeryBytes(t *testing.T) {
	w := newWorld(t)
	site := w.site(w.root, func(c *x509.Certificate) {
		c.CRLDistributionPoints, c.NotAfter = []string{w.web.URL + "/list"}, noon.Add(5*time.Minute)
	})
	w.say("/list", w.list(w.root))
	for range 3 {
		if err := w.verify(shown(nil, site)); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.asked.Load(); n != 1 {
		t.Errorf("the list was asked for %d times", n)
	}
	if err := w.verify(shown(w.staple(w.root, site, ocsp.Revoked, noon.Add(-time.Hour), noon.Add(time.Hour)), site)); !errors.Is(err, ErrRevoked) {
		t.Errorf("what the site brings now: %v", err)
	}
	if err := w.check.Check(context.Background(), "other.test", shown(nil, site)); err == nil {
		t.Error("the proof was taken for another name's")
	}
	w.clock.Advance(6 * time.Minute)
	if err := w.verify(shown(nil, site)); err == nil {
		t.Error("it is believed after its end")
	}
	w.clock.Set(noon.AddDate(-2, 0, 0))
	if err := w.verify(shown(nil, site)); err == nil {
		t.Error("it is believed before its beginning")
	}
}

func TestAListThatIsTakenUpLaterCountsFromThenOn(t *testing.T) {
	w := newWorld(t)
	site := w.site(w.root, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{w.web.URL + "/list"} })
	w.say("/list", w.list(w.root))
	if err := w.verify(shown(nil, site)); err != nil {
		t.Fatal(err)
	}
	w.say("/list", w.list(w.root, site.cert.SerialNumber))
	w.clock.Advance(listFor + time.Minute)
	stop := clock.System{}.Now().Add(10 * time.Second)
	for w.verify(shown(nil, site)) == nil {
		if now := (clock.System{}).Now(); now.After(stop) {
			t.Fatal("the newer list never counted")
		}
		w.clock.Advance(provedFor + time.Second)
		<-time.After(5 * time.Millisecond)
	}
}

func TestWhoDoesNotAnswerHoldsUpNobodyForLong(t *testing.T) {
	w := newWorld(t)
	w.begin(silent{})
	site := w.site(w.root, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://silent.test/list"} })
	done := make(chan error, 1)
	go func() { done <- w.verify(shown(nil, site)) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits and waits")
	}
	w.check.Close() // ends what is still being asked
}

func TestOnlyPlainHTTPIsAsked(t *testing.T) {
	for at, want := range map[string]bool{"http://a.test/x": true, "HTTP://a.test/x": true, "https://a.test/": false, "ldap:///cn": false, "file:///etc/passwd": false, "": false, "http://": false} {
		if plain(at) != want {
			t.Errorf("%q: %v", at, !want)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	w := newWorld(t)
	v := w.check
	for i := range 3 * maxProofs {
		v.keep(key{byte(i), byte(i >> 8), byte(i >> 16)}, proof{noon, noon.Add(time.Minute)})
	}
	if n := len(v.young) + len(v.old); n > 2*maxProofs {
		t.Errorf("%d proofs", n)
	}
	k := newKept[bool](v.ask, 10)
	for i := range 50 {
		k.get(context.Background(), string(rune('a'+i)), func(context.Context) (bool, time.Time, error) { return true, noon.Add(time.Hour), nil })
	}
	if len(k.have) > 10 {
		t.Errorf("%d answers", len(k.have))
	}
}

func FuzzWhatIsSentInAnswer(f *testing.F) {
	for _, b := range []string{"", "0", "<html>", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWorld(t)
		issuerAt, listAt, saidAt := w.say("/issuer", body), w.say("/list", body), w.say("/said", body)
		mid := w.between(w.root, "Between", nil)
		if err := w.verify(shown(nil, w.site(mid, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{issuerAt} }))); err == nil {
			t.Error("somebody was believed")
		}
		for _, change := range []func(*x509.Certificate){
			func(c *x509.Certificate) { c.CRLDistributionPoints = []string{listAt} },
			func(c *x509.Certificate) { c.OCSPServer = []string{saidAt} },
		} {
			if err := w.verify(shown(body, w.site(w.root, change))); err != nil {
				t.Errorf("nonsense took somebody off the web: %v", err)
			}
		}
	})
}

var _ http.RoundTripper = silent{}
