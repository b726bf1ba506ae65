package lists

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"
)

func TestChangesOfASquidGuardTree(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"adult/domains": "a.example\nb.example\n", "adult/domains.diff": "+c.example\n-b.example\nd.example\n", "adult/urls.diff": "+e.example/x\n",
	})
	got, rep, err := readPath(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(got)
	want := []string{"adult name a.example", "adult name b.example", "adult name b.example dropped", "adult name c.example", "adult url e.example/x"}
	if diff := cmp.Diff(want, got); diff != "" || rep.Invalid != 1 {
		t.Errorf("invalid %d, entries (-want +got):\n%s", rep.Invalid, diff)
	}
}

const guardConf = `
# what the filter did before
dbhome /var/lib/squidguard/db
time lessons { weekly mtwhf 08:30-15:30
}
src classroom {
	ip 10.0.0.0/24 10.0.1.0-10.0.1.50
	user anna
}
dest porn {
	domainlist adult/domains
	urllist adult/urls
}
dest local-good { domainlist good/allow.txt }
dest gone { domainlist nowhere/domains }
acl {
	classroom within lessons {
		pass local-good !porn !in-addr none
	} else {
		pass !porn all
	}
	default {
		pass !porn !gone any
		redirect http://example.com/no
	}
}
`

func TestWhatASquidGuardConfDecidesIsToldInSentences(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"squidGuard.conf": guardConf, "db/adult/domains": "a.example\n", "db/adult/urls": "b.example/x\n", "db/good/allow.txt": "good.example\n",
	})
	got, rep, err := readPath(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(got)
	if diff := cmp.Diff([]string{"adult name a.example", "adult url b.example/x", "local-good name good.example"}, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	told := strings.Join(rep.Told, "\n")
	for _, want := range []string{
		"knows the group classroom by 10.0.0.0/24 10.0.1.0-10.0.1.50, anna",
		"For classroom, within Monday, Tuesday, Wednesday, Thursday, Friday 08:30-15:30, squidGuard.conf says: porn, addresses of numbers closed, local-good open even so, everything else is closed.",
		"For classroom, outside Monday", "For everybody else squidGuard.conf says: porn, gone closed, everything else is open. Close these categories",
		"squidGuard.conf reads nowhere/domains for gone, and that file is not here.",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told in:\n%s", want, told)
		}
	}
}

func TestItemListsOfE2guardian(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"lists/bannedsitelist":      "#listcategory: \"Gambling\"\na.example\nftp://b.example/\n.xxx\n.Include<__LISTDIR__/more/inner>\n.Include</etc/e2guardian/lists/timed/play>\n.Include<loop>\nshop.example # a note\n",
		"lists/loop":                "c.example\n.Include<bannedsitelist>\n",
		"lists/more/inner":          "d.example\n.Include<missing>\n",
		"lists/timed/play":          "#time: 9 0 15 30 01234\ne.example\n",
		"lists/bannedurllist":       "f.example/x/\n",
		"lists/bannedregexpurllist": "casino[0-9]+\n(x\n",
		"lists/bannedsiteiplist":    "203.0.113.0-203.0.113.5\n198.51.100.0/255.255.255.0\n192.0.2.9\n1.0.0.0-9.0.0.0\n",
		"lists/bannedextensionlist": ".exe # program\n.zip\n.mp3\n",
		"lists/bannedmimetypelist":  "application/x-msi\n",
		"lists/exceptionsitelist":   "ok.example\nfine.example\n",
		"lists/bannedsearchlist":    "bad+words\n",
		"lists/notes.txt":           "nothing\n",
	})
	got, rep, err := readPath(t, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(got)
	want := []string{
		"e2guardian address 192.0.2.9", "e2guardian address 198.51.100.0/24", "e2guardian address 203.0.113.0/30", "e2guardian address 203.0.113.4/31",
		"e2guardian at times name e.example", "e2guardian expression casino[0-9]+", "e2guardian name c.example", "e2guardian name d.example",
		"e2guardian url f.example/x", "gambling name a.example", "gambling name b.example", "gambling name shop.example",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if rep.Format != FormatE2 || rep.Invalid != 3 || !slices.Equal(rep.FileKinds, []string{"archive", "installer", "program"}) {
		t.Errorf("format %s, invalid %d, kinds %v", rep.Format, rep.Invalid, rep.FileKinds)
	}
	told := strings.Join(rep.Told, "\n")
	for _, want := range []string{
		"lists/more/inner includes missing, and that file is not here", "lists/exceptionsitelist opens 2 sites", "lists/bannedsearchlist was left out: it holds words of searches",
		"names endings or types that are of no kind known here: mp3", `lists/timed/play holds from 09:00 to 15:30 on Monday, Tuesday, Wednesday, Thursday, Friday only. Its sites are in the category "e2guardian at times"`,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told in:\n%s", want, told)
		}
	}
	if f, err := Detect(dir); f != FormatE2 || err != nil {
		t.Errorf("detected %s, %v", f, err)
	}
}

func TestTheItemListsThatE2guardianShips(t *testing.T) {
	got, rep, err := readPath(t, shared(t, "phraselists", "e2guardian", "lists"), Options{})
	if err == nil && len(got) > 0 {
		t.Logf("%+v", rep.Totals)
	}
	told := strings.Join(rep.Told, "\n")
	for _, want := range []string{"program", "script", "installer"} {
		if !slices.Contains(rep.FileKinds, want) {
			t.Errorf("the kind of file %s is not suggested: %v", want, rep.FileKinds)
		}
	}
	if !strings.Contains(told, "exceptionfilesitelist") && !strings.Contains(told, "opens") {
		t.Errorf("told: %s", told)
	}
}

func TestListsInXZAnd7z(t *testing.T) {
	text := "a.example\nb.example\n"
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := readPath(t, writeFile(t, "games.txt.xz", packed.Bytes()), Options{})
	if err != nil || !slices.Equal(got, []string{"games name a.example", "games name b.example"}) {
		t.Errorf("xz: %v %v", got, err)
	}
	if _, _, err := readPath(t, writeFile(t, "games.xz", packed.Bytes()[:packed.Len()-9]), Options{}); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("an xz file cut short: %v", err)
	}
	var swollen bytes.Buffer
	big, err := xz.WriterConfig{DictCap: 96 << 20}.NewWriter(&swollen)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := big.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := big.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readPath(t, writeFile(t, "games.xz", swollen.Bytes()), Options{}); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("an xz file that takes too much memory: %v", err)
	}
	readsSeven(t, text)
}

func readsSeven(t *testing.T, text string) {
	tool, err := exec.LookPath("7z")
	if err != nil {
		t.Skip("p7zip-full is not installed")
	}
	dir := writeTree(t, map[string]string{"adult/domains": text, "adult/urls": "c.example/x\n", "porn": "adult\n"})
	file := filepath.Join(t.TempDir(), "lists.7z")
	for _, extra := range [][]string{nil, {"-pSecret", "-mhe=on"}} {
		cmd := exec.Command(tool, append([]string{"a", "-bd", "-y"}, append(extra, file, "adult", "porn")...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, rep, err := readPath(t, file, Options{})
		sort.Strings(got)
		switch {
		case extra != nil && (err == nil || !strings.Contains(err.Error(), "locked")):
			t.Errorf("a locked archive: %v %v", got, err)
		case extra == nil && (err != nil || len(got) != 3 || rep.Aliases["porn"] != "adult"):
			t.Errorf("7z: %v %v %v", got, rep.Aliases, err)
		}
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := readPath(t, writeFile(t, "cut.7z", whole[:len(whole)-20]), Options{}); err == nil {
			t.Error("a 7z archive cut short was read")
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAListInMemoryIsReadLikeAFile(t *testing.T) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	if _, err := z.Create("a"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"plain": []byte("a.example\n"), "gzip": []byte(gz(t, "a.example\n"))} {
		var got []string
		_, err := ReadBytes(t.Context(), "list", data, Options{}, func(e Entry) error { got = append(got, e.Text); return nil })
		if err != nil || !slices.Equal(got, []string{"a.example"}) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if _, err := ReadBytes(t.Context(), "list", packed.Bytes(), Options{}, nil); err == nil || !strings.Contains(err.Error(), "zip archive") {
		t.Errorf("a zip archive in memory: %v", err)
	}
}
