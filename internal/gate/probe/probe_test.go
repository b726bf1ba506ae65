package probe_test

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"belisha/internal/gate/files"
	"belisha/internal/gate/probe"
)

func TestEveryTestFileIsTakenForWhatItIsMadeToLookLike(t *testing.T) {
	for _, x := range probe.Tests() {
		t.Run(x.Kind.String()+" "+x.Form, func(t *testing.T) {
			res := probe.Answer(httptest.NewRequest(http.MethodGet, "http://"+probe.Files+x.Path, nil))
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != 200 || int64(len(body)) != res.ContentLength || len(body) == 0 {
				t.Fatalf("%d, %d bytes: %v", res.StatusCode, len(body), err)
			}
			m := files.Meta{Path: x.Path, Type: res.Header.Get("Content-Type"), Disposition: res.Header["Content-Disposition"]}
			rep := files.Open(context.Background(), bytes.NewReader(body), int64(len(body)), &m, files.Bounds{Bytes: 1 << 20, Dir: t.TempDir()})
			if !rep.Kinds.Has(x.Kind) {
				t.Errorf("%s is taken for %+v, not for %s", x.What, rep.Kinds, x.Kind)
			}
		})
	}
}

func TestThePictureIsOne(t *testing.T) {
	res := probe.Answer(httptest.NewRequest(http.MethodGet, "http://"+probe.Here+probe.PathPixel, nil))
	if _, err := png.Decode(res.Body); err != nil {
		t.Error(err)
	}
}

func TestOnlyNamesBelowTheZoneAreServed(t *testing.T) {
	for host, want := range map[string]bool{
		probe.Here: true, probe.Host("adult"): true, probe.Zone: false, "evil" + probe.Zone: false, "example.org": false, "": false, "." + probe.Zone: true,
	} {
		if probe.Serves(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
