// Command belisha makes a school's own online-safety policy true: it filters
// the web, keeps the evidence, and shows clause by clause which promises are
// being kept.
package main

import (
	"os"
	_ "time/tzdata" // the school's zone, on machines without one

	"belisha/internal/console"
)

// version is set when the program is built.
var version = "dev"

func main() {
	os.Exit(console.Main(version, os.Args[1:]))
}
