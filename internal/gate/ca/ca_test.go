package ca

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

// xorSeal stands for the school's vault: it only has to be undone again.
type xorSeal byte

func (x xorSeal) Seal(p []byte) ([]byte, error) {
	out := append([]byte("sealed"), p...)
	for i := range out {
		out[i] ^= byte(x)
	}
	return out, nil
}

func (x xorSeal) Open(p []byte) ([]byte, error) {
	out := append([]byte(nil), p...)
	for i := range out {
		out[i] ^= byte(x)
	}
	plain, ok := bytes.CutPrefix(out, []byte("sealed"))
	if !ok {
		return nil, errors.New("wrong key")
	}
	return plain, nil
}

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func make1(t *testing.T, c clock.Clock) (*CA, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	a, err := Create(dir, "Hill School", xorSeal(7), c)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func TestABrowserWithTheCertificateTrustsALeafForTheBlockedHostOnly(t *testing.T) {
	fake := clock.NewFake(now)
	a, _ := make1(t, fake)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the PEM holds no certificate")
	}
	for _, host := range []string{"bad.test", "203.0.113.5"} {
		leaf, err := a.Leaf(host)
		if err != nil {
			t.Fatal(err)
		}
		at := func() time.Time { return now }
		dial := func(name string) error {
			client, server := net.Pipe()
			defer client.Close()
			defer server.Close()
			go tls.Server(server, &tls.Config{Certificates: []tls.Certificate{*leaf}, Time: at}).Handshake()
			return tls.Client(client, &tls.Config{RootCAs: roots, ServerName: name, Time: at}).Handshake()
		}
		if err := dial(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if err := dial("ok.test"); err == nil {
			t.Errorf("the leaf for %s was good for ok.test", host)
		}
		if life := leaf.Leaf.NotAfter.Sub(leaf.Leaf.NotBefore); life > 30*24*time.Hour {
			t.Errorf("a leaf lives %v", life)
		}
	}
}

func TestTheKeyIsSealedAndOnlyTheOwnerReadsIt(t *testing.T) {
	a, dir := make1(t, clock.NewFake(now))
	raw, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(raw); err == nil {
		t.Error("the key lies open in the file")
	}
	fi, _ := os.Stat(filepath.Join(dir, keyFile))
	if fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if _, err := Open(dir, xorSeal(8), clock.NewFake(now)); err == nil {
		t.Error("another sealing key opened it")
	}
	again, err := Open(dir, xorSeal(7), clock.NewFake(now))
	if err != nil || again.Fingerprint() != a.Fingerprint() {
		t.Errorf("opening again: %v", err)
	}
	if _, err := Create(dir, "Hill School", xorSeal(7), clock.NewFake(now)); err == nil {
		t.Error("an authority that devices trust was overwritten")
	}
	if bytes.Contains(a.PEM(), []byte("PRIVATE")) || strings.Count(a.Fingerprint(), ":") != 31 {
		t.Error("PEM or fingerprint is wrong")
	}
}

func TestNoAuthorityIsAPlainNotExist(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, xorSeal(7), clock.NewFake(now)); !errors.Is(err, fs.ErrNotExist) || Exists(dir) {
		t.Errorf("got %v", err)
	}
}

func TestLeavesAreKeptRenewedAndBounded(t *testing.T) {
	fake := clock.NewFake(now)
	a, _ := make1(t, fake)
	first, _ := a.Leaf("bad.test")
	if second, _ := a.Leaf("bad.test"); second != first {
		t.Error("the leaf was made twice")
	}
	fake.Advance(8 * 24 * time.Hour)
	renewed, _ := a.Leaf("bad.test")
	if renewed == first || renewed.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 {
		t.Error("the leaf was not renewed")
	}
	for i := range maxLeafs + 10 {
		if _, err := a.Leaf(fmt.Sprintf("h%d.test", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.cache) > maxLeafs {
		t.Errorf("%d leaves are kept", len(a.cache))
	}
}
