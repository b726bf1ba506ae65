package filtering_test

import (
	"context"
	"testing"
	"time"

	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

func TestAGroupOnTrialIsLetThroughAndTheOthersAreNot(t *testing.T) {
	each(t, func(t *testing.T, s *school) {
		trying := map[string]time.Time{}
		s.deps.TryOut = func(context.Context) (map[string]time.Time, error) { return trying, nil }
		s.start()
		s.confirmed()
		_, err := s.room.AddMust(s.asManager(), filtering.Must{URL: "https://www.bet365.com/", Group: "pupils", Act: verdict.Block, Reason: "never for pupils"})
		must(t, err)
		s.wants("https://www.bet365.com/", "pupils", "block")
		trying["pupils"] = s.clock.Now().Add(time.Hour)
		// What must be closed is asked of the rules as they are meant.
		must(t, s.room.Refresh(s.asHead()))
		s.wants("https://www.bet365.com/", "pupils", "allow")
		s.wants("https://www.bet365.com/", "staff", "block")
		s.holds()
		delete(trying, "pupils")
		must(t, s.room.Refresh(s.asHead()))
		s.wants("https://www.bet365.com/", "pupils", "block")
	})
}
