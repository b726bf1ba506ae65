package files

import "belisha/internal/verdict"

// Format is what the bytes of a file are.
type Format uint8

// The formats that are told apart.
const (
	Unknown Format = iota
	HTML
	XML
	SVG
	Image
	Sound
	Video
	Font
	Wasm
	PDF
	RTF
	OLE
	OneNote
	Zip
	SevenZip
	RAR
	Tar
	Gzip
	Bzip2
	XZ
	Zstd
	LZMA
	Cab
	Ar
	OddArchive
	PE
	DOS
	ELF
	MachO
	JavaClass
	DEX
	RPM
	XAR
	DMG
	CRX
	DiscImage
	DriveImage
	Shell
	Shortcut
	Help
	Flash
	Mail
	formats
)

// about is what is known of each format.
var about = [formats]struct {
	words string
	kinds Kinds
	media bool // shown by a page as it is, nothing inside
	deep  bool // only the whole says what it is
}{
	Unknown:    {words: "not known"},
	HTML:       {words: "page"},
	XML:        {words: "XML"},
	SVG:        {words: "SVG drawing", deep: true},
	Image:      {words: "picture", media: true},
	Sound:      {words: "sound", media: true},
	Video:      {words: "video", media: true},
	Font:       {words: "font", media: true},
	Wasm:       {words: "WebAssembly", media: true},
	PDF:        {words: "PDF", deep: true},
	RTF:        {words: "RTF document", deep: true},
	OLE:        {words: "older office document", deep: true},
	OneNote:    {words: "OneNote section", deep: true},
	Zip:        {words: "zip", deep: true}, // an archive, or a document: Open says which
	SevenZip:   {words: "7z archive", kinds: 1 << verdict.FileArchive, deep: true},
	RAR:        {words: "RAR archive", kinds: 1 << verdict.FileArchive, deep: true},
	Tar:        {words: "tar archive", kinds: 1 << verdict.FileArchive, deep: true},
	Gzip:       {words: "gzip archive", kinds: 1 << verdict.FileArchive, deep: true},
	Bzip2:      {words: "bzip2 archive", kinds: 1 << verdict.FileArchive, deep: true},
	XZ:         {words: "xz archive", kinds: 1 << verdict.FileArchive, deep: true},
	Zstd:       {words: "zstd archive", kinds: 1 << verdict.FileArchive, deep: true},
	LZMA:       {words: "lzma archive", kinds: 1 << verdict.FileArchive, deep: true},
	Cab:        {words: "Windows cabinet", kinds: 1<<verdict.FileInstaller | 1<<verdict.FileArchive, deep: true},
	Ar:         {words: "Debian package or library", kinds: 1<<verdict.FileInstaller | 1<<verdict.FileArchive, deep: true},
	OddArchive: {words: "archive nobody here can open", kinds: 1<<verdict.FileArchive | 1<<verdict.FileUnreadable, deep: true},
	PE:         {words: "Windows program", kinds: 1 << verdict.FileProgram, deep: true},
	DOS:        {words: "DOS program", kinds: 1 << verdict.FileProgram, deep: true},
	ELF:        {words: "Linux program", kinds: 1 << verdict.FileProgram, deep: true},
	MachO:      {words: "Mac program", kinds: 1 << verdict.FileProgram, deep: true},
	JavaClass:  {words: "Java program", kinds: 1 << verdict.FileProgram, deep: true},
	DEX:        {words: "Android program", kinds: 1 << verdict.FileProgram, deep: true},
	RPM:        {words: "RPM package", kinds: 1 << verdict.FileInstaller, deep: true},
	XAR:        {words: "Mac installer package", kinds: 1 << verdict.FileInstaller, deep: true},
	DMG:        {words: "Mac disc image", kinds: 1<<verdict.FileInstaller | 1<<verdict.FileDisk, deep: true},
	CRX:        {words: "browser extension", kinds: 1 << verdict.FileApp, deep: true},
	DiscImage:  {words: "disc image", kinds: 1 << verdict.FileDisk, deep: true},
	DriveImage: {words: "image of a drive", kinds: 1 << verdict.FileDisk, deep: true},
	Shell:      {words: "script", kinds: 1 << verdict.FileScript, deep: true},
	Shortcut:   {words: "shortcut", kinds: 1 << verdict.FileScript, deep: true},
	Help:       {words: "compiled help file", kinds: 1 << verdict.FileScript, deep: true},
	Flash:      {words: "Flash film", kinds: 1 << verdict.FileActive, deep: true},
	Mail:       {words: "mail message", deep: true},
}

// String says the format in words.
func (f Format) String() string {
	if f < formats {
		return about[f].words
	}
	return ""
}

// Media reports formats that a page shows as they are and that hold nothing
// else, unless something was hung on behind: see Tail.
func (f Format) Media() bool { return f < formats && about[f].media }
