package house

import "belisha/internal/school/tickets"

// openTickets opens the room of what people report about the filter.
func (h *House) openTickets() (err error) {
	h.Tickets, err = tickets.New(tickets.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Live: h.live, People: h.People, Notices: h.Notices, Place: h.placeOf,
	})
	if err != nil {
		return err
	}
	h.join(h.Tickets)
	return nil
}
