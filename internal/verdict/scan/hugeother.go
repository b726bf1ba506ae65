//go:build unix && !linux

package scan

func hugePages([]byte) {}
