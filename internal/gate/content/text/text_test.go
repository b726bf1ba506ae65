package text

import (
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode/utf32"
)

// counts reports whether the words of a page hold " badword ", in either view.
func counts(x *Extractor, kind Kind, body string) bool {
	v := x.Extract(kind, []byte(body))
	return strings.Contains(string(v.Smart), " badword ") || strings.Contains(string(v.Bare), " badword ")
}

func TestWordsAreFoundAsAReaderSeesThem(t *testing.T) {
	tests := []struct {
		name string
		kind Kind
		body string
		want bool
	}{
		{"plain", HTML, "<p>a badword here", true},
		{"in capitals", HTML, "<p>a BadWord here", true},
		{"a decimal reference", HTML, "b&#97;dword", true},
		{"a hexadecimal one", HTML, "&#x62;adword", true},
		{"one without its end", HTML, "b&#97dword", true},
		{"a named one", HTML, "badw&omicron;rd", true},
		{"a soft hyphen by name", HTML, "bad&shy;word", true},
		{"a space of no width by name", HTML, "bad&ZeroWidthSpace;word", true},
		{"no break by name", HTML, "bad&NoBreak;word", true},
		{"letters apart by no-break spaces", HTML, "b&nbsp;a&nbsp;d&nbsp;w&nbsp;o&nbsp;r&nbsp;d", true},
		{"a soft hyphen", HTML, "bad\u00adword", true},
		{"spaces of no width", HTML, "b\u200ba\u200cd\u200dw\u2060o\ufeffrd", true},
		{"variation selectors", HTML, "bad\ufe0fword", true},
		{"a combining mark with no letter of its own", HTML, "bad\u030aword", true},
		{"a combining mark that makes an accent", HTML, "ba\u0301dword", true},
		{"letters with accents", HTML, "bâdwörd", true},
		{"bidi controls", HTML, "\u202ebad\u202cword", true},
		{"tag characters", HTML, "bad\U000e0061word", true},
		{"a zero byte", HTML, "bad\x00word", true},
		{"full width", HTML, "ｂａｄｗｏｒｄ", true},
		{"mathematical bold", HTML, "𝐛𝐚𝐝𝐰𝐨𝐫𝐝", true},
		{"letters in circles", HTML, "ⓑⓐⓓⓦⓞⓡⓓ", true},
		{"dark letters in boxes", HTML, "🅱🅰🅳🆆🅾🆁🅳", true},
		{"letters of flags", HTML, "🇧🇦🇩🇼🇴🇷🇩", true},
		{"Cyrillic and Greek look-alikes", HTML, "bаdwοrd", true},
		{"Cherokee and Lisu look-alikes", HTML, "Ᏼаꓓwоrd", true},
		{"small capitals", HTML, "ʙᴀᴅᴡᴏʀᴅ", true},
		{"an inline tag inside", HTML, "bad<b></b>word", true},
		{"a comment inside", HTML, "bad<!-- -->word", true},
		{"an odd comment inside", HTML, "bad<!-->word", true},
		{"a comment that ends oddly", HTML, "bad<!-- x --!>word", true},
		{"a place for a break inside", HTML, "bad<wbr>word", true},
		{"two spans", HTML, "<span>bad</span><span>word</span>", true},
		{"an element nobody knows", HTML, "bad<x-y z=1>word", true},
		{"a title inside an inline tag", HTML, `bad<b title="x">word`, true},
		{"a greater sign in an attribute", HTML, `bad<b title="x>y">word`, true},
		{"a break between", HTML, "bad<br>word", false},
		{"paragraphs", HTML, "bad<p>word", false},
		{"cells", HTML, "<td>bad</td><td>word</td>", false},
		{"in a style", HTML, "<style>.badword{content:' badword '}</style>", false},
		{"in script code", HTML, "<script>var badword = badword + 1; // badword\n/* badword */ x = /badword/;</script>", false},
		{"in a script's string", HTML, `<script>show("a badword here")</script>`, true},
		{"in a script's string with escapes", HTML, `<script>show("a b\x61d\u0077ord here")</script>`, true},
		{"in a script's string put together", HTML, `<script>show("a bad" + "word")</script>`, true},
		{"in a page in a script's string", HTML, `<script>show("<i>bad</i>word <b class='x'>y</b>")</script>`, true},
		{"in a template that a script shows", HTML, `<script type="text/template"><p>badword</p></script>`, true},
		{"in data in a script", HTML, `<script type="application/ld+json">{"name":"the badword"}</script>`, true},
		{"as the name of a member", HTML, `<script type="application/json">{"badword":1}</script>`, false},
		{"in base64", HTML, `<img src="data:;base64,badword"><script>x="` + strings.Repeat("QmFk", 20) + ` "</script>`, false},
		{"as the name of a class", HTML, `<p class="badword" id="badword">x</p>`, false},
		{"in an address", HTML, `<a href="/badword">x</a><script>go("/a/badword")</script>`, false},
		{"in a comment", HTML, "<!-- a badword -->", false},
		{"in the title", HTML, "<title>badword</title>", true},
		{"in a text for a picture", HTML, `<img alt="a badword">`, true},
		{"in the description", HTML, `<meta name=description content="a badword">`, true},
		{"in a page in an attribute", HTML, `<iframe srcdoc="&lt;p>bad&lt;b>word">`, true},
		{"in what is shown as it stands", HTML, "<xmp>badword</xmp>", true},
		{"in a field", HTML, "<textarea>badword</textarea>", true},
		{"in SVG", HTML, "<svg><text>badword</text></svg>", true},
		{"in a marked section", XML, "<rss><![CDATA[a badword]]></rss>", true},
		{"behind a script that does not end its comment", HTML, "<script><!-- x</script>badword", true},
		{"behind a less sign", HTML, "1 < 2 badword", true},
		{"in a tag that does not end", HTML, "<p badword", false},
		{"as text", Plain, "a badword", true},
		{"a reference in text", Plain, "b&#97;dword", false},
		{"a value of JSON", JSON, `{"a":["the badword"]}`, true},
		{"a page in a value of JSON", JSON, `{"a":"\u003ci\u003ebad\u003c/i\u003eword now"}`, true},
		{"two halves of a letter in JSON", JSON, `{"a":"\ud835\udc1badword x"}`, true},
		{"beside what is no JSON", JSON, "GIF89a<html><p>badword here", true},
		{"behind JSON", JSON, "{\"a\": 1e5, \"b\": [true, null]} and a badword", true},
		{"a name in JSON", JSON, `{"badword": 1}`, false},
		{"a stream of events", Events, "event: x\ndata: {\"a\":\"the badword\"}\n\n", true},
		{"text in a stream of events", Events, "data: the badword\n\n", true},
		{"a script file", Script, `(function(){show("a badword");})();`, true},
		{"text that is called a script", Script, "here is a badword and more words", true},
		{"a style sheet", Style, ".badword{color:red} #badword{color:blue}", false},
		{"a style sheet that shows it", Style, ".a{content:\"a badword\"} .b{color:red}", true},
		{"punctuation around", HTML, "(badword), badword!", true},
		{"a slash beside", HTML, "x/badword/y", true},
		{"part of another word", HTML, "badwording", false},
		{"letters apart by spaces", HTML, "<p>a b a d w o r d here", true},
		{"letters apart by points", HTML, "so b.a.d.w.o.r.d.", true},
		{"letters apart by lines", HTML, "go b_a_d_w_o_r_d go", true},
		{"letters apart in elements", HTML, "<td>b<td>a<td>d<td>w<td>o<td>r<td>d<td>", true},
		{"figures for letters", HTML, "he said b4dw0rd today", true},
		{"figures at its end", HTML, "he said badw0rd", true},
		{"a figure for one of two letters", HTML, "b4dw0rd", true},
		{"a code that is none", HTML, "b4dw0rd2", false},
		{"a no-break space in Braille", HTML, "a badword\u2800here", true},
		{"a hidden piece inside", HTML, "bad<span hidden>x y</span>word", true},
		{"a piece hidden by its style inside", HTML, "bad<span style='color:red; DISPLAY : none'>x<span>y</span></span>word", true},
		{"a piece of no size inside", HTML, "bad<i style=font-size:0>x</i>word", true},
		{"a hidden field inside", HTML, "bad<input type=hidden value=x>word", true},
		{"a template inside", HTML, "bad<template><p>x</p></template>word", true},
		{"what is for browsers without scripts", HTML, "bad<noscript><p>x</p></noscript>word", true},
		{"tags that browsers leave out", HTML, "bad<body><head></head><meta name=a><link rel=b>word", true},
		{"ends of what did not begin", HTML, "bad</video></select></svg>word", true},
		{"ends of blocks that did not begin", HTML, "<p>x</p>bad</div></h1></title></td></ul>word", true},
		{"ends of blocks that did", HTML, "<div>bad</div>word", false},
		{"an end that makes a paragraph", HTML, "bad</p>word", false},
		{"parts of drawings outside of one", HTML, "bad<foreignObject>word", true},
		{"an object without anything", HTML, "bad<object></object><embed>word", true},
		{"a marked section in a page, which is a comment there", HTML, "bad<![CDATA[>word", true},
		{"text in one in a page", HTML, "<![CDATA[a badword here>", true},
		{"in what is hidden", HTML, "<div hidden>a badword</div>", true},
		{"in a template", HTML, "<template><p>a badword</p></template>", true},
		{"where scripts do not run", HTML, "<noscript>a bad<b>word</b></noscript>", true},
		{"behind what does not end its hiding", HTML, "<p hidden>x<p>a badword", true},
		{"a style in SVG that the drawing's end ends", HTML, "<svg><style></svg>a badword</style>", true},
		{"a style in SVG that a paragraph ends", HTML, "<svg><style><p>a badword", true},
		{"a title in SVG", HTML, "<svg><title>x <b>bad</b>word</title></svg>", true},
		{"a style in SVG as it should be", HTML, "<svg><style>.badword{fill:red}</style></svg>x", false},
		{"a style in SVG in a marked section", HTML, "<svg><style><![CDATA[ .badword{fill:red} ]]></style></svg>x", false},
		{"a style sheet that is a text", HTML, "<style style='display:block'>here is a badword that a style shows</style>", true},
		{"a script that is a text", HTML, "<script style='display:block'>here is a badword that a style shows</script>", true},
		{"a style sheet that is mostly a font", HTML, "<style>@font-face{src:url(data:font/woff2;base64," + strings.Repeat("QmFk", 900) + ")} .badword{color:red}</style>x", false},
		{"a script that ends in itself in XHTML", XML, "<html><script src='x'/>a badword", true},
		{"a title that ends in itself in XML", XML, "<svg><title/><text>a badword", true},
		{"an entity of the page's own", XML, `<!DOCTYPE x [<!ENTITY w "a badword"> <!-- " -->]><x>&w;</x>`, true},
		{"behind a document type with entities", XML, `<!DOCTYPE x [<!ENTITY w "y">]><x>a badword</x>`, true},
		{"a style of another language in XML", XML, `<style xmlns="urn:x">here is a bad<b>word</b> to read</style>`, true},
		{"a marked section in XML", XML, "<rss><title><![CDATA[a bad<b>word</b>]]></title></rss>", true},
		{"a page in an address", HTML, `<iframe src="data:text/html,%3Cp%3Ebad%3Cb%3Eword">`, true},
		{"a page in an address in base64", HTML, `<object data="data:text/html;charset=utf-8;base64,PHA+YmFkPGI+d29yZA==">`, true},
		{"text in an address", HTML, `<embed src="data:,a%20badword">`, true},
		{"a script in an address", HTML, `<iframe src="javascript:'a&#32;badword here'">`, true},
		{"a script in an attribute", HTML, `<body onload="document.write('a badword here')">`, true},
		{"a page written in percents in a script", HTML, `<script>document.write(unescape("%3Cp%3Ebad%3Cb%3Eword"));</script>`, true},
		{"a page written in numbers of its letters", HTML, `<script>document.write(unescape("%u0062%u0061dword"));</script>`, true},
		{"a page in base64 in a script", HTML, `<script>document.write(atob("PHA+YmFkPGI+d29yZA=="));</script>`, true},
		{"a page put together by numbers", HTML, `<script>document.write(String.fromCharCode(98, 97,0x64,119,111,114,100));</script>`, true},
		{"JSON in a string of JSON", JSON, `{"a":"[\"x\",\"\\nbadword is here\"]"}`, true},
		{"JSON in JSON in JSON", JSON, `["{\"a\":\"[\\\"b\\\\u0061dword now\\\"]\"}"]`, true},
		{"a name in JSON in JSON", JSON, `["{\"badword\":\"x\"}"]`, false},
		{"text that only begins like JSON", JSON, `["[x] a badword \"here\" [y]"]`, true},
		{"what is no data in a stream of events", Events, ": a badword here\n\n", true},
		{"lines that end otherwise", Events, "data: x\rdata: a badword\r\r", true},
		{"escapes of a style sheet", Style, `.a::before{content:"\62 adword \000062\61 dword"} .b{color:red}`, true},
	}
	x := new(Extractor)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := counts(x, tt.kind, tt.body); got != tt.want {
				v := x.Extract(tt.kind, []byte(tt.body))
				t.Errorf("%s\n smart %q\n bare %q", tt.body, v.Smart, v.Bare)
			}
		})
	}
}

func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wideText(s string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}

func TestCharsetsAreChosenAsBrowsersDo(t *testing.T) {
	page := "<html><p>the badword stands here</p></html>"
	russian := "<html><p>это плохое слово стоит здесь, и больше ничего</p></html>"
	tests := []struct {
		name, typ, body, want string
	}{
		{"UTF-16 little end first with its mark", "text/html", "\xff\xfe" + wideText(page, false), " badword "},
		{"UTF-16 big end first with its mark", "text/html", "\xfe\xff" + wideText(page, true), " badword "},
		{"UTF-16 as the message says", "text/html; charset=utf-16le", wideText(page, false), " badword "},
		{"UTF-16 big end as the message says", "text/html; charset=UTF-16BE", wideText(page, true), " badword "},
		{"UTF-16 that nobody tells of", "text/html", wideText(page, false), " badword "},
		{"UTF-32 with its mark", "text/html", "\xff\xfe\x00\x00" + encoded(t, utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), page), " badword "},
		{"the mark before what the message says", "text/html; charset=windows-1251", "\xff\xfe" + wideText(page, false), " badword "},
		{"the message before the page", "text/html; charset=utf-16le", wideText(`<meta charset="utf-8">`+page, false), " badword "},
		{"a page that says it is UTF-16 and cannot be", "text/html", `<meta charset="utf-16">` + page, " badword "},
		{"Windows-1251 as the page says", "text/html", `<meta charset="windows-1251">` + encoded(t, charmap.Windows1251, russian), " плохое слово "},
		{"Windows-1251 as the page says the old way", "text/html", `<meta http-equiv=Content-Type content="text/html; charset=windows-1251">` + encoded(t, charmap.Windows1251, russian), " плохое слово "},
		{"Windows-1251 by guessing", "text/html", encoded(t, charmap.Windows1251, russian), " плохое слово "},
		{"GB18030", "text/html; charset=gb18030", encoded(t, simplifiedchinese.GB18030, "<p>坏话 在 这里"), " 坏话 "},
		{"Shift_JIS", "text/html; charset=Shift_JIS", encoded(t, japanese.ShiftJIS, "<p>わるい 言葉"), " 言葉 "},
		{"ISO-2022-JP that nobody tells of", "text/html", encoded(t, japanese.ISO2022JP, "<p>わるい 言葉"), " 言葉 "},
		{"EUC-KR", "text/html; charset=euc-kr", encoded(t, korean.EUCKR, "<p>나쁜 말"), " 나쁜 말 "},
		{"KOI8-R by guessing", "text/html", encoded(t, charmap.KOI8R, russian), " плохое слово "},
		{"ISO 8859-5 by guessing", "text/html", encoded(t, charmap.ISO8859_5, russian), " плохое слово "},
		{"IBM 866 by guessing", "text/html", encoded(t, charmap.CodePage866, russian), " плохое слово "},
		{"Greek by guessing", "text/html", encoded(t, charmap.Windows1253, "<p>αυτή είναι μια κακή λέξη για όλους"), " κακή "},
		{"Hebrew by guessing", "text/html", encoded(t, charmap.Windows1255, "<p>זאת היא מילה רעה מאוד בשביל כולם"), " מילה רעה "},
		{"Latin-1 that nobody tells of", "text/html", "<p>caf\xe9 badword", " café badword "},
		{"UTF-7, which browsers do not read", "text/html; charset=utf-7", "<p>badword +AGIAYQBk-word", " badword "},
		{"x-user-defined in the page", "text/html", `<meta charset="x-user-defined"><p>badword`, " badword "},
		{"a parameter that stands there twice", "text/html; charset=utf-16le; charset=utf-8", wideText(page, false), " badword "},
		{"an empty parameter", "text/html; ; charset", page, " badword "},
		{"quotes around it", `text/html; charset="utf-16le"`, wideText(page, false), " badword "},
		{"an XML declaration", "text/xml", `<?xml version="1.0" encoding="windows-1251"?>` + encoded(t, charmap.Windows1251, russian), " плохое слово "},
		{"a mark before UTF-8", "text/html; charset=windows-1252", "\xef\xbb\xbf<p>badwörd", " badwörd "},
	}
	x := new(Extractor)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ := ParseType([]string{tt.typ})
			kind := KindOf(typ, []byte(tt.body))
			v := x.Extract(kind, x.UTF8(typ, kind, []byte(tt.body)))
			if !strings.Contains(string(v.Smart), tt.want) {
				t.Errorf("kind %d, %q", kind, v.Smart)
			}
		})
	}
}

func TestTextIsReadWhateverItIsCalled(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	tests := []struct {
		name, typ, body string
		want            Kind
	}{
		{"a page", "text/html", "<p>x", HTML},
		{"a page with zero bytes", "text/html", "\x00\x01\x02", HTML},
		{"text called a picture", "image/png", "the badword", Plain},
		{"a page called a picture", "image/png", "<html>x", HTML},
		{"text called anything", "application/octet-stream", "the badword", Plain},
		{"a page of no type", "", "  <!DOCTYPE html>x", HTML},
		{"text of no type", "", "the badword", Plain},
		{"text of a type nobody knows", "x-foo/bar", "the badword", Plain},
		{"a type that is malformed", "texthtml", "<html>x", HTML},
		{"a picture", "image/png", png, None},
		{"a picture called text, which a browser may show", "text/plain", png, Plain},
		{"the last of two types", "text/plain, text/html; charset=\"a,b\"", "x", HTML},
		{"bytes", "application/octet-stream", "\x00\x01\x02\x03", None},
		{"an archive of no type", "", "PK\x03\x04\x14\x00", None},
		{"a drawing", "image/svg+xml", "<svg>", XML},
		{"XML of no type", "", "<?xml version='1.0'?><a>", XML},
		{"JSON by its ending", "application/activity+json", `{"a":1}`, JSON},
		{"a page in place of JSON", "application/json", "<html>x", HTML},
		{"nothing", "image/png", "", None},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := KindOf(ParseType([]string{tt.typ}), []byte(tt.body)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestViewsBeginAndEndWithASpaceAndHaveNoTwo(t *testing.T) {
	x := new(Extractor)
	v := x.Extract(HTML, []byte("Aa  bb&nbsp;&nbsp;cc<p> <p>dd\u2003\u2003É"))
	if got := string(v.Smart); got != " aa bb cc dd é " {
		t.Errorf("smart %q", got)
	}
	if got := string(v.Bare); got != " aa bb cc dd e " {
		t.Errorf("bare %q", got)
	}
	if v := x.Extract(HTML, []byte("plain words")); v.Bare != nil {
		t.Errorf("a second view of plain words: %q", v.Bare)
	}
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		"<p title='x>y'>a&#120;b<!-- --!><script>'a'+\"b\"/x/</script>", `{"a":"\ud835\udc1b<b>"}`, "<iframe srcdoc='&lt;iframe srcdoc=&quot;'>",
		"&&#&#x;&amp&notit;", "<![CDATA[]]>", "<svg", "data: {\"a\":\"b\"}\n", "\x1b$B", "\xff\xfe<\x00", "`${`${'a'}`}`",
	} {
		for k := range Events + 1 {
			f.Add(uint8(k), "text/html; charset=utf-16", []byte(s))
		}
	}
	x := new(Extractor)
	f.Fuzz(func(t *testing.T, kind uint8, typ string, body []byte) {
		ct := ParseType([]string{typ})
		k := Kind(kind % uint8(Events+1))
		KindOf(ct, body)
		v := x.Extract(k, x.UTF8(ct, k, body))
		for _, view := range [][]byte{v.Smart, v.Bare} {
			if len(view) == 0 {
				continue
			}
			if view[0] != ' ' || view[len(view)-1] != ' ' || strings.Contains(string(view), "  ") || strings.ContainsAny(string(view), "\x00ABC<>") {
				t.Fatalf("%q gave %q", body, view)
			}
		}
	})
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"a bad<b title='x > y'>word</b> b", "<script>if (a<b) x", "a <!-- b", "<", "</", "<p", "<textarea>a b", "a\n<div", "<!d>b c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		at, within := Cut(s)
		if at < 0 || at > len(s) || at == len(s) && within != "" {
			t.Fatalf("%q is cut at %d, within %q", s, at, within)
		}
	})
}
