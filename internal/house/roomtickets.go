package house

import "belisha/internal/school/tickets"

// openTickets opens the room of what people report about the filter.
func (h *House) openTickets() (err error) {
	h.Tickets, err = tickets.New(tickets.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People, Notices: h.Notices, Place: h.placeOf,
		Tell: func() string { return h.offered("/tell") },
	})
	if err != nil {
		return err
	}
	h.join(h.Tickets)
	return nil
}

// offered is the path if one of the rooms has a page there that everybody in
// the school can reach, else "".
func (h *House) offered(path string) string {
	for _, r := range joined[sectioned](h) {
		for _, route := range r.Section().Routes {
			if route.People && route.Pattern == "GET "+path {
				return path
			}
		}
	}
	return ""
}
