package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64) // a measurement that failed is 0, and wins nothing
	return n
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// rates are a peer's requests a second, round by round. DNS has no loads.
func (r *rows) rates(file, peer, load string) []float64 {
	var out []float64
	for _, f := range r.files[file] {
		switch {
		case file == "dns" && len(f) > 3 && f[0] == peer:
			out = append(out, number(f[3]))
		case file != "dns" && len(f) > 3 && f[0] == peer && f[1] == load:
			out = append(out, number(f[3]))
		}
	}
	return out
}

// against compares with one peer and names others beside it.
func (r *rows) against(what, file, load, peer string, limit float64, others ...string) figure {
	f := figure{what: what, wanted: fmt.Sprintf("%.2f × %s", limit, peer), limit: limit}
	ours, theirs := r.rates(file, name, load), r.rates(file, peer, load)
	if median(theirs) == 0 || len(ours) == 0 {
		return f
	}
	f.value = median(ours) / median(theirs)
	var each []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] > 0 {
			each = append(each, ours[i]/theirs[i])
		}
	}
	f.here = fmt.Sprintf("**%.2f ×** (%.2f to %.2f), %.0f/s", f.value, slices.Min(each), slices.Max(each), median(ours))
	beside := []string{fmt.Sprintf("%s %.0f/s", peer, median(theirs))}
	for _, o := range others {
		if m := median(r.rates(file, o, load)); m > 0 {
			beside = append(beside, fmt.Sprintf("%s %.0f/s", o, m))
		}
	}
	f.beside = strings.Join(beside, ", ")
	return f
}

// alone is a figure without a peer.
func (r *rows) alone(what, key, unit string, limit float64, notes ...string) figure {
	f := figure{what: what, wanted: fmt.Sprintf("at most %g%s", limit, unit), limit: limit, most: true}
	all := r.own[key]
	if len(all) == 0 {
		return f
	}
	f.value = median(all)
	f.here = fmt.Sprintf("**%.3g%s**", f.value, unit)
	var beside []string
	for _, n := range notes {
		label, key, _ := strings.Cut(n, "=")
		if v := r.own[key]; len(v) > 0 {
			beside = append(beside, fmt.Sprintf("%s %.3g", label, median(v)))
		}
	}
	f.beside = strings.Join(beside, ", ")
	return f
}

func figures(r *rows) []figure {
	plain := "go-nethttp"
	all := []figure{
		r.against("1 KB pages, all rules on, names alone judged", "names", "1k", plain, 0.9),
		r.against("1 KB pages, all rules on, and all content scans", "proxy", "1k", plain, 0.9, "squid", "e2guardian"),
		r.against("30 KB HTML, all content scans, all of e2guardian's phrases", "proxy", "30k", plain, 0.4, "squid", "e2guardian"),
		r.against("the same, beside e2guardian", "proxy", "30k", "e2guardian", 40),
		r.against("half of the names listed, names alone judged", "names", "mix", plain, 1.5),
		r.against("half of the names listed, and all content scans", "proxy", "mix", plain, 1.5, "squid", "e2guardian"),
		r.against("1 MB image, all content scans", "proxy", "1m", plain, 0.95, "squid", "e2guardian"),
		scanned(r),
		r.against("new TLS connections inspected", "tls", "handshake", "goproxy-mitm", 1.0001, "squid-bump", "e2guardian-mitm"),
		r.against("DNS, blocked and cached answers", "dns", "", "dnsdist", 1, "unbound", "unbound-zones", "go-floor"),
		r.alone("memory with 5,000,000 names, proxy and DNS", "rss_mb", " MB", 180, "of it mapped files=rss_mb_of_files"),
		r.alone("peak while the largest list is replaced", "peak_ratio", " ×", 1.4, "from=steady_mb", "to=peak_mb", "then=after_mb"),
		r.alone("ready after a start, 5,000,000 names", "ready_ms", " ms", 300, "worst of five=ready_ms_worst"),
		r.added(),
		r.alone("a one-rule change in force", "change_ms", " ms", 1000, "with publishing=change_ms_with_publishing", "answers meanwhile=change_answers"),
		r.alone("connections dropped by it", "change_dropped", "", 0),
	}
	return all
}

// added is how much later the slowest hundredth comes through the filter.
func (r *rows) added() figure {
	f := r.alone("p99 added at half load, 30 KB", "late_belisha_p99_ms", " ms", 2)
	ours, straight := r.own["late_belisha_p99_ms"], r.own["late_direct_p99_ms"]
	if len(ours) == 0 || len(straight) == 0 {
		return f
	}
	f.value = median(ours) - median(straight)
	f.here = fmt.Sprintf("**%.2f ms**", f.value)
	f.beside = fmt.Sprintf("p99 %.2f ms, straight to the origin %.2f ms, through plain Go %.2f ms; p50 %.2f, %.2f, %.2f ms; at %.0f requests/s",
		median(ours), median(straight), median(r.own["late_plain_p99_ms"]),
		median(r.own["late_belisha_p50_ms"]), median(r.own["late_direct_p50_ms"]), median(r.own["late_plain_p50_ms"]), median(r.own["half_load"]))
	return f
}

// scanned reads the figures of the phrase scan alone.
func scanned(r *rows) figure {
	f := figure{what: "phrase scan alone, 10,000 phrases, a core", wanted: "250 MB/s, at most 32 MB", limit: 250}
	for line := range strings.Lines(r.scan) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "BenchmarkWeigh/10,000") {
			continue
		}
		for i, unit := range fields {
			switch unit {
			case "MB/s":
				f.value = number(fields[i-1])
			case "table-MB":
				f.beside = "automaton " + fields[i-1] + " MB"
			}
		}
		f.here = fmt.Sprintf("**%.0f MB/s**", f.value)
	}
	return f
}
