// Package arch holds the house together: tests that read the imports of every
// file and fail, with the reason, when a room reaches for what is not its own.
package arch
