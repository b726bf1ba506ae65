package segment

import "testing"

func TestEveryByteIsFoundGoodOrBadInEveryPlaceOfAWord(t *testing.T) {
	for c := range 256 {
		may := c == '-' || c == '.' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
		for place := range 8 {
			shift := 8 * place
			w := uint64('a'*ones)&^(0xff<<shift) | uint64(c)<<shift
			if got := badOf(w) != 0; got == may {
				t.Errorf("byte %#x in place %d: bad is %v", c, place, got)
			}
			if got := dotsOf(w) != 0; got != (c == '.') {
				t.Errorf("byte %#x in place %d: dot is %v", c, place, got)
			}
		}
	}
}
