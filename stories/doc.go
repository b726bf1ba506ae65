// Package stories holds what the whole program does, told as a user meets it:
// the built binary, real sockets, a real data folder. Nothing of it is in the
// program.
//
// A story is a script in testdata. Besides the usual commands of testscript
// (stdout, stderr, exists, cp, rm …) it has these:
//
//	school [POLICY] [bare] [safe] [trusting]
//	                           a fresh folder, served and set up on the real pages,
//	                           safe: over HTTPS; trusting: its filter believes the
//	                           certificates of the story's sites
//	clock to WEEKDAY HH:MM, clock on TIME, clock back TIME
//	                           a program whose time the story moves
//	serve [FLAG…], halt SIGNAL the server; halt INT ends the filter with it
//	device NAME                takes a device in hand; each has its own address
//	as USER                    uses the desk's pages, signed in (as nobody: not)
//	signin USER                signs in from behind the filter; the device is theirs
//	account USER               the network manager makes the account, its owner a password
//	visit PATH [TEXT]          opens a page; the text must stand on it (not:TEXT: must not)
//	fill PATH name=value…      opens a page and sends the form that has these fields
//	post PATH name=value…      sends a form that no page offered
//	follow WORDS, press [WORD] name=value…
//	                           a link, a form of the last page
//	keep NAME [WORD] name=value…, send NAME…, forge NAME
//	                           forms left open: sent late, twice, at once, by another site
//	address NAME, read NAME REGEXP, steps TIME
//	                           where the last page is, what stands on it; how much a
//	                           person had to do
//	sees TEXT…, status N       what came last; ! sees says that it is not there
//	ask [--as USER] URL [N]    opens an address through the filter; N is the status;
//	                           --ticket USER: with a ticket of the story's realm
//	hold NAME URL, held NAME, closed NAME
//	                           a tunnel that stays open
//	floor [away|sites], shut HOST, paused
//	                           the help floor at every door; what must be closed there
//	dig [tcp] NAME [WORD]      asks the filter's DNS
//	site NAME ADDRESS          says where a name leads in the story's own internet
//	offers URL FILE [TYPE]     puts a file on one of its sites
//	craft program|eicar FILE   makes a file that no script can hold
//	scanner set|start|stop     the school's virus scanner; set comes before the school
//	squid ICAP-ADDRESS HOST…   a school's own Squid, which asks Belisha; devices go
//	                           through it from then on
//	realm FILE USER…           the school's domain, with these people; FILE is the
//	                           proxy's keytab
//	wifi SECRET on|off USER    an access point says who is on the device at hand
//	belisha ARGS               a command that succeeds; exits N ARGS: one that ends with N
//	says REGEXP ARGS           a command whose output fits
//	oneline                    what was said on standard error is one plain sentence
//	fields NAME…, count N      the JSON on standard output
//	soon CMD, within TIME CMD  tries until it works
//	sql STATEMENT, aged, spoil, replace, cut, encode, pack, names, found, backup-file, port
//	                           the records, files and ports behind Belisha's back
//	filter note|same|new|gone|kill|alone
//	                           the filter's own process
//
// testdata/browser is told in Chromium, on a phone and at a desk, with window,
// go, shows, fit and keys; testdata/long takes minutes, with many and kills.
package stories
