package tickets_test

import (
	"context"
	"strings"
	"testing"

	"belisha/internal/kit/journal"
	"belisha/internal/school/people"
	"belisha/internal/school/tickets"
)

func TestTheJournalDoesNotSayWhichPupilAskedForASite(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		id := s.report("support.example").ID
		_, err := s.room.Report(with(s.actor(s.teacher)), tickets.Ticket{Kind: tickets.Over, Site: "maps.example"}, tablet)
		must(t, err)
		nils := with(s.nils())
		must(t, s.room.Close(nils, id, 1, tickets.Opened, "It is open."))
		must(t, s.room.Reopen(with(s.actor(s.pupil)), id, "It is not."))
		lines, err := s.journal.List(context.Background(), journal.Filter{Kind: "ticket", Limit: 50})
		must(t, err)
		seen := map[people.ID]int{}
		for _, l := range lines {
			for _, who := range []people.ID{s.pupil, s.teacher, s.network} {
				if strings.Contains(l.Actor+string(l.Detail), string(who)) {
					seen[who]++
				}
			}
		}
		if seen[s.pupil] != 0 || seen[s.teacher] != 1 || seen[s.network] != 1 {
			t.Errorf("the journal of %d lines names them %v", len(lines), seen)
		}
		s.holds()
	})
}
