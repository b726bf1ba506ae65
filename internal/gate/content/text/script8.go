package text

import "golang.org/x/text/encoding/charmap"

// common are the letters that most of a text in a script consists of, with the
// encodings of one byte a letter that it was written in.
var common = []struct {
	letters string
	names   []string
	maps    []*charmap.Charmap
}{
	{
		"оеаинтсрвлкмдпуяыьгз",
		[]string{"windows-1251", "koi8-r", "ibm866", "iso-8859-5", "x-mac-cyrillic"},
		[]*charmap.Charmap{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5, charmap.MacintoshCyrillic},
	},
	{"αοιετσνηυρπκμλςόίάέήδ", []string{"windows-1253"}, []*charmap.Charmap{charmap.Windows1253}},
	{"יוהלאמרבתשנםדקע", []string{"windows-1255"}, []*charmap.Charmap{charmap.Windows1255}},
	{"اليمنورتبةعدسفهك", []string{"windows-1256"}, []*charmap.Charmap{charmap.Windows1256}},
	{"านรอกเงมยลวดทสตะปบคหแจพช่้ิี", []string{"windows-874"}, []*charmap.Charmap{charmap.Windows874}},
}

// singleByte guesses the encoding of a text of words of letters above 7F by
// which letters they would be.
func singleByte(body []byte) string {
	var of [256]int
	for _, c := range body {
		of[c]++
	}
	best, most := "windows-1251", 0
	for i := range common {
		c := &common[i]
		letters := map[rune]bool{}
		for _, r := range c.letters {
			letters[r] = true
		}
		for j, m := range c.maps {
			n := 0
			for b := 0x80; b < 0x100; b++ {
				if letters[m.DecodeByte(byte(b))] {
					n += of[b]
				}
			}
			if n > most {
				best, most = c.names[j], n
			}
		}
	}
	return best
}
