package segment

// KeysByAnyWay and KeysByTheLongWay let the tests compare the short way
// through a name with the plain one.
func KeysByAnyWay(host string) ([]uint64, bool) {
	var b Batch
	return collectKeys(&b, host, b.Begin(host))
}

func KeysByTheLongWay(host string) ([]uint64, bool) {
	var b Batch
	return collectKeys(&b, host, b.beginLong(host))
}

func collectKeys(b *Batch, host string, ok bool) ([]uint64, bool) {
	var keys []uint64
	for ok {
		keys = append(keys, b.Keys[:b.N]...)
		if !b.More() {
			return keys, true
		}
		ok = b.Next(host)
	}
	return nil, false
}
