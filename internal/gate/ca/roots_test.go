package ca

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"belisha/internal/kit/clock"
)

func TestIssuersOfTheSchoolsOwnAreBelievedBesidesTheSystems(t *testing.T) {
	a, dir := make1(t, clock.NewFake(now))
	if pool, err := Roots(dir); pool != nil || err != nil {
		t.Fatalf("without a file: %v %v", pool, err)
	}
	file := filepath.Join(dir, rootsFile)
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Roots(dir); err == nil {
		t.Error("a file without a certificate was taken")
	}
	if err := os.WriteFile(file, a.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := Roots(dir)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Leaf("ok.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "ok.test", Roots: pool, CurrentTime: now.Add(time.Minute)}); err != nil {
		t.Error(err)
	}
}
