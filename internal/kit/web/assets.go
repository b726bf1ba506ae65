package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// apiPrefix is where the API lives, assetPrefix where our own style, font and
// pictures do.
const (
	apiPrefix   = "/api/v1"
	assetPrefix = "/assets/"
)

//go:embed assets/*.css assets/*.js assets/*.svg assets/vendor/atkinson/*.woff2
var assetFiles embed.FS

//go:embed assets/vendor/atkinson/LICENSE assets/vendor/lucide/LICENSE
var licenceFiles embed.FS

// Licences returns the licences of the font and the icons, which go wherever
// the program goes.
func Licences() (string, error) {
	var b strings.Builder
	for _, of := range []struct{ what, file string }{
		{"Atkinson Hyperlegible (font)", "atkinson"}, {"Lucide (icons)", "lucide"},
	} {
		text, err := licenceFiles.ReadFile("assets/vendor/" + of.file + "/LICENSE")
		if err != nil {
			return "", fmt.Errorf("reading the licence of %s: %w", of.what, err)
		}
		fmt.Fprintf(&b, "%s\n\n%s\n", of.what, text)
	}
	return b.String(), nil
}

// asset is one file as it is sent.
type asset struct {
	name   string // with its hash: "belisha.1a2b3c4d5e6f.css"
	plain  []byte
	zipped []byte // nil where zipping does not help
	mime   string
}

// shelf holds all assets, by name and by address. It is made once.
type shelf struct {
	byName map[string]*asset
	byPath map[string]*asset
}

var assets = sync.OnceValues(loadAssets)

// loadAssets names each file by its hash, so that a browser may keep it for
// ever, and zips it once.
func loadAssets() (*shelf, error) {
	s := &shelf{byName: map[string]*asset{}, byPath: map[string]*asset{}}
	var styles []string
	err := fs.WalkDir(assetFiles, "assets", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path.Ext(p) == ".css" { // last, since it names the others
			styles = append(styles, p)
			return nil
		}
		return s.add(p, nil)
	})
	if err != nil {
		return nil, fmt.Errorf("loading the pages' assets: %w", err)
	}
	for _, p := range styles {
		if err := s.add(p, s.link); err != nil {
			return nil, fmt.Errorf("loading the pages' assets: %w", err)
		}
	}
	return s, nil
}

func (s *shelf) add(p string, change func([]byte) ([]byte, error)) error {
	data, err := assetFiles.ReadFile(p)
	if err != nil {
		return err
	}
	if change != nil {
		if data, err = change(data); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	name, ext := path.Base(p), path.Ext(p)
	sum := sha256.Sum256(data)
	a := &asset{plain: data, mime: mime.TypeByExtension(ext)}
	a.name = strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	if ext == ".woff2" { // it is packed already
		a.mime = "font/woff2"
	} else if a.zipped, err = zipped(data); err != nil {
		return err
	}
	s.byName[name], s.byPath[assetPrefix+a.name] = a, a
	return nil
}

// inStyle finds url("latin-400.woff2") in a style sheet.
var inStyle = regexp.MustCompile(`url\("([^"]+)"\)`)

// link turns the names in a style sheet into addresses.
func (s *shelf) link(css []byte) ([]byte, error) {
	var missing error
	out := inStyle.ReplaceAllFunc(css, func(m []byte) []byte {
		name := string(inStyle.FindSubmatch(m)[1])
		a, ok := s.byName[name]
		if !ok {
			missing = fmt.Errorf("it names %s, which is not there", name)
			return m
		}
		return []byte(`url("` + assetPrefix + a.name + `")`)
	})
	return out, missing
}

func zipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// AssetPath returns the address of one of our files, with its hash; "" if
// there is none of that name.
func AssetPath(name string) string {
	s, err := assets()
	if err != nil {
		return ""
	}
	if a, ok := s.byName[name]; ok {
		return assetPrefix + a.name
	}
	return ""
}

// serveAsset answers under /assets/. An address has the file's hash in it, so
// it may be kept for ever; any other is not found.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	s, err := assets()
	if err != nil {
		http.Error(w, "The pages' own files could not be read.", http.StatusInternalServerError)
		return
	}
	a, ok := s.byPath[r.URL.Path]
	if !ok {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := a.plain
	if a.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
