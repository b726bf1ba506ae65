//go:build unix && !linux

package segment

// wantHugePages does nothing where there is nothing to ask.
func wantHugePages([]byte) {}
