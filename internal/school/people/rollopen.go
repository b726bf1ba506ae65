package people

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"belisha/internal/kit/csvio"
)

// Bounds of what an export may unpack to.
const (
	maxZip        = 64 << 20
	maxZipFiles   = 500
	maxUnpacked   = 256 << 20
	maxRosterFile = 64 << 20
)

// rosterFiles are the files of a OneRoster export that are read.
var rosterFiles = map[string]bool{
	"manifest.csv": true, "orgs.csv": true, "users.csv": true, "roles.csv": true, "classes.csv": true,
	"enrollments.csv": true, "academicSessions.csv": true,
}

// openRoll reads the file or folder that o names.
func openRoll(o Options, saved func(string) *rollProfile) (*roll, error) {
	given, err := readProfile(o.Map)
	if err != nil {
		return nil, err
	}
	if o.Data != nil {
		return readFile(o, o.Data, given, saved)
	}
	info, err := os.Stat(o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; look at its name and folder", filepath.Base(o.Path))
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(o.Path), err)
	case info.IsDir():
		return openFolder(o)
	}
	return openFile(o, given, saved)
}

func readProfile(file string) (*rollProfile, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the mapping file %s cannot be opened; look at its name and folder", filepath.Base(file))
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the mapping file: %w", err)
	}
	return ParseProfile(data)
}

func openFolder(o Options) (*roll, error) {
	if o.Format == FormatCSV {
		return nil, fmt.Errorf("the path %s is a folder; name the CSV file in it", filepath.Base(o.Path))
	}
	files := map[string]*csvio.File{}
	sum := sha256.New()
	for _, name := range sortedRoster() {
		f, err := os.Open(filepath.Join(o.Path, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", name, err)
		}
		err = readRosterFile(files, name, io.TeeReader(f, sum))
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s holds no OneRoster files (users.csv and its like)", filepath.Base(o.Path))
	}
	return oneRosterRoll(files, hex.EncodeToString(sum.Sum(nil)))
}

func sortedRoster() []string {
	out := make([]string, 0, len(rosterFiles))
	for n := range rosterFiles {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

func oneRosterRoll(files map[string]*csvio.File, digest string) (*roll, error) {
	r, err := readOneRoster(files)
	if err != nil {
		return nil, err
	}
	r.digest = digest
	return r, nil
}

// readRosterFile reads one file of an export. A header without rows is no
// fault here: a school without classes has an empty classes.csv.
func readRosterFile(into map[string]*csvio.File, name string, r io.Reader) error {
	f, err := csvio.Read(r, csvio.Usual)
	if err != nil && name != "users.csv" && csvio.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	into[name] = f
	return nil
}

func openFile(o Options, given *rollProfile, saved func(string) *rollProfile) (*roll, error) {
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(o.Path), err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxZip+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(o.Path), err)
	}
	return readFile(o, data, given, saved)
}

// readFile reads one file that is in memory, at most one byte longer than may
// be.
func readFile(o Options, data []byte, given *rollProfile, saved func(string) *rollProfile) (*roll, error) {
	if len(data) > maxZip {
		return nil, fmt.Errorf("the file %s is larger than %d MB; export the roll alone, without photographs or history", o.name(), maxZip>>20)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return openZip(o, data, digest)
	}
	if o.Format == FormatOneRoster {
		return nil, fmt.Errorf("the file %s is a single one; a OneRoster export is a zip file or a folder with users.csv in it", o.name())
	}
	r, err := readCSVRoll(bytes.NewReader(data), o.name(), given, saved)
	if err != nil {
		return nil, fmt.Errorf("the file %s was not read: %w", o.name(), err)
	}
	r.digest = digest
	return r, nil
}

func openZip(o Options, data []byte, digest string) (*roll, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the file %s is a zip file that cannot be opened; download it again", o.name())
	}
	if len(z.File) > maxZipFiles {
		return nil, fmt.Errorf("the file %s holds more than %d files; a OneRoster export has about ten", o.name(), maxZipFiles)
	}
	files := map[string]*csvio.File{}
	left := int64(maxUnpacked)
	for _, e := range z.File {
		if strings.HasPrefix(e.Name, "xl/") {
			return nil, fmt.Errorf("the file %s is a spreadsheet (XLSX), not CSV; open it and save it as “CSV UTF-8”", o.name())
		}
		name, wanted := rosterName(e.Name)
		if !wanted {
			continue
		}
		if files[name] != nil {
			return nil, fmt.Errorf("the file %s holds two files called %s; keep one", o.name(), name)
		}
		if err := unpack(files, name, e, &left); err != nil {
			return nil, fmt.Errorf("the file %s was not read: %w", o.name(), err)
		}
	}
	if len(files) == 0 || o.Format == FormatCSV {
		return nil, fmt.Errorf("the file %s is a zip file without the files of a OneRoster export; unpack it and name the CSV file in it", o.name())
	}
	return oneRosterRoll(files, digest)
}

// rosterName is an entry's name without its folders, and whether it is read.
func rosterName(entry string) (string, bool) {
	name := path.Base(strings.ReplaceAll(entry, `\`, "/"))
	return name, rosterFiles[name] && !strings.Contains(entry, "__MACOSX")
}

// unpack reads one entry. What counts is what comes out, not what the entry
// says it holds.
func unpack(files map[string]*csvio.File, name string, e *zip.File, left *int64) error {
	r, err := e.Open()
	if err != nil {
		return fmt.Errorf("%s cannot be unpacked; download the export again", name)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, min(maxRosterFile, *left)+1))
	if err != nil {
		return fmt.Errorf("%s cannot be unpacked; download the export again", name)
	}
	*left -= int64(len(data))
	if len(data) > maxRosterFile || *left < 0 {
		return fmt.Errorf("%s unpacks to more than a roll can be; it was not read", name)
	}
	return readRosterFile(files, name, bytes.NewReader(data))
}
