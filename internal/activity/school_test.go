package activity

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// generator makes the web activity of an invented school: some hosts that
// everybody visits and a long tail, a few searches, a few blocks. The same
// seed makes the same day.
type generator struct {
	rnd      *rand.Rand
	hosts    *rand.Zipf
	paths    *rand.Zipf
	words    *rand.Zipf
	subjects int
	next     uint64
}

func newGenerator(seed uint64) *generator {
	rnd := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // test data
	return &generator{
		rnd:      rnd,
		hosts:    rand.NewZipf(rnd, 1.15, 3, 20_000),
		paths:    rand.NewZipf(rnd, 1.05, 10, 150_000),
		words:    rand.NewZipf(rnd, 1.1, 5, 20_000),
		subjects: 2000,
	}
}

var (
	someGroups     = []string{"7A", "7B", "8A", "8B", "9A", "9B", "10A", "11A", "staff", "guests"}
	someCategories = []string{"education", "news", "search", "reference", "technology", "video", "sport", "shopping", "games", "social"}
	someEngines    = []string{"google", "bing", "duckduckgo"}
	someSyllables  = []string{"ba", "cor", "del", "fen", "gri", "hol", "jan", "kel", "lum", "mor", "nip", "oro", "pel", "qui", "ros", "sten"}
)

// word is a made-up word that belongs to n.
func word(n uint64) string {
	w := ""
	for i := 0; i < 3 || n > 0; i++ {
		w += someSyllables[n%16]
		n /= 16
	}
	return w
}

// event is the next event, at the moment given.
func (g *generator) event(at time.Time) Event {
	g.next++
	person := g.rnd.IntN(g.subjects)
	host := g.hosts.Uint64()
	cat := someCategories[host%uint64(len(someCategories))]
	e := Event{
		ID: g.next, Gate: "main", At: at, Site: "main", Door: "tunnel",
		Subject: fmt.Sprintf("p%016x", person*7919), Certainty: Certainty(person % 3), //nolint:gosec // small
		Device:  fmt.Sprintf("tablet-%04d", person%1200),
		Address: netip.AddrFrom4([4]byte{10, 20, byte(person % 1500 / 250), byte(person % 250)}),
		Group:   someGroups[person%len(someGroups)], KeyStage: "ks3",
		Host: "www." + word(host) + ".example", Categories: []string{cat}, Category: cat,
		Action: Allow, Rule: "default", Reason: "open", RulesNumber: 12, Count: 1, Bytes: uint64(g.rnd.IntN(90_000)),
	}
	switch dice := g.rnd.IntN(100); {
	case dice < 4:
		e.Action, e.Rule, e.Reason = Block, "pupils/"+cat, "category"
	case dice < 16:
		e.Door, e.Path = "proxy", "/"+word(g.paths.Uint64())+"/"+word(uint64(dice))+".html"
	case dice < 18:
		e.Door, e.Host, e.Engine = "proxy", "www.google.example", someEngines[dice%3]
		e.Words = word(g.words.Uint64()) + " " + word(g.words.Uint64())
	}
	return e
}

// day makes n events spread over the school day that begins at start.
func (g *generator) day(start time.Time, n int, each func(Event)) {
	step := 8 * time.Hour / time.Duration(n)
	for i := range n {
		each(g.event(start.Add(8*time.Hour + time.Duration(i)*step)))
	}
}
