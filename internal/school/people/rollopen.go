package people

import (
	"archive/zip"
	"bufio"
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

// rosterFiles are the files of OneRoster and School Data Sync exports that are
// read. Of the demographics, only the day of birth is.
var rosterFiles = map[string]bool{
	"manifest.csv": true, "orgs.csv": true, "users.csv": true, "roles.csv": true, "classes.csv": true,
	"enrollments.csv": true, "academicSessions.csv": true, "demographics.csv": true, "relationships.csv": true,
	"school.csv": true, "student.csv": true, "teacher.csv": true, "section.csv": true, "studentenrollment.csv": true, "teacherroster.csv": true,
}

// openRoll reads the file or folder that o names.
func openRoll(o Options, known past) (*roll, error) {
	given, err := readProfile(o.Map)
	if err != nil {
		return nil, err
	}
	if o.Data != nil {
		return readFile(o, o.Data, given, known)
	}
	info, err := os.Stat(o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; look at its name and folder", filepath.Base(o.Path))
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(o.Path), err)
	case info.IsDir():
		return openFolder(o, known)
	}
	return openFile(o, given, known)
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

func openFolder(o Options, known past) (*roll, error) {
	if o.Format == FormatCSV || o.Format == FormatCTF {
		return nil, fmt.Errorf("the path %s is a folder; name the file in it", filepath.Base(o.Path))
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
		return nil, fmt.Errorf("the folder %s holds no files of OneRoster or School Data Sync (users.csv and its like)", filepath.Base(o.Path))
	}
	return rosterRoll(o, files, hex.EncodeToString(sum.Sum(nil)), known)
}

func sortedRoster() []string {
	out := make([]string, 0, len(rosterFiles))
	for n := range rosterFiles {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

func rosterRoll(o Options, files map[string]*csvio.File, digest string, known past) (*roll, error) {
	r, err := readOneRoster(files, known)
	if err != nil {
		return nil, err
	}
	if want := string(o.Format); want != r.format && (want == SourceSDS || want == SourceOneRoster) {
		return nil, fmt.Errorf("the file %s is an export of %s and not of %s; leave the format out, or say the right one", o.name(), formatWords(r.format), formatWords(want))
	}
	r.digest = digest
	return r, nil
}

// readRosterFile reads one file of an export. A header without rows is no
// fault here: a school without classes has an empty classes.csv.
func readRosterFile(into map[string]*csvio.File, name string, r io.Reader) error {
	f, err := csvio.Read(r, csvio.Usual)
	if err != nil && csvio.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	into[name] = f
	return nil
}

func openFile(o Options, given *rollProfile, known past) (*roll, error) {
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", filepath.Base(o.Path), err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	if head, _ := in.Peek(512); looksXML(head) && o.Format != FormatCSV {
		return openCTF(o, in) // as a stream: it may be large
	}
	data, err := io.ReadAll(io.LimitReader(in, maxZip+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(o.Path), err)
	}
	return readFile(o, data, given, known)
}

// readFile reads one file that is in memory, at most one byte longer than may
// be.
func readFile(o Options, data []byte, given *rollProfile, known past) (*roll, error) {
	if len(data) > maxZip {
		return nil, fmt.Errorf("the file %s is larger than %d MB; export the roll alone, without photographs or history", o.name(), maxZip>>20)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return openZip(o, data, digest, known)
	case looksXML(data[:min(len(data), 512)]) && o.Format != FormatCSV:
		return openCTF(o, bytes.NewReader(data))
	case o.Format == FormatCTF:
		return nil, fmt.Errorf("the file %s was not read: %w", o.name(), errNotXML)
	case o.Format == FormatOneRoster || o.Format == FormatSDS:
		return nil, fmt.Errorf("the file %s is a single one; an export of %s is a zip file or a folder with several files in it", o.name(), formatWords(string(o.Format)))
	}
	r, err := readCSVRoll(bytes.NewReader(data), o.name(), given, known.profile)
	if err != nil {
		return nil, fmt.Errorf("the file %s was not read: %w", o.name(), err)
	}
	r.digest = digest
	return r, nil
}

// openCTF reads a Common Transfer File.
func openCTF(o Options, in io.Reader) (*roll, error) {
	if o.Format == FormatOneRoster || o.Format == FormatSDS {
		return nil, fmt.Errorf("the file %s is XML; an export of %s is a zip file or a folder with several CSV files in it", o.name(), formatWords(string(o.Format)))
	}
	r, err := readCTF(in, o.name(), o.Now)
	if err != nil {
		return nil, fmt.Errorf("the file %s was not read: %w", o.name(), err)
	}
	return r, nil
}

func openZip(o Options, data []byte, digest string, known past) (*roll, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the file %s is a zip file that cannot be opened; download it again", o.name())
	}
	if len(z.File) > maxZipFiles {
		return nil, fmt.Errorf("the file %s holds more than %d files; a OneRoster export has about ten", o.name(), maxZipFiles)
	}
	files := map[string]*csvio.File{}
	left := int64(maxUnpacked)
	if e := onlyXML(z); e != nil {
		return unpackCTF(o, e)
	}
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
	if len(files) == 0 || o.Format == FormatCSV || o.Format == FormatCTF {
		return nil, fmt.Errorf("the file %s is a zip file without the files of an export of OneRoster or School Data Sync; unpack it and name the file in it", o.name())
	}
	return rosterRoll(o, files, digest, known)
}

// onlyXML is the file of an archive that holds a single one, which is XML by
// its name: a Common Transfer File is often sent so.
func onlyXML(z *zip.Reader) *zip.File {
	if len(z.File) == 1 && strings.EqualFold(path.Ext(z.File[0].Name), ".xml") && !strings.HasPrefix(z.File[0].Name, "xl/") {
		return z.File[0]
	}
	return nil
}

func unpackCTF(o Options, e *zip.File) (*roll, error) {
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be unpacked; download the export again", o.name())
	}
	defer func() { _ = r.Close() }()
	return openCTF(o, r)
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
