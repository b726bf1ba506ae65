package files

import (
	"strings"
	"unicode/utf8"

	"belisha/internal/verdict"
)

// called is what an extension says of a file.
type called struct {
	kinds Kinds
	// binary: believed of a URL only where the bytes are no text, as many a
	// page has an address like /load.dll.
	binary bool
	// saved: believed only where the file is offered for saving, as a page
	// uses such files itself or shows them.
	saved bool
	// loose: there is nothing fixed in its bytes to tell it by.
	loose bool
}

// extensions are what a file may be closed for by its name alone.
var extensions = table(
	entry("exe scr pif cpl dll sys drv ocx efi xll wll bpl apk-exe", called{kinds: 1 << verdict.FileProgram, binary: true}),
	entry("com jar class dex so dylib elf run app prg bin32 out vxd fxp", called{kinds: 1 << verdict.FileProgram, saved: true}),
	entry("msi msp mst msu msix msixbundle appx appxbundle appinstaller mpkg rpm deb udeb flatpak snap vsix nupkg diagcab themepack deskthemepack", called{kinds: 1 << verdict.FileInstaller, binary: true}),
	entry("flatpakref application appref-ms pkg vsto xbap ex_", called{kinds: 1 << verdict.FileInstaller, saved: true}),
	entry("cab", called{kinds: 1<<verdict.FileInstaller | 1<<verdict.FileArchive, binary: true}),
	entry("dmg", called{kinds: 1<<verdict.FileInstaller | 1<<verdict.FileDisk, binary: true}),
	entry("ps1 ps1xml psm1 psd1 pssc psc1 bat cmd vbs vbe vbscript jse wsf wsh wsc sct hta reg lnk scf ahk au3 scpt applescript chm hlp settingcontent-ms library-ms search-ms searchconnector-ms jnlp msc shb shs gadget msh msh1 msh2 mshxml msh1xml msh2xml csh ksh diagcfg diagpkg appcontent-ms printerexport mcf mmc cdxml ps2 ps2xml vsmacros webpnp", called{kinds: 1 << verdict.FileScript}),
	entry("js mjs cjs ws sh bash zsh fish command py pyw pyc pyz pyzw rb pl pm lua url desktop website webloc inf terminal workflow ins isp nsh vb bas theme wsb udl its hpj xnk grp", called{kinds: 1 << verdict.FileScript, saved: true}),
	entry("apk apks apkm xapk aab ipa hap crx xpi", called{kinds: 1 << verdict.FileApp, binary: true}),
	entry("docm dotm xlsm xltm xlam pptm potm ppam ppsm sldm xla", called{kinds: 1 << verdict.FileMacro}),
	entry("mde ade adp accde mda accda mdw mdz", called{kinds: 1 << verdict.FileMacro, saved: true}),
	entry("swf iqy oqy slk", called{kinds: 1 << verdict.FileActive, saved: true}),
	entry("iso img vhd vhdx avhdx vmdk vdi qcow qcow2 wim esd udf nrg toast dsk ima mds mdf squashfs", called{kinds: 1 << verdict.FileDisk, binary: true}),
	entry("zip zipx 7z rar tar gz tgz bz2 tbz tbz2 xz txz zst tzst", called{kinds: 1 << verdict.FileArchive, binary: true}),
	entry("lzma tlz", called{kinds: 1 << verdict.FileArchive, binary: true, loose: true}),
	entry("arj lzh lha ace arc zoo z taz lz lz4 lzo alz egg sit sitx cpio pea uue uu hqx 001 002 003 004 005 z01 z02 z03", called{kinds: 1<<verdict.FileArchive | 1<<verdict.FileUnreadable, binary: true}),
)

// types are what a Content-Type says of a file.
var types = table(
	entry("application/x-msdownload application/x-msdos-program application/x-dosexec application/exe application/x-exe application/dos-exe application/x-winexe application/vnd.microsoft.portable-executable application/x-executable application/x-elf application/x-sharedlib application/x-mach-binary application/x-mach-o-executable application/java-archive application/x-java-archive application/java-vm", called{kinds: 1 << verdict.FileProgram}),
	entry("application/x-msi application/x-ms-installer application/msix application/msixbundle application/appx application/appxbundle application/vnd.ms-appx application/vnd.debian.binary-package application/x-debian-package application/x-deb application/x-rpm application/x-redhat-package-manager application/vnd.apple.installer+xml application/x-xar application/vnd.flatpak application/x-ms-application application/x-ms-vsto application/x-windows-installer application/msi", called{kinds: 1 << verdict.FileInstaller}),
	entry("application/vnd.ms-cab-compressed application/x-cab application/cab", called{kinds: 1<<verdict.FileInstaller | 1<<verdict.FileArchive}),
	entry("application/x-apple-diskimage", called{kinds: 1<<verdict.FileInstaller | 1<<verdict.FileDisk}),
	entry("application/hta application/x-powershell application/x-bat application/bat application/x-vbs text/vbscript application/x-ms-shortcut application/x-mswinurl application/internet-shortcut application/vnd.ms-htmlhelp application/x-java-jnlp-file application/x-sh application/x-shellscript application/x-csh application/x-python application/x-python-code application/x-perl application/x-ruby application/x-ms-xbap", called{kinds: 1 << verdict.FileScript}),
	// What a page uses, or a browser shows.
	entry("text/x-shellscript text/x-python text/x-perl text/x-sh application/javascript text/javascript application/x-javascript application/ecmascript text/ecmascript text/jscript", called{kinds: 1 << verdict.FileScript, saved: true}),
	entry("application/vnd.android.package-archive application/x-chrome-extension application/x-xpinstall application/x-ios-app", called{kinds: 1 << verdict.FileApp}),
	entry("application/vnd.ms-word.document.macroenabled.12 application/vnd.ms-word.template.macroenabled.12 application/vnd.ms-excel.sheet.macroenabled.12 application/vnd.ms-excel.template.macroenabled.12 application/vnd.ms-excel.addin.macroenabled.12 application/vnd.ms-powerpoint.presentation.macroenabled.12 application/vnd.ms-powerpoint.template.macroenabled.12 application/vnd.ms-powerpoint.slideshow.macroenabled.12 application/vnd.ms-powerpoint.addin.macroenabled.12", called{kinds: 1 << verdict.FileMacro}),
	entry("application/x-shockwave-flash application/vnd.adobe.flash.movie", called{kinds: 1 << verdict.FileActive}),
	entry("application/x-iso9660-image application/x-raw-disk-image application/x-virtualbox-vhd application/x-vhd application/x-vhdx application/x-vmdk application/x-qemu-disk application/x-ms-wim", called{kinds: 1 << verdict.FileDisk}),
	entry("application/zip application/x-zip application/x-zip-compressed application/x-7z-compressed application/vnd.rar application/x-rar-compressed application/x-rar application/x-tar application/x-gtar application/gzip application/x-gzip application/x-bzip2 application/x-bzip application/x-xz application/zstd application/x-lzma application/x-compressed application/x-compressed-tar", called{kinds: 1 << verdict.FileArchive}),
	// What a browser saves rather than shows.
	entry("application/octet-stream binary/octet-stream application/x-octet-stream application/octetstream application/octet application/save application/x-save application/x-unknown application/force-download application/x-force-download application/download application/x-download application/binary application/x-binary application/unknown application/x-msdos-windows", called{saved: true}),
)

type entries struct {
	names string
	says  called
}

func entry(names string, says called) entries { return entries{names, says} }

func table(list ...entries) map[string]called {
	out := make(map[string]called, 200)
	for _, e := range list {
		for n := range strings.FieldsSeq(e.names) {
			out[n] = e.says
		}
	}
	return out
}

// maxNameRead bounds how much of a name, or of a header with one, is read.
const maxNameRead = 8 << 10

// typeOf is the media type in lower case without parameters, in buf.
func typeOf(s string, buf *[96]byte) []byte {
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, ",")
	s = strings.Trim(s, " \t\r\n")
	if len(s) > len(buf) {
		return nil
	}
	out := buf[:0]
	for _, c := range []byte(s) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}

// lastWhole is the last part of a URL's path.
func lastWhole(path string) string {
	path = path[max(0, len(path)-maxNameRead):]
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// last is the last part of a URL's path, without its parameters.
func last(path string) string {
	path = lastWhole(path)
	if i := strings.IndexByte(path, ';'); i > 0 {
		path = path[:i]
	}
	return path
}

// plain reports a name in which nothing is hidden, so that it need not be
// cleaned.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == ':' || c == '%' {
			return false
		}
	}
	return !strings.HasSuffix(name, ".")
}

// clean is a name as a file manager would store it: without folders, stream
// names, marks that turn the direction of writing or are not seen, and the
// dots and spaces at its end that Windows drops. Dots that only look like one
// are one.
func clean(name string) string {
	name = name[max(0, len(name)-maxNameRead):]
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if plain(name) {
		return name
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || unseen(r):
			return -1
		case r == '．' || r == '․' || r == '﹒' || r == '。' || r == '｡':
			return '.'
		case r >= 'ａ' && r <= 'ｚ':
			return r - 'ａ' + 'a'
		case r >= 'Ａ' && r <= 'Ｚ':
			return r - 'Ａ' + 'A'
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return r
	}, name)
	if i := strings.IndexByte(name, ':'); i > 0 {
		name = name[:i]
	}
	return strings.TrimRight(name, ". \u00a0\u3000")
}

// unseen are runes that take no room or turn the direction of writing.
func unseen(r rune) bool {
	return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f ||
		r == 0xfeff || r == 0xad || r == 0x61c || r == 0x180e || r >= 0xfe00 && r <= 0xfe0f || r == utf8.RuneError
}

// byName is what a name's extension says. A name with something behind a NUL
// is looked at as both readers of it would.
func byName(name string) (called, bool) {
	if i := strings.IndexByte(name, 0); i >= 0 {
		if c, ok := byName(name[:i]); ok {
			return c, true
		}
	}
	var buf [20]byte
	e := ext(clean(name), &buf)
	if e == nil {
		return called{}, false
	}
	c, ok := extensions[string(e)]
	return c, ok
}

// disposition is what all Content-Disposition headers say together: whether
// the file is offered for saving, and every name that some browser may read in
// them. It gives each name to do.
func disposition(values []string, do func(string)) (saved bool) {
	for _, v := range values[:min(len(values), 16)] {
		v = v[:min(len(v), maxNameRead)]
		kind, rest, _ := strings.Cut(v, ";")
		if k := strings.ToLower(strings.Trim(kind, " \t")); k != "inline" && k != "" {
			saved = true
			if strings.ContainsRune(kind, '=') { // a browser forgives that the word is missing
				rest = v
			}
		}
		parameters(rest, do)
	}
	return saved
}

// parameters finds every filename in a header's parameters: plain, quoted,
// badly quoted, extended, continued.
func parameters(s string, do func(string)) {
	joined := ""
	for n := 0; s != "" && n < 64; n++ {
		var key, value string
		s = strings.TrimLeft(s, " \t;")
		i := strings.IndexAny(s, "=;")
		if i < 0 {
			break
		}
		if s[i] == ';' {
			s = s[i:]
			continue
		}
		key = strings.ToLower(strings.TrimRight(s[:i], " \t"))
		value, s = value1(strings.TrimLeft(s[i+1:], " \t"))
		base, isExt := strings.CutSuffix(key, "*")
		head, _, continued := strings.Cut(base, "*")
		if head != "filename" && head != "name" {
			continue
		}
		if isExt {
			value = extended(value)
		}
		if continued {
			joined += value
			continue
		}
		do(value)
		if strings.IndexByte(value, '\\') >= 0 { // parts of a path, or escapes
			do(strings.ReplaceAll(value, "\\", ""))
		}
		if strings.IndexByte(value, '%') >= 0 {
			do(unescape(value))
		}
		if strings.Contains(value, "=?") {
			encodedWords(value, do)
		}
	}
	if joined != "" {
		do(joined)
	}
}

// value1 is the value at the start of s, and what comes behind it. A quote
// that is not closed reaches to the end.
func value1(s string) (value, rest string) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		i := strings.IndexByte(s, ';')
		if i < 0 {
			i = len(s)
		}
		return strings.TrimRight(s[:i], " \t"), s[i:]
	}
	q := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == q:
			rest = s[i+1:]
			if j := strings.IndexByte(rest, ';'); j >= 0 {
				return b.String() + strings.TrimRight(rest[:j], " \t"), rest[j:]
			}
			return b.String() + strings.TrimRight(rest, " \t"), ""
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// extended reads the value of filename*: charset'language'escaped.
func extended(v string) string {
	if parts := strings.SplitN(v, "'", 3); len(parts) == 3 {
		v = parts[2]
	}
	return unescape(v)
}

// unescape undoes per cent escapes and leaves what is none.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hex(s[i+1]), hex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
