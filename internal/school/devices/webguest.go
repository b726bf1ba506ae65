package devices

import (
	"net/http"
	"net/netip"
	"slices"

	"belisha/internal/kit/web"
)

const pathGuest = "/guest"

type guestView struct {
	web.Base
	Told  web.Panel
	Terms []string
	On    web.Action
	Else  web.Link
}

var guestPage = web.NewPage[guestView](pages, "pages/guest.html")

func (r *Room) guestRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathGuest, Needs: web.Open, Do: r.guestShow, People: true},
		{Pattern: "POST " + pathGuest, Needs: web.Open, Do: r.guestOn, People: true},
	}
}

func clientOf(c *web.Ctx) netip.Addr {
	ap, err := netip.ParseAddrPort(c.R.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (r *Room) guestShow(c *web.Ctx) error {
	v, err := r.guestView(c)
	if err != nil {
		return err
	}
	return guestPage.Render(c, v)
}

func (r *Room) guestView(c *web.Ctx) (guestView, error) {
	v := guestView{Base: web.Base{Title: "Guests"}, Else: web.Link{Title: "Sign in with a school account", Path: "/sign-in"}}
	at := clientOf(c)
	ours, err := r.guestNetwork(c.Context(), at)
	if err != nil {
		return v, err
	}
	if !ours {
		v.Told = web.Panel{Tone: "note", Title: "This is not the network for guests", Words: "Sign in, or ask the school's office how guests come on the network."}
		return v, nil
	}
	list, err := r.Guests(c.Context())
	if err != nil {
		return v, err
	}
	if i := slices.IndexFunc(list, func(g Guest) bool { return g.Address == at }); i >= 0 {
		v.Told = web.Panel{Tone: "good", Title: "You are on the network as a guest", Words: "Until " + c.Words.Moment(list[i].Until) + ". Then these terms are shown again."}
		v.Terms = guestTerms
		return v, nil
	}
	v.Terms = guestTerms
	v.On = web.Action{Path: pathGuest, Title: "I agree: go on as a guest"}
	return v, nil
}

func (r *Room) guestOn(c *web.Ctx) error {
	_, err := r.GoOn(c.Context(), clientOf(c))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.guestView(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(nil, bad)
		return guestPage.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	if err != nil {
		return err
	}
	return c.Redirect(pathGuest)
}
