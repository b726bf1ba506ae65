package ca

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

// verifies reports whether a device with a certificate takes a leaf.
func verifies(t *testing.T, device *CA, from *CA, host string) bool {
	t.Helper()
	leaf, err := from.Leaf(host)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(device.PEM())
	_, err = leaf.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now})
	return err == nil
}

func TestTheNextCertificateIsMadeAheadAndTakesThePlaceOfTheOld(t *testing.T) {
	c := clock.NewFake(now)
	old, dir := make1(t, c)
	if _, err := Next(dir, xorSeal(7), c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is prepared: %v", err)
	}
	if _, err := Promote(dir, xorSeal(7), c); err == nil {
		t.Error("nothing was put in the place of the old one")
	}
	if err := Prepare(dir, "Hill School", Limits{}, xorSeal(7), c); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(dir, "Hill School", Limits{}, xorSeal(7), c); err == nil {
		t.Error("one that devices may trust was overwritten")
	}
	next, err := Next(dir, xorSeal(7), c)
	if err != nil {
		t.Fatal(err)
	}
	inUse, err := Open(dir, xorSeal(7), c)
	if err != nil || inUse.Fingerprint() != old.Fingerprint() || next.Fingerprint() == old.Fingerprint() {
		t.Fatalf("in use: %v", err)
	}
	if !verifies(t, old, inUse, "ok.test") || verifies(t, next, inUse, "ok.test") {
		t.Error("leaves are not signed by the one in use")
	}
	now2, err := Promote(dir, xorSeal(7), c)
	if err != nil {
		t.Fatal(err)
	}
	if now2.Fingerprint() != next.Fingerprint() || !verifies(t, next, now2, "ok.test") || verifies(t, old, now2, "ok.test") {
		t.Error("leaves are not signed by the newer one")
	}
	if past, err := os.ReadFile(filepath.Join(dir, pastCert)); err != nil || string(past) != string(old.PEM()) {
		t.Errorf("the old certificate is not kept: %v", err)
	}
}

func TestAChangeThatWasCutOffHalfWayIsFinished(t *testing.T) {
	c := clock.NewFake(now)
	_, dir := make1(t, c)
	if err := Prepare(dir, "Hill School", Limits{}, xorSeal(7), c); err != nil {
		t.Fatal(err)
	}
	next, err := Next(dir, xorSeal(7), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, nextCert), filepath.Join(dir, certFile)); err != nil {
		t.Fatal(err)
	}
	got, err := Open(dir, xorSeal(7), c)
	if err != nil || got.Fingerprint() != next.Fingerprint() {
		t.Fatalf("got %v", err)
	}
}

func TestAPreparationThatWasCutOffHalfWayTouchesNothing(t *testing.T) {
	c := clock.NewFake(now)
	old, dir := make1(t, c)
	if err := Prepare(dir, "Hill School", Limits{}, xorSeal(7), c); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, nextCert)); err != nil {
		t.Fatal(err)
	}
	got, err := Open(dir, xorSeal(7), c)
	if err != nil || got.Fingerprint() != old.Fingerprint() {
		t.Fatalf("got %v", err)
	}
	if err := Prepare(dir, "Hill School", Limits{}, xorSeal(7), c); err != nil {
		t.Errorf("it cannot be prepared again: %v", err)
	}
}

func TestLimitsHoldOnDevicesWhoeverHasTheKey(t *testing.T) {
	c := clock.NewFake(now)
	a, err := CreateLimited(filepath.Join(t.TempDir(), "ca"), "Hill School", Limits{Excluded: []string{"Bank.test"}}, xorSeal(7), c)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"bank.test": true, "www.bank.test": true, "notbank.test": false, "ok.test": false, "203.0.113.5": false} {
		if got := a.Excludes(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	if _, err := a.Leaf("www.bank.test"); !errors.Is(err, ErrExcluded) {
		t.Errorf("it signed: %v", err)
	}
	// What is signed all the same, with a stolen key, is refused by devices.
	forged, err := a.mint("www.bank.test", now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	if _, err := forged.Leaf.Verify(x509.VerifyOptions{DNSName: "www.bank.test", Roots: roots, CurrentTime: now}); err == nil {
		t.Error("a device took it")
	}
	if !verifies(t, a, a, "ok.test") {
		t.Error("other names do not work")
	}
	if _, err := CreateLimited(filepath.Join(t.TempDir(), "ca"), "Hill School", Limits{Permitted: []string{"a b"}}, xorSeal(7), c); err == nil {
		t.Error("a limit that is no name was taken")
	}
}

func TestALeafDoesNotOutliveTheAuthority(t *testing.T) {
	c := clock.NewFake(now)
	a, _ := make1(t, c)
	c.Set(a.Ends().Add(-24 * time.Hour))
	leaf, err := a.Leaf("ok.test")
	if err != nil || leaf.Leaf.NotAfter.After(a.Ends()) {
		t.Errorf("it ends %v, the authority %v: %v", leaf.Leaf.NotAfter, a.Ends(), err)
	}
}

func TestTheLeavesUsedLastAreKept(t *testing.T) {
	a, _ := make1(t, clock.NewFake(now))
	first, err := a.Leaf("first.test")
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxLeafs {
		a.keep(string(rune('a'+i%26))+string(rune('0'+i)), first)
		if again, err := a.Leaf("first.test"); err != nil || again != first {
			t.Fatalf("after %d others it was forgotten: %v", i, err)
		}
	}
	if len(a.cache) != maxLeafs || a.order.Len() != maxLeafs {
		t.Errorf("%d and %d are kept", len(a.cache), a.order.Len())
	}
}
