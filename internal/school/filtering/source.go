package filtering

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"belisha/internal/verdict/canon"
	"belisha/internal/verdict/lists"
	"belisha/internal/verdict/segment"

	"golang.org/x/net/publicsuffix"
)

// CompileOptions say how a list is read. They are plain data, so that house
// can hand them to a child process.
type CompileOptions struct {
	Format   string            `json:"format,omitempty"`   // "" finds it out
	Category string            `json:"category,omitempty"` // of a list that does not name its own
	Map      map[string]string `json:"map,omitempty"`      // the list's names for categories to ours
}

// SourceMeta is what a list gave, with the report of how it was read.
type SourceMeta struct {
	Segment    string           `json:"segment"` // hash of the file in outDir
	Format     string           `json:"format"`
	Names      int64            `json:"names"` // distinct
	Categories []SourceCategory `json:"categories"`
	Dated      int64            `json:"dated,omitempty"` // unix ms: when its newest file was written
	Files      []FileReport     `json:"files"`
	Ignored    []string         `json:"ignored,omitempty"`
	Lines      int              `json:"lines"`
	Accepted   int              `json:"accepted"`
	Duplicates int              `json:"duplicates"`
	Invalid    int              `json:"invalid"`
	Skipped    int              `json:"skipped"`
	// Of what was accepted.
	Kinds Kinds `json:"kinds"`
	// Told is what was understood and cannot be an entry, in sentences;
	// FileKinds are the kinds of file that the list closes.
	Told      []string `json:"told,omitempty"`
	FileKinds []string `json:"file_kinds,omitempty"`
}

// Kinds counts entries by what they are. Exceptions are names that the list
// lifts out of what it lists itself.
type Kinds struct {
	Names       int `json:"names"`
	Pages       int `json:"pages"`
	Addresses   int `json:"addresses"`
	Expressions int `json:"expressions"`
	Exceptions  int `json:"exceptions"`
}

// FileReport is what one file of a list gave.
type FileReport struct {
	File     string        `json:"file"`
	Category string        `json:"category,omitempty"`
	Format   string        `json:"format"`
	Lines    int           `json:"lines"`
	Accepted int           `json:"accepted"`
	Invalid  int           `json:"invalid"`
	Refused  []RefusedLine `json:"refused,omitempty"` // the first hundred
}

// RefusedLine is one line that could not be used.
type RefusedLine struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// known maps what widely used lists call their categories to our slugs.
var known = map[string]string{
	"adult": "adult", "porn": "adult", "pornography": "adult", "nsfw": "adult", "adult_xiti": "adult",
	"agressif": "violence-shock", "aggressive": "violence-shock", "violence": "violence-shock", "arjel": "gambling", "gambling": "gambling",
	"games": "games", "educational_games": "educational-games", "dating": "dating", "drogue": "drugs", "drugs": "drugs", "drug": "drugs",
	"malware": "malware", "cryptojacking": "cryptomining", "cryptominers": "cryptomining", "crypto": "cryptomining", "phishing": "phishing",
	"scam": "fraud", "fraud": "fraud", "ddos": "malware", "ransomware": "malware", "stalkerware": "malware", "abuse": "malware",
	"proxy": "web-proxy", "redirector": "web-proxy", "redirectors": "web-proxy", "strict_redirector": "web-proxy", "strong_redirector": "web-proxy",
	"anonvpn": "vpn", "vpn": "vpn", "doh": "foreign-dns", "dns": "foreign-dns", "dynamic-dns": "dynamic-dns",
	"social_networks": "social-networks", "social": "social-networks", "socialnet": "social-networks", "facebook": "social-networks",
	"instagram": "social-networks", "snapchat": "social-networks", "tiktok": "social-networks", "twitter": "social-networks",
	"chat": "chat", "chats": "chat", "whatsapp": "chat", "forums": "newsgroups-forums", "webmail": "webmail", "mail": "webmail",
	"shopping": "shopping", "warez": "piracy", "piracy": "piracy", "torrent": "piracy", "filehosting": "file-sharing", "file_hosting": "file-sharing",
	"hacking": "hacking", "audio-video": "media-download", "audio_video": "media-download", "radio": "streaming", "webradio": "streaming",
	"webtv": "streaming", "stalking": "stalking", "weapons": "weapons", "dangerous_material": "weapons", "sect": "sect", "remote-control": "remote-control",
	"remote_control": "remote-control", "terrorism": "extremism", "terrorisme": "extremism", "hate": "hate", "racism": "hate", "gore": "gore",
	"publicite": "advertising", "ads": "advertising", "adv": "advertising", "marketingware": "advertising", "tracking": "trackers", "tracker": "trackers", "shortener": "url-shorteners",
	"url_shortener": "url-shorteners", "bank": "banking", "banking": "banking", "press": "news", "news": "news", "update": "software-updates",
	"alcohol": "alcohol-tobacco", "tobacco": "alcohol-tobacco", "cooking": "cooking", "sports": "sports", "ai": "ai-chatbots", "youtube": "video-sharing", "video": "video-sharing",
}

// never are the words of categories about who somebody is or what they
// believe. Nothing is ever closed because it is in such a category.
var never = []string{
	"sexual_education", "sexual-education", "sexeducation", "sex_education", "lingerie", "religion", "religious", "associations_religieuses", "sect",
	"faith", "church", "islam", "jewish", "christian", "lgbt", "gay", "lesbian", "transgender", "gender", "orientation", "pregnancy", "abortion", "contraception",
	"politics", "political", "child", "kids", "reaffected",
}

// openers are our categories that open sites for somebody. A list from outside
// gets into them only where the school maps it so.
var openers = []string{"learning-platforms", "education", "uk-schools-suppliers", "support-services"}

// maxOwnCategories is how many categories of its own one list may bring.
const maxOwnCategories = 100

// CompileSource reads the list at path and writes it as a segment to outDir. It
// needs no records, and may run in a process of its own. Nothing is written if
// what is there is no list.
func CompileSource(ctx context.Context, path string, o CompileOptions, outDir string) (SourceMeta, error) {
	if strings.Contains(path, "://") {
		return SourceMeta{}, &Refused{Words: "a list is imported from a file or folder of this machine; download it first and give its path"}
	}
	c, report, err := collect(ctx, path, o, nil)
	if err == nil && c.whitened(report) {
		c, report, err = collect(ctx, path, o, c.white)
	}
	meta := c.meta(report)
	var refusal *lists.Refusal
	if errors.As(err, &refusal) {
		return meta, &Refused{Words: refusal.Error()}
	}
	if err != nil {
		return meta, fmt.Errorf("reading the list: %w", err)
	}
	if meta.Accepted == 0 {
		return meta, &Refused{Words: "there is not one name in it; is it the right file, and is --format right?"}
	}
	hash, stats, err := c.b.Write(outDir)
	if err != nil {
		return meta, fmt.Errorf("writing the list: %w", err)
	}
	meta.Segment, meta.Names, meta.Dated = hash, int64(stats.Keys)+int64(stats.Expressions), dated(path)
	c.categories(&meta, stats)
	return meta, nil
}

// collect reads the list once. white are its categories that name what is
// fine: nothing is closed by them.
func collect(ctx context.Context, path string, o CompileOptions, white []string) (*collector, lists.Report, error) {
	c := &collector{o: o, white: white, b: segment.NewBuilder(), slugs: map[string]string{}, extra: map[string][]RefusedLine{}, extraN: map[string]int{}}
	if o.Category == "" {
		c.fallback = fromPath(path)
	}
	report, err := lists.Read(ctx, path, lists.Options{Format: lists.Format(o.Format), Category: o.Category}, c.take)
	return c, report, err
}

// whitened notes the categories that the list calls fine, and reports whether
// there are any: they must be read again, as categories of their own.
func (c *collector) whitened(r lists.Report) bool {
	for from := range c.slugs {
		if strings.EqualFold(strings.TrimSpace(r.Usage[from]), "white") {
			c.white = append(c.white, from)
		}
	}
	return len(c.white) > 0
}

// dated is when the newest file of a list was written, in unix milliseconds.
func dated(path string) int64 {
	var newest int64
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			newest = max(newest, info.ModTime().UnixMilli())
		}
		return nil
	})
	return newest
}

// collector takes what a list says into a builder.
type collector struct {
	o        CompileOptions
	b        *segment.Builder
	fallback string
	slugs    map[string]string // the list's name of a category to ours
	white    []string
	extra    map[string][]RefusedLine // by file: what is refused here
	extraN   map[string]int
	invalid  int
	added    int
	kinds    Kinds
}

const refusedKept = 100

func (c *collector) take(e lists.Entry) error {
	text := e.Text
	if why := tooWide(e); why != "" {
		c.refuse(e, why)
		return nil
	}
	slug, err := c.slug(e.Category)
	if err != nil {
		return err
	}
	add := c.b.AddAs
	if e.Drop {
		add = c.b.Drop
	}
	if err := add(segment.Kind(e.Kind), text, slug, segment.Role(e.Role)); err != nil {
		c.refuse(e, err.Error())
		return nil
	}
	c.added++
	c.kinds.count(e)
	return nil
}

func (k *Kinds) count(e lists.Entry) {
	switch {
	case e.Drop || e.Role&lists.Except != 0:
		k.Exceptions++
	case e.Kind == lists.URL:
		k.Pages++
	case e.Kind == lists.Address:
		k.Addresses++
	case e.Kind == lists.Expression || e.Kind == lists.HostExpression:
		k.Expressions++
	default:
		k.Names++
	}
}

func (c *collector) refuse(e lists.Entry, why string) {
	c.invalid++
	c.extraN[e.File]++
	if len(c.extra[e.File]) < refusedKept {
		c.extra[e.File] = append(c.extra[e.File], RefusedLine{File: e.File, Line: e.Line, Text: e.Text, Reason: why})
	}
}

// tooWide says why a name must not be in a list: it is an ending that
// thousands of sites share.
func tooWide(e lists.Entry) string {
	if e.Kind == lists.Digest {
		return "a digest is read from a licensed list only"
	}
	if e.Kind == lists.Address && wideRange(e.Text) {
		return "the range covers so many addresses that it cannot be meant"
	}
	if e.Kind != lists.Name && e.Kind != lists.Exact && e.Kind != lists.URL {
		return ""
	}
	host, _, _ := strings.Cut(e.Text, "/")
	if e.Kind == lists.URL && (host[0] == '[' || canon.EndsInNumber(host)) {
		return "" // a page of an address
	}
	if !strings.Contains(host, ".") {
		return "a single word is not the name of a site"
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if suffix == host && icann {
		return "it is an ending that many sites share, not the name of a site"
	}
	return ""
}

// wideRange reports a range that a list of sites has no business closing.
func wideRange(text string) bool {
	p, err := netip.ParsePrefix(text)
	return err == nil && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16)
}

// slug is our category for the list's.
func (c *collector) slug(from string) (string, error) {
	if from == "" {
		from = c.fallback
	}
	if s, ok := c.slugs[from]; ok {
		return s, nil
	}
	if len(c.slugs) >= maxOwnCategories {
		return "", &Refused{Words: fmt.Sprintf("the list has more than %d categories; import a part of it", maxOwnCategories)}
	}
	s := mapCategory(from, c.o.Map)
	if slices.Contains(c.white, from) {
		s = "list-" + slug(from)
	}
	c.slugs[strings.Clone(from)] = s
	return s, nil
}

// mapCategory is our slug for what a list calls a category.
func mapCategory(from string, given map[string]string) string {
	if to, ok := given[from]; ok {
		return slug(to)
	}
	low := strings.ToLower(from)
	if outing(low) {
		return "list-" + slug(low)
	}
	for _, name := range []string{low, strings.ReplaceAll(low, "-", "_"), strings.ReplaceAll(low, "_", "-")} {
		if to, ok := known[name]; ok {
			return to
		}
	}
	s := slug(low)
	if s == "" {
		s = "unnamed"
	}
	if slices.Contains(openers, s) || s == mixedScript {
		return "list-" + s
	}
	return s
}

// outing reports whether a category is about who somebody is.
func outing(from string) bool {
	for _, w := range never {
		if from == w || strings.HasPrefix(from, w+"_") || strings.HasPrefix(from, w+"-") || strings.HasSuffix(from, "_"+w) || strings.HasSuffix(from, "-"+w) {
			return true
		}
	}
	return false
}

// fromPath names the category of a plain list after its file.
func fromPath(path string) string {
	base := strings.ToLower(filepath.Base(path))
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tgz", ".txz", ".tar", ".txt", ".hosts", ".list", ".csv", ".tsv", ".jsonl", ".json", ".conf", ".zone", ".rpz", ".yaml", ".yml", ".domains"} {
		base = strings.TrimSuffix(base, ext)
	}
	return base
}

func (c *collector) meta(r lists.Report) SourceMeta {
	m := SourceMeta{
		Format: string(r.Format), Ignored: r.Ignored, Lines: r.Lines, Accepted: c.added,
		Duplicates: r.Duplicates, Invalid: r.Invalid + c.invalid, Skipped: r.Skipped, Kinds: c.kinds, Told: r.Told, FileKinds: r.FileKinds,
	}
	for _, f := range r.Files {
		out := FileReport{File: f.File, Category: f.Category, Format: string(f.Format), Lines: f.Lines, Accepted: f.Accepted - c.extraN[f.File], Invalid: f.Invalid + c.extraN[f.File]}
		for _, x := range f.Refused {
			out.Refused = append(out.Refused, RefusedLine{File: x.File, Line: x.Line, Text: x.Text, Reason: x.Reason})
		}
		out.Refused = append(out.Refused, c.extra[f.File]...)
		m.Files = append(m.Files, out)
	}
	return m
}

func (c *collector) categories(m *SourceMeta, stats segment.Stats) {
	by := map[string]*SourceCategory{}
	for from, s := range c.slugs {
		n := int64(stats.ByCategory[s])
		if have, ok := by[s]; ok {
			names := append(strings.Split(have.From, ", "), from)
			sort.Strings(names)
			have.From = strings.Join(names, ", ")
			continue
		}
		by[s] = &SourceCategory{Slug: s, From: from, Names: n, Neutral: outing(strings.ToLower(from)) || slices.Contains(c.white, from)}
	}
	for _, x := range by {
		m.Categories = append(m.Categories, *x)
	}
	sort.Slice(m.Categories, func(i, j int) bool { return m.Categories[i].Slug < m.Categories[j].Slug })
}
