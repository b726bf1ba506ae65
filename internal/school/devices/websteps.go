package devices

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// Steps are what the set-up asks of this room, in its order. Files of the
// platforms are offered under the path files.
func (r *Room) Steps(files string) []Step {
	return []Step{r.besideStep(), r.doorsStep(), r.tryOutStep(), r.platformStep(files), r.seenStep(), r.cardStep()}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func version(form url.Values) (int64, error) {
	n, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return 0, store.ErrStale // a form without its number is none of ours
	}
	return n, nil
}

func (r *Room) besideStep() Step {
	return Step{Slug: "filter", Title: "Do you already have a filter?", View: r.besideView, Save: r.besideSave}
}

func (r *Room) besideView(ctx context.Context) (StepView, error) {
	b, err := r.Beside(ctx)
	if err != nil {
		return StepView{}, err
	}
	kind := web.Field{
		Kind: web.RadiosField, Name: "kind", Label: "Which is it?",
		Options: []web.Option{
			{Value: string(Behind), Label: "Yes, and Belisha goes in front of it", Hint: "What Belisha lets through goes on to the other filter. Nothing the other filter closes is opened."},
			{Value: string(LogOnly), Label: "Yes, and Belisha only reads its log", Hint: "The other filter decides. Belisha counts what is in its log, which you upload as CSV; it does not listen for syslog yet."},
			{Value: string(Alone), Label: "No, Belisha is the filter", Hint: "Devices that go past Belisha are then not filtered at all."},
		},
	}
	v := StepView{
		Intro: []string{"Many schools have a filter from their broadband provider. Belisha can stand in front of it. What rests on the other filter is shown as its provider's word, never as measured here."},
		Fields: []web.Field{
			{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(b.Version, 10)},
			kind.Choose(string(b.Kind)),
			{Name: "provider", Label: "Whose filter is it?", Optional: true, Max: 120, Value: b.Provider, Hint: "Such as the county's broadband service."},
			{Name: "proxy", Label: "Its proxy", Optional: true, Max: 260, Width: 30, Value: b.Proxy, Hint: "Such as 10.1.1.1:8080. Empty where it works without one."},
			{Name: "dns", Label: "Its DNS servers", Optional: true, Max: 300, Width: 30, Value: strings.Join(b.DNS, " "), Hint: "One or more addresses. Empty for the ones that this machine uses already."},
			{Kind: web.LongField, Name: "certificate", Label: "Its certificate", Optional: true, Rows: 4, Max: 20_000, Value: b.Certificate, Hint: "Only where it looks into secure pages: the root certificate as text (PEM). The files for your devices then bring it along."},
		},
		Button: "Try it, save and go on",
	}
	switch b.Reached {
	case "":
	case Reached:
		v.Note = web.Panel{Tone: "good", Title: "The other filter answers", Words: "It was reached when this was saved."}
	default:
		v.Note = web.Panel{Tone: "warn", Title: "The other filter was not reached", Words: strings.ToUpper(b.Reached[:1]) + b.Reached[1:] + ". You can go on; until it answers, nothing opens through it."}
	}
	return v, nil
}

func (r *Room) besideSave(ctx context.Context, form url.Values) error {
	n, err := version(form)
	if err != nil {
		return err
	}
	_, err = r.SetBeside(ctx, Beside{
		Kind: Kind(form.Get("kind")), Provider: form.Get("provider"), Proxy: form.Get("proxy"), DNS: strings.Fields(strings.ReplaceAll(form.Get("dns"), ",", " ")),
		Certificate: form.Get("certificate"), Version: n,
	})
	return err
}

func (r *Room) doorsStep() Step {
	return Step{Slug: "doors", Title: "Where devices reach the filter", View: r.doorsView, Save: r.doorsSave}
}

func (r *Room) doorsView(ctx context.Context) (StepView, error) {
	d, err := r.Doors(ctx)
	if err != nil {
		return StepView{}, err
	}
	ways := web.Field{Kind: web.ChecksField, Name: "ways", Label: "Open to devices", Options: []web.Option{
		{Value: "proxy", Label: "The proxy", Hint: "For devices that take a proxy configuration: it knows names and people.", Chosen: d.Proxy || d.Version == 1},
		{Value: "dns", Label: "DNS", Hint: "For a router or for whatever takes no proxy: it knows names, and devices by their address. On port 53 Belisha needs the privilege that “belisha service install” gives it.", Chosen: d.DNS},
	}}
	v := StepView{
		Intro: []string{"Until now the filter answers on this machine alone. Say at which address the devices of the school find it. These pages stay on this machine until they have a certificate of their own."},
		Fields: []web.Field{
			{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(d.Version, 10)},
			{Name: "address", Label: "This machine's address on the school's network", Max: 253, Width: 30, Value: d.Address, Hint: "Such as 10.0.0.5. It should never change: fix it in the router."},
			ways,
			{Kind: web.CheckField, Name: "captive", Label: "Lead devices to sign-in", Value: yes(d.Captive), Hint: "Phones and tablets ask whether they are online when they join. Where nobody is signed in they are then shown the sign-in page."},
			{Name: "ssid", Label: "Name of the Wi-Fi", Optional: true, Max: 32, Width: 20, Value: d.SSID, Hint: "For the profile of iPads."},
			{Name: "dot", Label: "DNS over TLS", Optional: true, Max: 253, Width: 30, Value: d.DoT, Hint: "The name of another server of yours that speaks it and asks Belisha. Leave it empty where Belisha answers over TLS itself, or if that says nothing to you."},
		},
		Button: "Save and go on",
	}
	if d.OnlyHere() {
		v.Note = web.Panel{Tone: "warn", Title: "Only this machine reaches it", Words: "The address is this machine's own. Other devices cannot come in until you write the one that they see."}
	}
	return v, nil
}

func (r *Room) doorsSave(ctx context.Context, form url.Values) error {
	n, err := version(form)
	if err != nil {
		return err
	}
	d := Doors{Address: form.Get("address"), Captive: form.Get("captive") == "yes", DoT: form.Get("dot"), SSID: form.Get("ssid"), Version: n}
	for _, w := range form["ways"] {
		d.Proxy, d.DNS = d.Proxy || w == "proxy", d.DNS || w == "dns"
	}
	return r.SetDoors(ctx, d)
}

func (r *Room) tryOutStep() Step {
	return Step{
		Slug: "try-out", Title: "Try it out first?", View: r.tryOutView, Save: r.tryOutSave,
		Asked: func(ctx context.Context) (bool, error) {
			b, err := r.Beside(ctx)
			return b.Kind == Behind, err
		},
	}
}

func (r *Room) tryOutView(ctx context.Context) (StepView, error) {
	groups, err := r.d.Groups(ctx)
	if err != nil {
		return StepView{}, err
	}
	list, err := r.TryOuts(ctx)
	if err != nil {
		return StepView{}, err
	}
	trying, err := r.Trying(ctx)
	if err != nil {
		return StepView{}, err
	}
	f := web.Field{Kind: web.ChecksField, Name: "groups", Label: "Who tries it out", Optional: true, Hint: "Tick nobody, and Belisha closes from the first minute."}
	for _, g := range groups {
		_, on := trying[g.Slug]
		f.Options = append(f.Options, web.Option{Value: g.Slug, Label: g.Title, Chosen: on || len(list) == 0})
	}
	return StepView{
		Intro: []string{
			"For a few days Belisha can decide and count what it would close, and close nothing. The other filter goes on as before, and no names are recorded.",
			"It ends by itself on the last day. Before that you see what would be closed for whom, and can make it real at any time.",
		},
		Fields: []web.Field{f, {Kind: web.NumberField, Name: "days", Label: "For how many days?", Width: 2, Max: 2, Value: strconv.Itoa(TryOutDays)}},
		Button: "Save and go on",
	}, nil
}

func (r *Room) tryOutSave(ctx context.Context, form url.Values) error {
	if len(form["groups"]) == 0 {
		return nil
	}
	days, err := strconv.Atoi(strings.TrimSpace(form.Get("days")))
	if err != nil {
		return store.Invalid{"days": "Write a number of days, such as 7"}
	}
	return r.BeginTryOut(ctx, form["groups"], days)
}

func (r *Room) platformStep(files string) Step {
	return Step{Slug: "platforms", Title: "A file for your devices", View: func(ctx context.Context) (StepView, error) {
		f, err := r.Facts(ctx)
		if err != nil {
			return StepView{}, err
		}
		v := StepView{
			Intro: []string{"Take the file of the platform that your first device is of. Each is explained step by step under Devices, Platforms, and can be had there again."},
			Table: web.Table{Caption: "Platforms", Columns: []web.Column{{Title: "Platform"}, {Title: "What the filter sees"}, {Title: "What it does not see"}}},
		}
		had := map[string]bool{}
		for _, w := range Ways() {
			v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{{Text: w.Title}, {Text: w.Sees}, {Text: w.Blind}}})
			for _, d := range downloads(w, f, files) {
				if !had[d.Path] {
					had[d.Path] = true
					v.Files = append(v.Files, d)
				}
			}
		}
		if f.PACURL() != "" {
			v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "Proxy configuration", Text: f.PACURL()})
		}
		if f.DNS != "" {
			v.Facts.Rows = append(v.Facts.Rows, web.SummaryRow{Key: "DNS server", Text: f.DNS})
		}
		if f.PACURL() == "" && f.DNS == "" {
			v.Note = web.Panel{Tone: "warn", Title: "The filter is not open to devices", Words: "Go back one step and say at which address they reach it."}
		}
		return v, nil
	}}
}

func (r *Room) seenStep() Step {
	return Step{Slug: "first-device", Title: "The first device", View: func(ctx context.Context) (StepView, error) {
		s, err := r.d.School(ctx)
		if err != nil {
			return StepView{}, err
		}
		v := StepView{
			Intro: []string{
				"On the device, open any page, then http://" + s.Host + "/device. Then load this page again: the device stands here with what it is filtered as.",
			},
			Table: web.Table{
				Caption: "Devices that the filter saw", Columns: []web.Column{{Title: "Device"}, {Title: "State"}, {Title: "Last seen"}},
				Empty: web.Empty{Title: "No device was seen yet", Words: "Load this page again after the device has opened a page."},
			},
		}
		list, err := r.list(ctx)
		if err != nil {
			v.Note = web.Panel{Tone: "warn", Title: "The filter does not answer", Words: "Look again in a minute."}
			return v, nil //nolint:nilerr // said on the page
		}
		for _, d := range list {
			if d.seen == nil || len(v.Table.Rows) == 20 {
				continue
			}
			v.Table.Rows = append(v.Table.Rows, web.Row{Cells: []web.Cell{{Text: d.name()}, {Text: d.seen.as()}, {Text: ago(r.now().Sub(d.seen.At))}}})
		}
		return v, nil
	}}
}

// name is what a line of the list is called.
func (d device) name() string {
	if d.known != nil {
		return d.known.Label
	}
	return d.seen.Address.String()
}

// ago says how long ago in words of minutes.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " minutes ago"
	}
	return strconv.Itoa(int(d.Hours())) + " hours ago"
}

func (r *Room) cardStep() Step {
	return Step{Slug: "way-out", Title: "The way out, on paper", View: func(ctx context.Context) (StepView, error) {
		c, err := r.card(ctx)
		if err != nil {
			return StepView{}, err
		}
		return StepView{
			Intro:  append([]string{"Print this page and keep it beside the machine. It says how Belisha is taken out of the path on a bad day, and what that means."}, c.Means...),
			Facts:  web.Summary{Title: "Taking Belisha out", Rows: numbered(c.Steps)},
			Note:   web.Panel{Tone: "note", Title: "Putting it back", List: c.Back},
			Button: "",
		}, nil
	}}
}

func numbered(steps []string) []web.SummaryRow {
	out := make([]web.SummaryRow, len(steps))
	for i, s := range steps {
		out[i] = web.SummaryRow{Key: strconv.Itoa(i + 1), Text: s}
	}
	return out
}
