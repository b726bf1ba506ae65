package files

import (
	"bytes"
	"encoding/binary"
)

// isLZMA is strict, because the format has no magic: a dictionary of 2^n or
// 2^n + 2^(n-1), and the usual properties with a size that fits in 40 bits, or
// any with a size that is not known.
func isLZMA(h []byte) bool {
	if len(h) < 14 || h[0] >= 9*5*5 || h[13] != 0 {
		return false
	}
	dict, size := binary.LittleEndian.Uint32(h[1:]), binary.LittleEndian.Uint64(h[5:])
	return dict >= 1<<12 && (dict&(dict-1) == 0 || dict%3 == 0 && dict/3&(dict/3-1) == 0) && (size == 1<<64-1 || h[0] == 0x5d && size < 1<<40)
}

// isSkippable is what zstd may begin with, and every reader of it passes over.
func isSkippable(h []byte) bool { return h[0]&0xf0 == 0x50 }

// isTar knows a tar of before 1988 by its checksum.
func isTar(h []byte) bool {
	if len(h) < 512 || h[0] == 0 {
		return false
	}
	want, digits := 0, 0
	for _, c := range h[148:156] {
		if c >= '0' && c <= '7' {
			want, digits = want*8+int(c-'0'), digits+1
		} else if c != ' ' && c != 0 {
			return false
		}
	}
	sum := 8 * int(' ')
	for i, c := range h[:512] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	return digits > 0 && sum == want
}

func isIcon(h []byte) bool {
	return len(h) > 10 && (h[4] != 0 || h[5] != 0) && h[5] < 4 && h[9] == 0
}

func isBitmap(h []byte) bool {
	return len(h) > 18 && h[6]|h[7]|h[8]|h[9] == 0 && h[15]|h[16]|h[17] == 0 && h[14] >= 12
}

func isBzip2(h []byte) bool {
	return len(h) >= 10 && h[3] >= '1' && h[3] <= '9' && (string(h[4:10]) == "1AY&SY" || string(h[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isClass tells a Java class from a fat Mac program, which begin alike: one
// goes on with a version from 45, the other with a count of processors.
func isClass(h []byte) bool {
	return len(h) >= 8 && binary.BigEndian.Uint32(h[4:])&0xffff >= 45
}

func isCpio(h []byte) bool {
	if len(h) < 76 {
		return false
	}
	for _, c := range h[:76] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

func isFlash(h []byte) bool { return len(h) > 8 && h[3] > 0 && h[3] < 60 && h[7] < 0x10 }

func isVirtualBox(h []byte) bool {
	return bytes.Contains(h[:min(len(h), 80)], []byte("Disk Image"))
}

func isLHA(h []byte) bool { return len(h) > 21 && h[6] == '-' && h[0] > 0 }

// isDOS tells a program from a text that begins with the same two letters.
func isDOS(h []byte) bool {
	if len(h) < 28 {
		return len(h) > 2 && bytes.IndexByte(h, 0) >= 0
	}
	return bytes.IndexByte(h[:min(len(h), 512)], 0) >= 0
}

// isBootSector tells a drive from other files with two fixed bytes at 510: a
// jump at the start and a known file system's name, or a partition table.
func isBootSector(h []byte) bool {
	for _, name := range [...]string{"NTFS    ", "EXFAT   ", "FAT12   ", "FAT16   ", "FAT32   "} {
		if bytes.Contains(h[:90], []byte(name)) {
			return true
		}
	}
	if h[0] != 0xeb && h[0] != 0x33 && h[0] != 0xfa && h[0] != 0xfc && h[0] != 0 {
		return false
	}
	used := 0
	for i := 446; i < 510; i += 16 {
		if h[i] != 0 && h[i] != 0x80 {
			return false
		}
		if h[i+4] != 0 {
			used++
		}
	}
	return used > 0
}
