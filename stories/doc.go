// Package stories holds what the whole program does, told as a user meets it:
// the built binary, real sockets, a real data folder. Nothing of it is in the
// program.
//
// A story is a script in testdata. Besides the usual commands of testscript
// (stdout, stderr, exists, cp, rm …) it has these:
//
//	school [POLICY] [bare]     a fresh folder, served and set up on the real pages
//	serve [FLAG…], halt SIGNAL the server; halt INT ends the filter with it
//	device NAME                takes a device in hand; each has its own address
//	as USER                    uses the desk's pages, signed in (as nobody: not)
//	signin USER                signs in from behind the filter; the device is theirs
//	account USER               the network manager makes the account, its owner a password
//	visit PATH [TEXT]          opens a page; the text must stand on it (not:TEXT: must not)
//	fill PATH name=value…      opens a page and sends the form that has these fields
//	post PATH name=value…      sends a form that no page offered
//	sees TEXT…, status N       what came last; ! sees says that it is not there
//	ask [--as USER] URL [N]    opens an address through the filter; N is the status
//	dig [tcp] NAME [WORD]      asks the filter's DNS
//	site NAME ADDRESS          says where a name leads in the story's own internet
//	belisha ARGS               a command that succeeds; exits N ARGS: one that ends with N
//	says REGEXP ARGS           a command whose output fits
//	oneline                    what was said on standard error is one plain sentence
//	fields NAME…, count N      the JSON on standard output
//	soon CMD, within TIME CMD  tries until it works
//	sql STATEMENT, aged, spoil, replace, cut, encode, pack, names, found, backup-file, port
//	                           the records, files and ports behind Belisha's back
//	filter note|same|new|gone|kill
//	                           the filter's own process
package stories
