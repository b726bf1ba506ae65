// Package stories tells school days end to end, with the real program: the
// scripts in testdata, and a browser that goes through the filter. It holds
// tests only.
package stories
