package people

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// endless writes a transfer file as it is read, and looks at the memory now
// and then.
type endless struct {
	t        *testing.T
	pending  string
	next     int
	pupils   int
	fill     string
	bytes    int64
	looked   int64
	base     uint64 // what other tests hold
	most     uint64
	finished bool
}

func (e *endless) Read(p []byte) (int, error) {
	for e.pending == "" {
		switch {
		case e.next < e.pupils:
			e.pending = fmt.Sprintf("<Pupil><Surname>Name%d</Surname><Forename>Given</Forename><DOB>2018-02-09</DOB><Attendance>%s</Attendance></Pupil>\n", e.next, e.fill)
			e.next++
		case !e.finished:
			e.finished, e.pending = true, "</CTFpupilData></CTfile>"
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	e.bytes += int64(n)
	if e.bytes-e.looked > 8<<20 {
		e.looked, e.most = e.bytes, max(e.most, over(held(), e.base))
	}
	return n, nil
}

// held is what is in use now, without what only waits to be swept.
func held() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func over(now, base uint64) uint64 { return now - min(now, base) }

func TestALargeTransferFileIsReadInLittleMemory(t *testing.T) {
	year := "<YearData><Year>2026</Year><Marks>" + strings.Repeat("/\\", 2000) + "</Marks></YearData>"
	e := &endless{t: t, pupils: 5400, fill: strings.Repeat(year, 10), pending: "<CTfile><Header><CTFversion>24.0</CTFversion></Header><CTFpupilData>", base: held()}
	before := time.Now()
	r, err := readCTF(e, "large.xml", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	if err != nil || len(r.rows) != 5400 {
		t.Fatal(err)
	}
	t.Logf("%d MB in %v, at most %d MB held", e.bytes>>20, time.Since(before), e.most>>20)
	if e.bytes < 200<<20 || e.most > 48<<20 {
		t.Errorf("%d MB were read and %d MB held at once", e.bytes>>20, e.most>>20)
	}
}

func TestATransferFileWithoutEndIsRefused(t *testing.T) {
	e := &endless{t: t, pupils: 1 << 30, fill: strings.Repeat("<a>"+strings.Repeat("x", 60_000)+"</a>", 15), pending: "<CTfile><CTFpupilData>"}
	_, err := readCTF(e, "large.xml", time.Time{})
	if err == nil || !strings.Contains(err.Error(), "larger than 256 MB") || e.bytes > 260<<20 {
		t.Errorf("after %d MB: %v", e.bytes>>20, err)
	}
}
