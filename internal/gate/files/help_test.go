package files_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"testing"
)

// pdfPacked is a PDF whose one action is in a packed stream of objects.
func pdfPacked(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte("5 0 <</S/JavaScript/JS(app.alert(1))>>")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%%PDF-1.7\n4 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\r\n%s\nendstream endobj\n", b.Len(), b.Bytes())
}
