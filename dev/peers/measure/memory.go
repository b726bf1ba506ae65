package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// resident is what a process holds in memory, in KiB.
func resident(pid int) (total, files int, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		word := strings.Fields(lines.Text())
		if len(word) < 2 {
			continue
		}
		n, _ := strconv.Atoi(word[1]) // other lines hold no number
		switch word[0] {
		case "VmRSS:":
			total = n
		case "RssFile:":
			files = n
		}
	}
	return total, files, lines.Err()
}

// rss tells what a process holds now.
func rss(args []string) error {
	set := flag.NewFlagSet("rss", flag.ExitOnError)
	pid := set.Int("pid", 0, "the process")
	if err := set.Parse(args); err != nil {
		return err
	}
	total, files, err := resident(*pid)
	if err != nil {
		return err
	}
	out("rss_mb", float64(total)/1024)
	out("rss_mb_of_files", float64(files)/1024)
	return nil
}

// peak watches a process while a command runs, and for some seconds after.
func peak(args []string) error {
	set := flag.NewFlagSet("peak", flag.ExitOnError)
	pid := set.Int("pid", 0, "the process")
	after := set.Duration("after", 5*time.Second, "how long to look on")
	if err := set.Parse(args); err != nil {
		return err
	}
	before, _, err := resident(*pid)
	if err != nil {
		return err
	}
	cmd := exec.Command(set.Args()[0], set.Args()[1:]...)
	cmd.Stderr = os.Stderr
	ended := make(chan error, 1)
	go func() { ended <- cmd.Run() }()
	most := before
	var stop <-chan time.Time
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			stop = time.After(*after)
		case <-stop:
			now, _, err := resident(*pid)
			out("steady_mb", float64(before)/1024)
			out("peak_mb", float64(most)/1024)
			out("peak_ratio", float64(most)/float64(before))
			out("after_mb", float64(now)/1024)
			return err
		case <-tick.C:
			now, _, err := resident(*pid)
			if err != nil {
				return err
			}
			most = max(most, now)
		}
	}
}
