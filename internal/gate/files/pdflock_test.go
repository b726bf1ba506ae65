package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belisha/internal/gate/files"
)

// plainPDF is a PDF with or without script, for qpdf to encrypt.
func plainPDF(action string) string {
	more := ""
	if action != "" {
		more, action = "4 0 obj\n"+action+"\nendobj\n", "/OpenAction 4 0 R"
	}
	return "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R" + action + ">>\nendobj\n" +
		"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n" +
		"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n" +
		more + "trailer\n<</Root 1 0 R/Size 4>>\n%%EOF\n"
}

func TestPDFsThatAreEncrypted(t *testing.T) {
	qpdf := tool(t, "qpdf", "qpdf")
	dir := t.TempDir()
	for name, action := range map[string]string{"plain": "", "script": "<</S/JavaScript/JS(app.alert(1))>>"} {
		if err := os.WriteFile(filepath.Join(dir, name+".pdf"), []byte(plainPDF(action)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, file, user, args, want string
	}{
		{"what its maker forbids, 40 bit", "plain", "", "40 --", ""},
		{"what its maker forbids, RC4", "plain", "", "128 --use-aes=n --", ""},
		{"what its maker forbids, AES", "plain", "", "128 --use-aes=y --", ""},
		{"what its maker forbids, AES 256", "plain", "", "256 --", ""},
		{"AES 256 as it was at first", "plain", "", "256 --force-R5 --", ""},
		{"metadata in clear", "plain", "", "128 --force-V4 --cleartext-metadata --", ""},
		{"packed script, 40 bit", "script", "", "40 --", "active"},
		{"packed script, RC4", "script", "", "128 --use-aes=n --", "active"},
		{"packed script, AES", "script", "", "128 --use-aes=y --", "active"},
		{"packed script, AES 256", "script", "", "256 --", "active"},
		{"a password, RC4", "plain", "frog", "128 --use-aes=n --", "locked"},
		{"a password, AES", "plain", "frog", "128 --use-aes=y --", "locked"},
		{"a password, AES 256", "script", "frog", "256 --", "locked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(dir, "out.pdf")
			args := append([]string{"--allow-weak-crypto", "--warning-exit-0", "--object-streams=generate", "--encrypt", c.user, "owner"}, strings.Fields(c.args)...)
			run(t, dir, qpdf, append(args, c.file+".pdf", out)...)
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "JavaScript") {
				t.Fatal("qpdf left the script in clear: this proves nothing")
			}
			r := look(t, b, files.Meta{Path: "/exam.pdf", Type: "application/pdf"})
			if got := words(r.Kinds); got != c.want {
				t.Errorf("found %q (%v), want %q", got, r.Found, c.want)
			}
		})
	}
}
