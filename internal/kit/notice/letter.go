package notice

import (
	"strings"
	"time"

	"belisha/internal/kit/words"
)

// mostLines is how many notices one mail lists; the rest are counted.
const mostLines = 12

// write makes the mail of a parcel. It tells that something waits, in the
// words of the notice, and no more.
func write(p parcel, l Letterhead, zone *time.Location, now time.Time) Message {
	m := Message{
		ID: messageID(p), Name: p.reader.Name, To: p.reader.Email, Urgent: p.urgent, At: now,
		Subject: "Something waits for you at Belisha",
	}
	if p.urgent {
		m.Subject = "Urgent: something waits for you at Belisha"
	}
	if l.School != "" {
		m.Subject += " (" + oneLine(l.School) + ")"
	}
	w := words.In(zone, now)
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	if p.urgent {
		line("This is urgent. Please look at it now.")
		line()
	}
	for i, k := range p.list {
		if i == mostLines {
			line("- and ", words.Count(len(p.list)-mostLines, "more thing", "more things"))
			break
		}
		line("- ", k.What, " (", w.Near(k.made), ")")
	}
	line()
	switch {
	case l.Base == "":
		line("Open Belisha at school as you always do; it stands on your first page.")
	case len(p.list) == 1:
		line("Open it: ", strings.TrimSuffix(l.Base, "/"), p.list[0].Link)
	default:
		line("Open your first page: ", strings.TrimSuffix(l.Base, "/"), "/")
	}
	line()
	line("This mail tells no detail, so that nobody else learns one from it. Please do not answer it.")
	if l.School != "" {
		line(oneLine(l.School))
	}
	m.Body = b.String()
	return m
}

// oneLine keeps a name from becoming a header of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return ' '
		}
		return r
	}, s)
}
