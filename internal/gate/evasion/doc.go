// Package evasion tries the whole gate with what pupils, sites and programs do
// to get round a filter or to break it: one file of cases for each way, over
// real sockets, into a tunnel and into TLS that is looked into. The cases and
// how they are written are in cases/README.md; doc/evasion.md is the list of
// all, made by the tests. There is nothing here but tests.
package evasion
