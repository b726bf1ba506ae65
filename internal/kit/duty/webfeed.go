package duty

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

func (b *Book) feed(c *web.Ctx) error { return b.showFeed(c, "") }

func (b *Book) showFeed(c *web.Ctx, address string) error {
	since, err := b.FeedSince(c.Context())
	if err != nil {
		return err
	}
	return feedPage.Render(c, feedView{
		Base: web.Base{
			Title: "Your tasks in your calendar", Crumbs: []web.Crumb{{Title: "Tasks", Path: "/tasks"}},
			Lead: "A calendar program can read the days on which your tasks are due from a secret address. It learns what is due and when, and nothing else.",
		},
		Since: c.Moment(since), Has: !since.IsZero(), Address: address,
	})
}

func (b *Book) postFeed(c *web.Ctx) error {
	token, err := b.OpenFeed(c.Context())
	if err != nil {
		return err
	}
	scheme := "http"
	if c.Secure() {
		scheme = "https"
	}
	return b.showFeed(c, scheme+"://"+c.R.Host+"/calendar/"+token+".ics")
}

func (b *Book) postNoFeed(c *web.Ctx) error {
	if err := b.CloseFeed(c.Context()); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	c.Notice("The address opens nothing any more.")
	return c.Redirect("/tasks/calendar")
}

func (b *Book) serveFeed(c *web.Ctx) error {
	asker, _, err := net.SplitHostPort(c.R.RemoteAddr)
	if err != nil {
		asker = c.R.RemoteAddr
	}
	if !b.feeds.allow(asker, b.Clock.Now()) {
		c.W.Header().Set("Retry-After", "3600")
		http.Error(c.W, "This calendar was asked for too often. Try again in an hour.", http.StatusTooManyRequests)
		return nil
	}
	token, ok := strings.CutSuffix(c.Param("file"), ".ics")
	if !ok {
		return store.ErrNotFound
	}
	body, tag, err := b.Feed(c.Context(), token, c.Words.Zone())
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if c.R.Header.Get("If-None-Match") == tag {
		c.W.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = c.W.Write(body) // a reader who has gone needs no answer
	return nil
}
