package probes

import "belisha/internal/kit/web"

// pathDevice is where somebody tries the device before them, with nothing but
// links.
const pathDevice = "/probe"

type deviceView struct {
	web.Base
	Through web.Panel
	Here    web.Link
	Closed  []web.Link
	None    web.Empty
}

var deviceTemplate = web.NewPage[deviceView](pages, "pages/device.html")

// devicePage has the device at hand tried by whoever sits there. What a browser
// shows cannot be faked by a page, so each question is a link of its own.
func (r *Room) devicePage(c *web.Ctx) error {
	must, err := r.Closed(c.Context(), "")
	if err != nil {
		return err
	}
	v := deviceView{
		Base: web.Base{Title: "Try the filter on this device", Lead: "Open each of these, look, and come back here. They are made-up sites of the filter’s own: nothing bad is behind them, and nobody is told that you opened one."},
		Here: web.Link{Title: "here." + r.Zone, Path: "http://here." + r.Zone + "/"},
		None: web.Empty{Title: "Nothing is closed for everybody", Words: "So there is nothing that must be closed whoever sits here."},
	}
	if r.Through(c.Context()) {
		v.Through = web.Panel{Tone: "good", Title: "This page came to you through the filter"}
	} else {
		v.Through = web.Panel{Tone: "note", Title: "This page did not come through the filter’s proxy", Words: "Where devices are led to the filter by names alone, that is as it should be. The first link tells."}
	}
	for _, m := range must {
		v.Closed = append(v.Closed, web.Link{Title: m, Path: "http://" + m + "." + r.Zone + "/"})
	}
	return deviceTemplate.Render(c, v)
}
