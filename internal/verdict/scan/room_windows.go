package scan

// room returns a table; nothing is given back, since the collector sees it.
func room(entries int) (table []uint32, release func([]byte), whole []byte) {
	return make([]uint32, entries), nil, nil
}
