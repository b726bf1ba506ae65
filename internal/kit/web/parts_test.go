package web_test

import (
	"fmt"
	"net/url"
	"testing"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/web/webtest"
)

func TestNothingTypedIsLostAndAPasswordIsNotSentBack(t *testing.T) {
	name := web.Field{Name: "name"}
	secret := web.Field{Kind: web.PasswordField, Name: "secret"}
	born := web.Field{Kind: web.DateField, Name: "born"}
	pick := web.Field{Kind: web.ChecksField, Name: "pick", Options: []web.Option{{Value: "a", Chosen: true}, {Value: "b"}, {Value: "c"}}}
	typed := url.Values{"name": {"<b>"}, "secret": {"hunter"}, "born-day": {"31"}, "born-month": {"2"}, "born-year": {"2016"}, "pick": {"b", "c"}}
	bad := store.Invalid{"born": "No such day", "": "Not today", "elsewhere": "Not here"}
	e := web.Refill(typed, bad, &name, &secret, &born, &pick)
	if name.Value != "<b>" || secret.Value != "" || born.Day != "31" || born.Year != "2016" {
		t.Errorf("the fields came back as %+v %+v %+v", name, secret, born)
	}
	if pick.Options[0].Chosen || !pick.Options[1].Chosen || !pick.Options[2].Chosen {
		t.Errorf("the choices came back as %+v", pick.Options)
	}
	if got, want := fmt.Sprint(e.List), "[{Not today } {Not here } {No such day born-day}]"; got != want {
		t.Errorf("the summary is %s, want %s", got, want)
	}
}

func TestRefillingDoesNotChangeASharedListOfOptions(t *testing.T) {
	shared := []web.Option{{Value: "a"}, {Value: "b"}}
	f := web.Field{Kind: web.SelectField, Name: "x", Options: shared}.Choose("b")
	if shared[1].Chosen || !f.Options[1].Chosen {
		t.Errorf("shared is %v, the field's %v", shared, f.Options)
	}
}

func TestADateIsPutTogetherAsTyped(t *testing.T) {
	form := url.Values{"d-day": {" 7"}, "d-month": {"3"}, "d-year": {"2016"}}
	if got := web.DateText(form, "d"); got != "2016-03-07" {
		t.Errorf("got %q", got)
	}
	if got := web.DateText(url.Values{}, "d"); got != "" {
		t.Errorf("nothing typed gives %q", got)
	}
}

func TestAStateNobodySetIsUnknown(t *testing.T) {
	var s web.State
	if s.Word() != "unknown" || s.Shape() != "ring" {
		t.Errorf("it is %q, a %s", s.Word(), s.Shape())
	}
	if odd := (web.State{Is: "new sort"}); odd.Shape() != "ring" {
		t.Errorf("a state that is not known has the mark %s", odd.Shape())
	}
	if s := (web.State{Is: control.Broken}); s.Word() != "not being kept" || s.Shape() != "cross" {
		t.Errorf("broken is %q, a %s", s.Word(), s.Shape())
	}
}

func TestTheBeaconIsOnlyUnlitWhenAllWasLookedAtAndNothingWaits(t *testing.T) {
	now := webtest.Now
	cases := []struct {
		name string
		b    web.Beacon
		lit  bool
	}{
		{"looked at, nothing waits", web.Beacon{Checked: now}, false},
		{"something waits", web.Beacon{Checked: now, Waiting: 1}, true},
		{"a promise is not kept", web.Beacon{Checked: now, NotKept: 1}, true},
		{"something is unknown", web.Beacon{Checked: now, Unknown: 1}, true},
		{"never looked at", web.Beacon{}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.b.Lit() != c.lit {
				t.Errorf("lit is %v", c.b.Lit())
			}
		})
	}
}

func TestABarOfAnySizeCanBeSeenAndNoneIsWiderThanTheBox(t *testing.T) {
	b := web.NewBars("Blocks", "blocks", []web.Point{{Label: "a", Value: 100000}, {Label: "b", Value: 1}, {Label: "c", Value: 0}})
	if got := b.Rows[0].Width + " " + b.Rows[1].Width + " " + b.Rows[2].Width; got != "100.0 1.0 0.0" {
		t.Errorf("the widths are %s", got)
	}
	if b.Rows[0].Said != "100,000" {
		t.Errorf("the figure is said as %s", b.Rows[0].Said)
	}
}

func TestASparklineSaysItsFiguresInWords(t *testing.T) {
	s := web.NewSpark("Blocks a day", []web.Point{{Label: "Mon", Value: 4}, {Label: "Tue", Value: 9}, {Label: "Wed", Value: 2}})
	if want := "Blocks a day: 4 at first, 2 at last, 9 at most"; s.Words != want {
		t.Errorf("it says %q, want %q", s.Words, want)
	}
	if one := web.NewSpark("x", []web.Point{{Value: 0}}); one.Line == "" {
		t.Error("one figure of nought draws nothing")
	}
}

func TestWhatIsTypedIsShownAsWordsAndNeverAsMarkup(t *testing.T) {
	site := webtest.Site(t, section(web.Route{Pattern: "GET /x", Needs: web.Open, Do: func(c *web.Ctx) error {
		return helloPage.Render(c, helloView{
			Base: web.Base{Title: "<script>a</script>", Crumbs: []web.Crumb{{Title: "<i>", Path: "javascript:alert(1)"}}},
			Name: web.Field{Name: "name", Label: "Name", Value: `"><script>b</script>`},
		})
	}}))
	d := webtest.Get(t, site, "/x", webtest.Nobody()).Safe().HasNot("javascript:alert")
	if d.Field("name") != `"><script>b</script>` {
		t.Errorf("the field holds %q", d.Field("name"))
	}
}
