package backup

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFullDiskIsSaidInPlainWords(t *testing.T) {
	out, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	id, err := Identity(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(t.TempDir(), "records.db")
	if err := os.WriteFile(big, bytes.Repeat([]byte("0123456789abcdef"), 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := newArchive(out, io.Discard, id.Recipient(), Manifest{})
	if err == nil {
		err = a.add(context.Background(), File{Name: "records.db", Path: big})
	}
	if err == nil {
		err = a.close()
	}
	if err == nil || !strings.Contains(err.Error(), "is full") || !strings.Contains(err.Error(), "older backups are untouched") {
		t.Errorf("on a full disk: %v", err)
	}
}
