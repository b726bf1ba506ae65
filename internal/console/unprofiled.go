//go:build !profile

package console

// profiled does nothing but in a build that is made to be measured.
func profiled() (stop func(), err error) { return func() {}, nil }
