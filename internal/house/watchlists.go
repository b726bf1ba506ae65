package house

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"belisha/internal/school/alarms"
	"belisha/internal/school/people"
	"belisha/internal/school/probes"
)

// lists looks whether the lists are fresh.
func (w *watching) lists(ctx context.Context, _ time.Time, see *sight) error {
	trouble, err := w.h.Filtering.Trouble(ctx)
	if err != nil {
		return err
	}
	licensed, err := w.h.Filtering.LicensedLists(ctx)
	if err != nil {
		return err
	}
	aged, err := w.h.Filtering.Aged(ctx)
	if err != nil {
		return err
	}
	see.looked("list-trouble", "list-stale", "licensed-stale")
	if len(trouble) > 0 {
		see.bad(alarms.Signal{
			Kind: "list-trouble", Words: "A list of sites does not come in as it should", May: "The last good one is in force, and grows older.",
			Todo: trouble[0] + ".", Owner: people.FilterManager, Risk: 2, Link: "/filter/lists",
		})
	}
	for _, title := range aged {
		see.bad(alarms.Signal{
			Kind: "list-stale", Subject: title, Words: "The list " + title + " is older than the policy lets it be", May: "New sites are not on it.",
			Todo: "Look on the page of lists why none came, or bring one in: belisha lists update.", Owner: people.FilterManager, Risk: 2, Link: "/filter/lists",
		})
	}
	for _, l := range licensed {
		if l.Stale {
			see.bad(alarms.Signal{
				Kind: "licensed-stale", Subject: l.ID, Words: "The licensed list " + l.Title + " is old", May: "What its supplier added lately is not closed by it.",
				Todo: "Look on the page of licensed lists, and ask the supplier.", Owner: people.FilterManager, Risk: 2, Link: "/filter/licensed",
			})
		}
	}
	return nil
}

// trialsStop is how long this machine may make no trial.
const trialsStop = 3 * time.Hour

// trials looks at what came of the newest trial of each site. One that came
// out wrong stands until one comes out right, however long that takes.
func (w *watching) trials(ctx context.Context, now time.Time, see *sight) error {
	stand, err := w.h.Probes.Standing(ctx)
	if err != nil {
		return err
	}
	see.looked("trial-wrong", "trial-missing")
	for _, x := range stand {
		if x.Last.Wrong > 0 {
			see.bad(alarms.Signal{
				Kind: "trial-wrong", Subject: x.Site, Words: fmt.Sprintf("A trial of the filter came out wrong: %s", x.Site), May: "Something that must be closed was open, or a device is not behind the filter.",
				Todo: "Open the trial: it says what went wrong and what to do.", Owner: people.FilterManager, Risk: 3, Link: "/filter/probes/" + x.Last.ID, After: 1,
			})
		}
		if !x.Overdue && !(x.Site == probes.MainSite && x.Last.ID != "" && now.Sub(x.Last.At) > trialsStop) {
			continue
		}
		see.bad(alarms.Signal{
			Kind: "trial-missing", Subject: x.Site, Words: fmt.Sprintf("The filter is not tried any more: %s", x.Site), May: "What is not tried is not known, so it shows as not known.",
			Todo: "At a site, look whether its device is on and runs the file each hour. For this machine, look at the health page.", Owner: people.NetworkManager, Risk: 1, Link: "/filter/probe-sites", After: 1,
		})
	}
	return nil
}

// warnDays is how long before its end a certificate is an alarm.
const warnDays = 30

// authorityEnds is when the certificate that devices trust ends.
func (h *House) authorityEnds(ctx context.Context) (time.Time, bool) {
	text, _, err := h.certificate(ctx)
	if err != nil {
		return time.Time{}, false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}, false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, false
	}
	return c.NotAfter, true
}

// certificates looks when they end.
func (w *watching) certificates(ctx context.Context, now time.Time, see *sight) error {
	see.looked("certificate-ends")
	if !w.h.certs.wanted() {
		see.cannot("only this machine reaches the pages", "certificate-wrong")
	}
	ends := func(subject, what, todo string, at time.Time) {
		left := at.Sub(now)
		if at.IsZero() || left > warnDays*oneDay {
			return
		}
		risk := 2
		if left <= urgentDays*oneDay {
			risk = 3
		}
		see.bad(alarms.Signal{
			Kind: "certificate-ends", Subject: subject, Words: fmt.Sprintf("%s ends on %s", what, at.In(w.h.zone()).Format("2 January 2006")), May: "After that browsers and devices refuse what it stands for.",
			Todo: todo, Owner: people.NetworkManager, Risk: risk, Link: "/health", After: 1,
		})
	}
	if w.h.certs.wanted() {
		f, trouble := w.h.certs.state()
		w.pages(f, trouble, see)
		if f.Files {
			ends("pages", "The certificate of the pages", "Put a new one into the files under [pages]; it is taken into use by itself.", f.Ends)
		}
	}
	if at, ok := w.h.authorityEnds(ctx); ok {
		ends("authority", "The school's certificate on devices", "Prepare the next one, have devices install it, and then change to it.", at)
	}
	return nil
}

// pages looks whether the pages' certificate is what it should be.
func (w *watching) pages(f certificateFacts, trouble string, see *sight) {
	see.looked("certificate-wrong")
	x := alarms.Signal{Kind: "certificate-wrong", Owner: people.NetworkManager, Link: "/health", After: 1, Todo: "Put a good one into the files under [pages]; it is taken into use by itself."}
	switch {
	case f.Wrong != "":
		x.Words, x.May, x.Risk = "The pages’ certificate "+f.Wrong, "Browsers warn of the pages, or refuse them.", 3
	case trouble != "":
		x.Words, x.May, x.Risk = "The pages’ new certificate cannot be used", trouble+".", 2
	default:
		return
	}
	see.bad(x)
}
