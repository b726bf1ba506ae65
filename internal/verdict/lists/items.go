package lists

import (
	"net/netip"
	"path"
	"slices"
	"strings"
)

// What the item lists of e2guardian hold, by their names.
var itemRoles = map[string]role{
	"bannedsitelist": roleItems, "localbannedsitelist": roleItems, "bannedsslsitelist": roleItems, "localbannedsslsitelist": roleItems,
	"bannedsiteiplist": roleItems, "localbannedsiteiplist": roleItems, "bannedsslsiteiplist": roleItems, "localbannedsslsiteiplist": roleItems,
	"bannedurllist": roleItemPages, "localbannedurllist": roleItemPages, "bannedregexpurllist": roleItemExpressions,
	"bannedextensionlist": roleItemEndings, "bannedmimetypelist": roleItemTypes,
	"exceptionsitelist": roleItemOpens, "localexceptionsitelist": roleItemOpens, "greysitelist": roleItemOpens, "localgreysitelist": roleItemOpens,
	"semiexceptionsitelist": roleItemOpens, "localsemiexceptionsitelist": roleItemOpens, "exceptionurllist": roleItemOpens, "localexceptionurllist": roleItemOpens,
	"greyurllist": roleItemOpens, "localgreyurllist": roleItemOpens, "exceptionsiteiplist": roleItemOpens, "greysslsitelist": roleItemOpens,
	"exceptionregexpurllist": roleItemOpens, "nocheckcertsitelist": roleItemOther, "nomitmsitelist": roleItemOther,
	"bannedsearchlist": roleItemOther, "localbannedsearchlist": roleItemOther, "exceptionextensionlist": roleItemOther, "exceptionmimetypelist": roleItemOther,
	"bannediplist": roleItemOther, "exceptioniplist": roleItemOther, "bannedclientlist": roleItemOther, "urlregexplist": roleItemOther,
	"bannedregexpheaderlist": roleItemOther, "contentregexplist": roleItemOther, "blanketblocktldlist": roleItemOther, "allowedtldlist": roleItemOther,
	"bannedphraselist": roleItemOther, "weightedphraselist": roleItemOther, "exceptionphraselist": roleItemOther,
}

// itemRole knows a list of e2guardian by its name.
func itemRole(name string) (role, bool) {
	base := path.Base(name)
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst", ".in", ".txt"} {
		base = strings.TrimSuffix(base, ext)
	}
	r, ok := itemRoles[strings.ToLower(base)]
	return r, ok
}

// otherItems says what becomes of lists that are no lists of sites.
func otherItems(name string) string {
	switch base := strings.ToLower(path.Base(name)); {
	case strings.Contains(base, "search"):
		return "words of searches; write them into a phrase list"
	case strings.Contains(base, "phrase"):
		return "phrases; take it up as a phrase list"
	case strings.Contains(base, "cert"), strings.Contains(base, "mitm"):
		return "sites whose connections are not looked into; set them on the page of what is looked at"
	case strings.Contains(base, "client"), strings.Contains(base, "iplist"):
		return "devices; enter them on the page of devices"
	case strings.Contains(base, "tld"):
		return "whole top-level names; no list may close one"
	}
	return "nothing that a list of sites can keep"
}

// items is what is known while an item list is read.
type items struct {
	role     role
	category string
	hours    []string // the bands in which it holds, of the list it is included in too
	own      string
	opens    int      // lines that open a site
	left     int      // lines that are nothing for a list of sites
	others   []string // endings and types of no known kind
}

const maxOthers = 50

// itemLine reads a line of an item list.
func (f *file) itemLine(r role) func(string) error {
	f.item.role = r
	return func(line string) error {
		if line[0] == '#' {
			f.rep.Skipped++
			f.itemDirective(line)
			return nil
		}
		if strings.HasPrefix(line, ".Include<") || len(line) < 2 {
			f.rep.Skipped++ // what is included was found before
			return nil
		}
		body := line
		if i := strings.Index(line, " #"); i >= 0 {
			body = strings.TrimSpace(line[:i])
		}
		return f.item1(r, line, strings.TrimSpace(strings.TrimSuffix(body, "\t")))
	}
}

func (f *file) itemDirective(line string) {
	it := &f.item
	if v, ok := strings.CutPrefix(line, "#listcategory:"); ok {
		it.category = strings.ToLower(strings.Trim(strings.TrimSpace(v), `"`))
	}
	if v, ok := strings.CutPrefix(line, "#time:"); ok {
		it.own = band(strings.Fields(v))
	}
	f.category = ""
	if f.run.opt.Category == "" && it.category != "" && len(it.category) <= 100 {
		f.category = it.category
	}
	if len(it.hours) > 0 || it.own != "" {
		// What holds at times only must not close anything at others: it becomes
		// a category by itself.
		f.category = firstWord(f.category, f.rep.Category) + " at times"
	}
}

func firstWord(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// band says "sh sm eh em days" in words; days count from Monday.
func band(w []string) string {
	if len(w) < 4 {
		return strings.Join(w, " ")
	}
	two := func(s string) string {
		if len(s) == 1 {
			return "0" + s
		}
		return s
	}
	out := two(w[0]) + ":" + two(w[1]) + " to " + two(w[2]) + ":" + two(w[3])
	if len(w) > 4 {
		names := []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
		var days []string
		for _, d := range w[4] {
			if d >= '0' && d <= '6' {
				days = append(days, names[d-'0'])
			}
		}
		out += " on " + strings.Join(days, ", ")
	}
	return out
}

// item1 reads one item.
func (f *file) item1(r role, line, body string) error {
	switch r {
	case roleItemOpens:
		f.item.opens++
		f.rep.Skipped++
		return nil
	case roleItemOther:
		f.item.left++
		f.rep.Skipped++
		return nil
	case roleItemEndings, roleItemTypes:
		f.rep.Skipped++
		f.fileKind(body)
		return nil
	case roleItemExpressions:
		return f.expression(Expression, body, line, 0, false)
	}
	body = strings.TrimSuffix(strings.TrimPrefix(body, "ftp://"), "/")
	if a, b, ok := span(body); ok {
		return f.addressSpan(line, a, b)
	}
	if strings.HasPrefix(body, ".") && !strings.Contains(body[1:], ".") {
		f.refuse([]byte(line), errOneLabel.Error())
		return nil
	}
	kind, text, err := One(strings.TrimPrefix(maskRange(body), "."))
	if err != nil {
		f.refuse([]byte(line), err.Error())
		return nil
	}
	return f.accept(kind, text)
}

// maskRange writes "a.b.c.d/m.m.m.m" as a range with its length.
func maskRange(s string) string {
	host, mask, ok := strings.Cut(s, "/")
	m, err := netip.ParseAddr(mask)
	if !ok || err != nil || !m.Is4() {
		return s
	}
	n := 0
	b := m.As4()
	for i := range 32 {
		if b[i/8]>>(7-i%8)&1 == 0 {
			break
		}
		n++
	}
	a, err := netip.ParseAddr(host)
	if err != nil || !a.Is4() {
		return s
	}
	return netip.PrefixFrom(a, n).Masked().String()
}

// fileKind notes the kind of file that an ending or a type is of.
func (f *file) fileKind(s string) {
	s = strings.ToLower(strings.TrimPrefix(s, "."))
	for kind, words := range fileKinds {
		if slices.Contains(words, s) {
			if !slices.Contains(f.run.report.FileKinds, kind) {
				f.run.report.FileKinds = append(f.run.report.FileKinds, kind)
			}
			return
		}
	}
	if len(f.item.others) < maxOthers {
		f.item.others = append(f.item.others, printable([]byte(s)))
	}
}

// end says what an item list meant that could not be kept.
func (it *items) end(f *file) {
	name := f.rep.File
	switch {
	case it.role < roleItems:
		return
	case it.opens > 0:
		f.tell("%s opens %d sites. No list may open a site; add those that are needed as own entries, with a reason.", name, it.opens)
	case it.left > 0:
		f.tell("%s was left out: it holds %s.", name, otherItems(name))
	}
	if len(it.others) > 0 {
		f.tell("%s names endings or types that are of no kind known here: %s.", name, strings.Join(it.others, ", "))
	}
	hours := it.hours
	if it.own != "" {
		hours = append(slices.Clone(hours), it.own)
	}
	if len(hours) > 0 && f.rep.Accepted > 0 {
		f.tell("%s holds from %s only. Its sites are in the category %q, which closes nothing by itself: close it for those hours.", name, strings.Join(hours, " and "), firstWord(f.category, f.rep.Category))
	}
}

// fileKinds are the endings and types of the kinds of file that can be closed.
var fileKinds = map[string][]string{
	"program":   {"exe", "com", "dll", "sys", "scr", "pif", "cpl", "ocx", "drv", "bin", "elf", "bas", "application/x-msdownload", "application/x-msdos-program", "application/x-dosexec", "application/octet-stream", "application/java-vm"},
	"installer": {"msi", "msp", "mst", "msix", "appx", "deb", "rpm", "pkg", "dmg", "application/x-msi", "application/vnd.debian.binary-package", "application/x-rpm"},
	"script":    {"bat", "cmd", "vb", "vbs", "vbe", "jse", "wsf", "wsh", "wsc", "ps1", "sh", "hta", "lnk", "reg", "inf", "scf", "sct", "shs", "shb", "chm", "hlp", "ins", "isp", "pcd", "url", "crt", "application/hta", "text/vbscript"},
	"app":       {"apk", "ipa", "crx", "xpi", "application/vnd.android.package-archive"},
	"macro":     {"docm", "dotm", "xlsm", "xltm", "pptm", "mdb", "mde", "ade", "adp", "mda", "mdz", "xlam"},
	"disk":      {"iso", "img", "vhd", "vhdx", "nrg", "cue", "application/x-iso9660-image"},
	"archive":   {"zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "zst", "cab", "arj", "lzh", "ace", "sit", "sea", "cdr", "z", "application/zip", "application/x-rar-compressed", "application/x-7z-compressed", "application/gzip", "application/x-tar"},
	"active":    {"swf", "application/x-shockwave-flash"},
}
