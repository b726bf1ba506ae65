package lists

import (
	"fmt"
	"strings"
)

// Help is one host of the help floor.
type Help struct {
	Host    string // the name and every name below it
	Service string
	Phone   string // as a pupil reads it; empty if there is none
	Pupil   string // what they do, in one sentence
}

// HelpFloor gives the hosts that no list, phrase or sanction may close.
func HelpFloor() ([]Help, error) {
	var out []Help
	err := eachRow("help.txt", "", 4, func(c []string) error {
		h := Help{Host: c[0], Service: c[1], Phone: c[2], Pupil: c[3]}
		if err := checkHost(h.Host); err != nil {
			return fmt.Errorf("%q %w", h.Host, err)
		}
		if h.Service == "" || h.Pupil == "" {
			return fault("service or sentence is missing")
		}
		out = append(out, h)
		return nil
	})
	return out, err
}

// Essentials gives the names that devices need for time, certificates and
// updates, each with every name below it.
func Essentials() ([]string, error) { return hosts("essentials.txt") }

// Pinned gives the names behind apps that take no certificate but their
// maker's, so that looking into them would only break them: stores, updates,
// messengers, banks' apps. Each with every name below it.
func Pinned() ([]string, error) { return hosts("pinned.txt") }

// hosts reads a file of names.
func hosts(file string) ([]string, error) {
	var out []string
	err := eachRow(file, "", 1, func(c []string) error {
		if err := checkHost(c[0]); err != nil {
			return fmt.Errorf("%q %w", c[0], err)
		}
		out = append(out, c[0])
		return nil
	})
	return out, err
}

// SafeSearch is one exact host whose DNS answer is replaced by a CNAME, so
// that the service keeps its safe setting. Where a service has only one
// setting, Moderate is the same as Strict.
type SafeSearch struct {
	Host, Strict, Moderate string
}

// SafeSearchHosts gives every such host, Google's endings written out.
func SafeSearchHosts() ([]SafeSearch, error) {
	rows, err := safeSearchRows()
	if err != nil {
		return nil, err
	}
	var out []SafeSearch
	for _, r := range rows {
		if r.kind == "cname" {
			out = append(out, r.SafeSearch)
		}
	}
	return out, nil
}

type safeSearchRow struct {
	SafeSearch
	kind string
}

func safeSearchRows() ([]safeSearchRow, error) {
	suffixes, err := googleSuffixes()
	if err != nil {
		return nil, err
	}
	var out []safeSearchRow
	err = eachRow("safesearch.tsv", "host", 4, func(c []string) error {
		row := safeSearchRow{SafeSearch{Host: c[0], Strict: c[1], Moderate: c[2]}, c[3]}
		if row.kind != "cname" && row.kind != "none" {
			return fmt.Errorf("%q is neither cname nor none", row.kind)
		}
		if row.kind == "cname" && (checkHost(row.Strict) != nil || checkHost(row.Moderate) != nil) {
			return fmt.Errorf("the target of %s %w", row.Host, errHost)
		}
		base, any := strings.CutSuffix(row.Host, ".*")
		if !any {
			out = append(out, row)
			return checkHost(row.Host)
		}
		for _, s := range suffixes {
			row.Host = base + "." + s
			out = append(out, row)
		}
		return nil
	})
	return out, err
}

func googleSuffixes() ([]string, error) {
	var out []string
	err := eachRow("google-suffixes.txt", "", 1, func(c []string) error {
		out = append(out, strings.Fields(c[0])...)
		return nil
	})
	return out, err
}
