package files

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"strconv"
)

// pdfLock is what a PDF says of its encryption. Many a PDF is encrypted only
// so that readers keep to what its maker allows, and opens with the empty
// password; the words are those of ISO 32000-2, 7.6.
type pdfLock struct {
	v, r, p, length int
	o, u, ue, id    []byte
	meta            bool   // the metadata are encrypted too
	way             string // of the streams: V2, AESV2, AESV3
	key             []byte
}

// pdfPad stands for a password, or fills one up.
var pdfPad = []byte("\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01\x08\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53\x69\x7a")

// newPDFLock reads the dictionary in which the standard handler's name stands,
// and tries the empty password; nil where that does not open it.
func newPDFLock(dict, id []byte) *pdfLock {
	l := &pdfLock{v: pdfInt(dict, "V"), r: pdfInt(dict, "R"), p: pdfInt(dict, "P"), length: pdfInt(dict, "Length"), id: id, meta: !bytes.Contains(dict, []byte("/EncryptMetadata false")), way: "V2"}
	l.o, l.u, l.ue = pdfBytes(dict, "O"), pdfBytes(dict, "U"), pdfBytes(dict, "UE")
	for _, way := range [...]string{"AESV2", "AESV3"} {
		if bytes.Contains(dict, []byte("/"+way)) {
			l.way = way
		}
	}
	switch {
	case l.v >= 5:
		if len(l.u) < 48 || len(l.ue) < 32 || !bytes.Equal(l.hash(l.u[32:40]), l.u[:32]) {
			return nil
		}
		b, err := aes.NewCipher(l.hash(l.u[40:48]))
		if err != nil {
			return nil
		}
		l.key = make([]byte, 32)
		cipher.NewCBCDecrypter(b, make([]byte, 16)).CryptBlocks(l.key, l.ue[:32])
		return l
	case l.v == 4:
		l.length = 128
	case l.v == 1 || l.length < 40 || l.length > 128:
		l.length = 40
	}
	if len(l.o) < 32 || len(l.u) < 16 || l.r < 2 || !l.opens() {
		return nil
	}
	return l
}

// opens makes the key of the empty password, and reports whether it is right.
func (l *pdfLock) opens() bool {
	h := md5.New()
	h.Write(pdfPad)
	h.Write(l.o[:32])
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(l.p)))
	h.Write(l.id)
	if l.r >= 4 && !l.meta {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	n := l.length / 8
	key := h.Sum(nil)
	if l.r == 2 {
		l.key = key[:5]
		return bytes.Equal(crypt4(l.key, pdfPad), l.u)
	}
	for range 50 {
		sum := md5.Sum(key[:n])
		key = sum[:]
	}
	l.key = key[:n]
	sum := md5.Sum(append(bytes.Clone(pdfPad), l.id...))
	want := sum[:]
	for i := range 20 {
		k := bytes.Clone(l.key)
		for j := range k {
			k[j] ^= byte(i)
		}
		want = crypt4(k, want)
	}
	return bytes.Equal(want, l.u[:16])
}

func crypt4(key, b []byte) []byte {
	out := make([]byte, len(b))
	c, err := rc4.NewCipher(key)
	if err != nil {
		return out
	}
	c.XORKeyStream(out, b)
	return out
}

// hash is algorithm 2.B for the empty password, or the plain sum of before.
func (l *pdfLock) hash(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	k := sum[:]
	if l.r < 6 {
		return k
	}
	for i := 1; ; i++ {
		in := bytes.Repeat(k, 64)
		b, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		cipher.NewCBCEncrypter(b, k[16:32]).CryptBlocks(in, in)
		mod := 0
		for _, c := range in[:16] {
			mod += int(c)
		}
		switch mod % 3 {
		case 0:
			s := sha256.Sum256(in)
			k = s[:]
		case 1:
			s := sha512.Sum384(in)
			k = s[:]
		default:
			s := sha512.Sum512(in)
			k = s[:]
		}
		if i >= 64 && int(in[len(in)-1]) <= i-32 || i > 400 {
			return k[:32]
		}
	}
}

// open decrypts one stream of an object.
func (l *pdfLock) open(b []byte, object, generation int) []byte {
	key := l.key
	if l.v < 5 {
		in := append(bytes.Clone(key), byte(object), byte(object>>8), byte(object>>16), byte(generation), byte(generation>>8))
		if l.way == "AESV2" {
			in = append(in, "sAlT"...)
		}
		sum := md5.Sum(in)
		key = sum[:min(len(l.key)+5, 16)]
	}
	if l.way == "V2" {
		return crypt4(key, b)
	}
	c, err := aes.NewCipher(key)
	if err != nil || len(b) < 32 {
		return nil
	}
	iv, body := b[:16], b[16:len(b)-len(b)%16]
	out := make([]byte, len(body))
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(out, body)
	return out
}

// pdfAfter is what stands behind a name in a dictionary.
func pdfAfter(dict []byte, name string) []byte {
	for at := 0; ; {
		i := bytes.Index(dict[at:], []byte("/"+name))
		if i < 0 {
			return nil
		}
		at += i + 1 + len(name)
		if rest := dict[at:]; len(rest) > 0 && (rest[0] <= ' ' || rest[0] == '(' || rest[0] == '<' || rest[0] == '[' || rest[0] == '-') {
			return bytes.TrimLeft(rest, " \t\r\n")
		}
	}
}

func pdfInt(dict []byte, name string) int {
	rest := pdfAfter(dict, name)
	n := 0
	for n < len(rest) && n < 12 && (rest[n] == '-' || rest[n] >= '0' && rest[n] <= '9') {
		n++
	}
	v, err := strconv.Atoi(string(rest[:n]))
	if err != nil {
		return 0
	}
	return v
}

// pdfBytes is a string of a dictionary, of at most 128 bytes.
func pdfBytes(dict []byte, name string) []byte { return pdfString(pdfAfter(dict, name)) }

func pdfString(b []byte) []byte {
	var out []byte
	switch {
	case len(b) > 0 && b[0] == '<':
		half := -1
		for _, c := range b[1:] {
			h := hex(c)
			if c == '>' || len(out) > 128 {
				break
			}
			if h < 0 {
				continue
			}
			if half < 0 {
				half = h
				continue
			}
			out, half = append(out, byte(half<<4|h)), -1
		}
	case len(b) > 0 && b[0] == '(':
		out = pdfLiteral(b[1:])
	}
	return out
}

// pdfLiteral reads a string in brackets.
func pdfLiteral(b []byte) []byte {
	var out []byte
	deep := 1
	for i := 0; i < len(b) && len(out) <= 128; i++ {
		c := b[i]
		switch {
		case c == '\\' && i+1 < len(b):
			i++
			if b[i] >= '0' && b[i] <= '7' {
				v := 0
				for j := 0; j < 3 && i < len(b) && b[i] >= '0' && b[i] <= '7'; j++ {
					v, i = v*8+int(b[i]-'0'), i+1
				}
				i--
				out = append(out, byte(v))
				continue
			}
			if k := bytes.IndexByte([]byte("nrtbf"), b[i]); k >= 0 {
				out = append(out, "\n\r\t\b\f"[k])
			} else if b[i] != '\n' && b[i] != '\r' {
				out = append(out, b[i])
			}
			continue
		case c == '(':
			deep++
		case c == ')':
			if deep--; deep == 0 {
				return out
			}
		}
		out = append(out, c)
	}
	return out
}
