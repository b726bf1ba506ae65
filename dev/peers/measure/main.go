// Command measure takes the figures of a running filter that no load generator
// gives: memory, readiness, how late answers come at half load, and how soon a
// changed rule holds. It prints lines of "name<TAB>value". It is part of the
// comparison with other filters and runs inside its private network.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"ready": ready, "rss": rss, "peak": peak, "late": late, "change": change,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fail(errors.New("say ready, rss, peak, late or change"))
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "measure:", err)
	os.Exit(1)
}

func out(name string, value any) { fmt.Printf("%s\t%v\n", name, value) }
