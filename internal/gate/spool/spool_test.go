package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"belisha/internal/kit/clock"
)

var noon = time.Date(2026, 11, 23, 12, 0, 10, 0, time.UTC)

func open(t *testing.T, opt Options) *Writer {
	t.Helper()
	w, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func drain(t *testing.T, dir string) []Event {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []Event
	for {
		got, at, err := r.Next(7)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
		if err := r.Ack(at); err != nil {
			t.Fatal(err)
		}
	}
}

func sample(host string, action uint8, at time.Time) Event {
	return Event{
		At: at, Site: "main", Door: "proxy", Subject: "s1", Certainty: Sure, Device: "d1",
		Address: netip.MustParseAddr("10.1.2.3"), Group: "pupils", KeyStage: "ks2", Host: host, Path: "/a?b=c",
		Categories: []string{"games", "social"}, Category: "games", Rule: "r7", Reason: "category",
		Action: action, Count: 1, Bytes: 99, Alert: "", RulesNumber: 12,
	}
}

func TestAnEventComesBackAsItWentIn(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	want := sample("bad.test", ActionBlock, noon)
	want.Engine, want.Words = "google", "some words"
	if err := w.Put(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	got := drain(t, dir)
	want.ID = 1
	if d := cmp.Diff([]Event{want}, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Errorf("event changed on its way (-want +got):\n%s", d)
	}
}

func TestABlockIsInTheFileWhenPutReturns(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	for i := range 50 {
		if err := w.Put(context.Background(), sample(fmt.Sprintf("h%d.test", i), ActionBlock, noon)); err != nil {
			t.Fatal(err)
		}
		r, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := r.Next(1000)
		if err != nil || len(got) != i+1 {
			t.Fatalf("after %d puts the file holds %d events (%v)", i+1, len(got), err)
		}
	}
}

func TestRepeatsWithinAMinuteBecomeOneEventWithACount(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	for i := range 10 {
		w.Add(sample("ok.test", ActionAllow, noon.Add(time.Duration(i)*time.Second)))
	}
	w.Add(sample("ok.test", ActionAllow, noon.Add(61*time.Second)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := drain(t, dir)
	var counts []uint32
	for _, e := range got {
		counts = append(counts, e.Count)
	}
	if d := cmp.Diff([]uint32{1, 9, 1}, counts); d != "" {
		t.Errorf("the first at once, nine repeats together, then a new minute (-want +got):\n%s", d)
	}
}

func TestBlocksNeverMergeAcrossAMinute(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	start := noon.Truncate(time.Minute).Add(55 * time.Second)
	for i := range 10 {
		w.Put(context.Background(), sample("bad.test", ActionBlock, start.Add(time.Duration(i)*time.Second)))
	}
	w.Close()
	byMinute := map[int]uint32{}
	for _, e := range drain(t, dir) {
		byMinute[e.At.Minute()] += e.Count
	}
	if byMinute[0] != 5 || byMinute[1] != 5 {
		t.Errorf("five blocks belong to each minute, got %v", byMinute)
	}
}

func TestDifferentWordsOrPeopleAreNeverMerged(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	a, b, c := sample("s.test", ActionAllow, noon), sample("s.test", ActionAllow, noon), sample("s.test", ActionAllow, noon)
	a.Words, b.Words, c.Subject = "one", "two", "s2"
	for _, e := range []Event{a, b, c} {
		w.Add(e)
	}
	w.Close()
	if n := len(drain(t, dir)); n != 3 {
		t.Errorf("want 3 events, got %d", n)
	}
}

func TestWhenFullAllowsAreCountedAndBlocksStillHaveRoom(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, MaxBytes: minMax, Clock: clock.NewFake(noon)})
	dropped := 0
	for i := range 2000 {
		if !w.Add(sample(fmt.Sprintf("h%d.test", i), ActionAllow, noon)) {
			dropped++
		}
	}
	if dropped == 0 || w.Stats().Dropped != uint64(dropped) {
		t.Fatalf("dropped %d, counted %d", dropped, w.Stats().Dropped)
	}
	if err := w.Put(context.Background(), sample("bad.test", ActionBlock, noon)); err != nil {
		t.Fatalf("a block found no room: %v", err)
	}
	got := drain(t, dir)
	if last := got[len(got)-1]; last.Host != "bad.test" {
		t.Errorf("the block is not the last event but %q", last.Host)
	}
	if got[len(got)-1].ID != uint64(len(got)) {
		t.Errorf("ids have gaps: %d events, last id %d", len(got), got[len(got)-1].ID)
	}
}

func TestDrainedRoomIsUsedAgainAndSegmentsAreDeleted(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, MaxBytes: minMax, Clock: clock.NewFake(noon)})
	total := 0
	for round := range 20 {
		for i := range 100 {
			if !w.Add(sample(fmt.Sprintf("r%d-%d.test", round, i), ActionAllow, noon)) {
				t.Fatalf("round %d: no room although everything was drained", round)
			}
		}
		if err := w.sync(context.Background(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		total += len(drain(t, dir))
		w.measure()
	}
	if total != 2000 {
		t.Errorf("wrote 2000, read %d", total)
	}
	if left, _ := segments(dir); len(left) > 2 {
		t.Errorf("%d segments are left after draining", len(left))
	}
}

func TestNumbersGoOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
		w.Put(context.Background(), sample(fmt.Sprintf("h%d.test", i), ActionBlock, noon))
		w.Close()
		got := drain(t, dir)
		if len(got) != 1 || got[0].ID != uint64(i+1) {
			t.Fatalf("restart %d: got %+v", i, got)
		}
	}
}

func TestWhatWasNotAcknowledgedComesAgainWithTheSameID(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	for i := range 5 {
		w.Put(context.Background(), sample(fmt.Sprintf("h%d.test", i), ActionBlock, noon))
	}
	r, _ := OpenReader(dir)
	first, at, _ := r.Next(2)
	if err := r.Ack(at); err != nil {
		t.Fatal(err)
	}
	second, _, _ := r.Next(2)
	r2, _ := OpenReader(dir)
	again, _, _ := r2.Next(2)
	if first[1].ID != 2 || second[0].ID != 3 || again[0].ID != 3 {
		t.Errorf("ids: %d then %d, after the restart %d", first[1].ID, second[0].ID, again[0].ID)
	}
}

func TestATornTailLosesOnlyTheTornRecord(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	for i := range 3 {
		w.Put(context.Background(), sample(fmt.Sprintf("h%d.test", i), ActionBlock, noon))
	}
	w.Close()
	numbers, _ := segments(dir)
	path := segmentPath(dir, numbers[0])
	fi, _ := os.Stat(path)
	if err := os.Truncate(path, fi.Size()-3); err != nil {
		t.Fatal(err)
	}
	w = open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	w.Put(context.Background(), sample("after.test", ActionBlock, noon))
	got := drain(t, dir)
	if len(got) != 3 || got[2].Host != "after.test" || got[2].ID != 3 {
		t.Errorf("got %d events, last %+v", len(got), got[len(got)-1])
	}
}

// TestKilledWriterLosesNothingAcknowledged runs this test binary as a child
// that puts blocks and prints each number once acknowledged, and kills it.
func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	if dir := os.Getenv("SPOOL_CHILD"); dir != "" {
		childWrites(dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledWriterLosesNothingAcknowledged$")
	cmd.Env = append(os.Environ(), "SPOOL_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := 0
	var line [4]byte
	for acked < 200 {
		if _, err := out.Read(line[:]); err != nil {
			t.Fatal(err)
		}
		acked = int(binary.LittleEndian.Uint32(line[:]))
	}
	cmd.Process.Kill()
	rest := new(bytes.Buffer)
	rest.ReadFrom(out)
	for b := rest.Bytes(); len(b) >= 4; b = b[4:] {
		acked = int(binary.LittleEndian.Uint32(b))
	}
	cmd.Wait()
	blocks := map[string]bool{}
	repeats := uint32(0)
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	w.Close()
	for _, e := range drain(t, dir) {
		if e.Action == ActionBlock {
			blocks[e.Host] = true
		} else {
			repeats += e.Count
		}
	}
	for i := 1; i <= acked; i++ {
		if !blocks[fmt.Sprintf("h%d.test", i)] {
			t.Fatalf("block %d of %d acknowledged is lost", i, acked)
		}
	}
	if repeats < 1000 {
		t.Errorf("1000 repeats were counted well before the kill, %d are left", repeats)
	}
}

func childWrites(dir string) {
	w, err := Open(Options{Dir: dir})
	if err != nil {
		os.Exit(3)
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for range 1000 {
		w.Add(sample("again.test", ActionAllow, at))
	}
	w.collect() // what the ticker does ten times a second
	for i := uint32(1); ; i++ {
		if err := w.Put(context.Background(), sample(fmt.Sprintf("h%d.test", i), ActionBlock, at)); err != nil {
			os.Exit(4)
		}
		os.Stdout.Write(binary.LittleEndian.AppendUint32(nil, i))
	}
}

func TestHeartbeatsAreNeverMerged(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{Dir: dir, Clock: clock.NewFake(noon)})
	for i := range 3 {
		w.Put(context.Background(), Event{Kind: Heartbeat, At: noon.Add(time.Duration(i) * time.Minute), Site: "main", Dropped: uint64(i)})
	}
	got := drain(t, dir)
	if len(got) != 3 || got[2].Dropped != 2 || got[2].Kind != Heartbeat {
		t.Errorf("got %+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	e := sample("bad.test", ActionBlock, noon)
	f.Add(appendEvent(nil, &e, 3))
	f.Add(appendTally(nil, 1, 2, 3))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := decodePayload(p)
		if err != nil || r.tally {
			return
		}
		again, err := decodePayload(appendEvent(nil, &r.event, r.closes))
		if err != nil {
			t.Fatalf("what was decoded cannot be written and read again: %v", err)
		}
		if d := cmp.Diff(r.event, again.event, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzSegment(f *testing.F) {
	e := sample("bad.test", ActionBlock, noon)
	f.Add(appendRecord(make([]byte, segmentHead), func(b []byte) []byte { return appendEvent(b, &e, 0) }))
	f.Fuzz(func(t *testing.T, p []byte) {
		last := int64(segmentHead)
		end, _, err := scan(bytes.NewReader(p), 0, func(_ record, after int64) bool {
			if after <= last {
				t.Fatal("the reader does not move on")
			}
			last = after
			return true
		})
		if err != nil || end != last || end > max(segmentHead, int64(len(p))) {
			t.Fatalf("ended at %d of %d: %v", end, len(p), err)
		}
	})
}

func BenchmarkAddRepeat(b *testing.B) {
	w, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	e := sample("ok.test", ActionAllow, noon)
	b.ReportAllocs()
	for b.Loop() {
		w.Add(e)
	}
}
