package probes

import "time"

// ReadTold reads what a device tells.
func ReadTold(raw []byte) []Told { return readTold(raw) }

// Given is when a number was given to a site with a key.
func Given(key, number string) (time.Time, bool) { return Site{key: key}.given(number) }

// Number is what a site with a key is given.
func Number(key string, at time.Time) string { return Site{key: key}.number(at) }
