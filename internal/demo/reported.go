package demo

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/school/tickets"
)

// filterReport is what somebody told about the filter, and what became of it.
type filterReport struct {
	ago, minute int
	who         string // of the cast; "" is a device that nobody signed in at; "staff" a colleague
	kind        tickets.Kind
	site, said  string
	took        int // school days until the answer; -1: nobody has answered
	outcome     tickets.Outcome
	answer      string
}

func filterReports() []filterReport {
	return []filterReport{
		{55, 10*60 + 20, "staff", tickets.Over, "www.ictgames.com", "The counting games would not open on the tablets.", 0, tickets.Opened, "It was on a games list. It is open for all pupils now."},
		{51, 12*60 + 40, "pupil10", tickets.Over, "chess.com", "we need it for the club", 1, tickets.Entry, "It is open for pupils now. Good luck on Tuesday."},
		{46, 9*60 + 35, "staff", tickets.Under, "unblock-maths.example", "Games that look like sums. Two of my class were on it.", 0, tickets.Shut, "Closed for pupils. Thank you for telling us."},
		{42, 13*60 + 5, "", tickets.Over, "www.premierleague.com", "the match", 1, tickets.Unchanged, "It is open outside lessons, and stays closed in them."},
		{37, 14*60 + 12, "teacher", tickets.Over, "soundcloud.com", "My music group listens to reference tracks in period 5.", 1, tickets.Entry, "Open for key stage 4 in period 5, as the head agreed."},
		{32, 11*60 + 2, "pupil5", tickets.Over, "www.natgeokids.com", "it said no but miss said we may", 0, tickets.Mended, "It was slow that morning, and is all right now."},
		{27, 15*60 + 20, "parent", tickets.Under, "essay-friend.example", "It writes homework for money. Please close it.", 1, tickets.Shut, "Closed for pupils. Thank you."},
		{23, 10*60 + 50, "staff", tickets.Over, "poki.com", "For golden time on Fridays.", 2, tickets.Unchanged, "It stays closed: its games bring advertisements that we cannot choose. The computing lead has a list of others."},
		{18, 9*60 + 15, "staff", tickets.Over, "app.showbie.com", "Pictures in the hand-in app do not load in room 9.", 0, tickets.Mended, "A picture server was missing from the essentials. It is there now."},
		{14, 13*60 + 30, "pupil10", tickets.Wrong, "", "everything asks me to sign in twice after lunch", 4, tickets.Mended, "The clock of that laptop was wrong. Sorry that you waited for this."},
		{10, 11*60 + 44, "staff", tickets.Over, "www.gapminder.org", "The moving chart stays white.", 1, tickets.Mended, "It needed a font server. It works now."},
		{6, 12*60 + 55, "staff", tickets.Under, "quiz-arcade.example", "A games site under a new name; my Year 6 found it.", 0, tickets.Shut, "Closed for pupils."},
		{5, 10*60 + 8, "teacher", tickets.Over, "quizlet.com", "The set of cards for French says blocked on two laptops, and not on the others.", -1, "", ""},
		{1, 13*60 + 50, "pupil5", tickets.Over, "www.lego.com", "we build the bridge on thursday", -1, "", ""},
	}
}

// reports are what people told about the filter over the term: most of it
// answered at once, one late, one late and still waiting.
func (f *filling) reports(add adder) {
	for i, x := range filterReports() {
		id := ""
		add(x.ago, x.minute, "", func(ctx context.Context) (err error) {
			id, err = f.reportFilter(ctx, i, x)
			return err
		})
		if x.took < 0 {
			continue
		}
		minute := x.minute + 25
		if x.took > 0 {
			minute = 8*60 + 40 + i
		}
		add(x.ago-x.took, minute, []string{"filter", "computing"}[i%2], func(ctx context.Context) error {
			if id == "" {
				return nil
			}
			if err := f.h.Tickets.Take(ctx, id, 1); err != nil {
				return err
			}
			f.pass(4 * time.Minute)
			return f.h.Tickets.Close(ctx, id, 2, x.outcome, x.answer)
		})
	}
}

func (f *filling) reportFilter(ctx context.Context, i int, x filterReport) (string, error) {
	var err error
	who := actor.With(ctx, actor.Actor{})
	switch x.who {
	case "":
	case "staff":
		who, err = f.asPerson(ctx, f.colleague(i))
	default:
		who, err = f.as(ctx, x.who)
	}
	if err != nil {
		return "", err
	}
	t, err := f.h.Tickets.Report(who, tickets.Ticket{Kind: x.kind, Site: x.site, Said: x.said}, netip.AddrFrom4([4]byte{10, 20, 0, byte(30 + i)}))
	if err != nil {
		return "", fmt.Errorf("reporting %s: %w", x.site, err)
	}
	return t.ID, nil
}
