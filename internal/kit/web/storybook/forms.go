package storybook

import (
	"net/http"
	"net/url"

	"belisha/internal/kit/control"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

type formView struct {
	web.Base
	Device, Email, Secret, Reason, Place, How, Share, Sure, Born, On, At, Moment, File, Rows web.Field
}

var formPage = web.NewPage[formView](pages, "pages/form.html")

func form() formView {
	return formView{
		Base:   web.Base{Title: "Take something in", Crumbs: []web.Crumb{{Title: "Confiscated things", Path: "/stories/list"}}},
		Device: web.Field{Name: "device", Label: "What was taken", Hint: "Make and colour are enough.", Value: "black tablet"},
		Email:  web.Field{Kind: web.EmailField, Name: "email", Label: "Email of whoever should know", Optional: true, Autocomplete: "email"},
		Secret: web.Field{Kind: web.PasswordField, Name: "password", Label: "Your password, again", Autocomplete: "current-password", Width: 20},
		Reason: web.Field{Kind: web.LongField, Name: "reason", Label: "Why it was taken", Hint: "What happened, in a sentence or two. No names of other children."},
		Place:  web.Field{Kind: web.SelectField, Name: "place", Label: "Where it is kept", Options: []web.Option{{Value: "safe", Label: "Office safe"}, {Value: "head", Label: "Head's room"}}},
		How: web.Field{Kind: web.RadiosField, Name: "how", Label: "How it goes back", Options: []web.Option{
			{Value: "pupil", Label: "To the pupil at the end of the day"}, {Value: "parent", Label: "To a parent", Hint: "They sign for it in the office."},
		}},
		Share:  web.Field{Kind: web.ChecksField, Name: "tell", Label: "Who is told", Options: []web.Option{{Value: "class", Label: "Class teacher", Chosen: true}, {Value: "head", Label: "Head teacher"}}},
		Sure:   web.Field{Kind: web.CheckField, Name: "off", Label: "It was switched off in front of the pupil"},
		Born:   web.Field{Kind: web.DateField, Name: "born", Label: "The pupil's date of birth", Hint: "For example, 27 3 2016."},
		On:     web.Field{Kind: web.DayField, Name: "on", Label: "Day it was taken", Value: "2026-11-20"},
		At:     web.Field{Kind: web.TimeField, Name: "at", Label: "Time", Value: "10:15"},
		Moment: web.Field{Kind: web.MomentField, Name: "until", Label: "Kept until", Value: "2026-11-27T15:30"},
		File:   web.Field{Kind: web.FileField, Name: "photo", Label: "A picture of the damage", Optional: true, Accept: ".jpg,.png"},
		Rows:   web.Field{Kind: web.NumberField, Name: "pieces", Label: "How many pieces", Width: 4, Value: "1"},
	}
}

func formStory(c *web.Ctx) error { return formPage.Render(c, form()) }

func wrongFormStory(c *web.Ctx) error {
	v := form()
	typed := url.Values{"device": {""}, "email": {"someone"}, "reason": {"It rang in the test."}, "place": {"head"}, "how": {}, "born-day": {"31"}, "born-month": {"2"}, "born-year": {"2016"}, "on": {"2026-11-20"}, "pieces": {"some"}}
	v.Errors = web.Refill(typed, store.Invalid{
		"device": "Say what was taken", "how": "Choose how it goes back", "pieces": "Write the number of pieces in figures",
		"born": "31 February does not exist; check the day and the month", "": "This pupil already has a tablet in the safe",
	}, &v.Device, &v.Email, &v.Secret, &v.Reason, &v.Place, &v.How, &v.Share, &v.Sure, &v.Born, &v.On, &v.At, &v.Moment, &v.File, &v.Rows)
	return formPage.Status(http.StatusUnprocessableEntity).Render(c, v)
}

type confirmView struct {
	web.Base
	Confirm web.Confirm
}

var confirmPage = web.NewPage[confirmView](pages, "pages/confirm.html")

func confirmStory(c *web.Ctx) error {
	return confirmPage.Render(c, confirmView{
		Base: web.Base{Title: "Put version 5 into force"},
		Confirm: web.Confirm{
			What: "Pupils will no longer reach shopping sites.", Whom: "412 pupils lose them. Staff keep them.",
			List: []string{"3 sites that pupils used this week will be blocked.", "Nothing else changes."},
			When: "From the moment you press the button.", Undo: "You can go back to version 4 on the page of versions.",
			Action: web.Action{Path: "/stories/confirm", Title: "Put it into force", Hidden: []web.Hidden{{Name: "version", Value: "5"}}},
			Cancel: web.Link{Title: "Leave things as they are", Path: "/stories/prose"},
			Fields: []web.Field{{Kind: web.LongField, Name: "why", Label: "Why, for the record", Rows: 2}},
		},
	})
}

type figuresView struct {
	web.Base
	Bars   web.Bars
	Sparks []web.Spark
}

var figuresPage = web.NewPage[figuresView](pages, "pages/figures.html")

func figuresStory(c *web.Ctx) error {
	days := []web.Point{{Label: "Mon", Value: 12}, {Label: "Tue", Value: 18}, {Label: "Wed", Value: 9}, {Label: "Thu", Value: 40}, {Label: "Fri", Value: 31}}
	return figuresPage.Render(c, figuresView{
		Base:   web.Base{Title: "Figures"},
		Bars:   web.NewBars("Most blocked this week", "blocks", []web.Point{{Label: "Games", Value: 1204}, {Label: "Shopping", Value: 310}, {Label: "Gambling", Value: 4}, {Label: "Fewer than 5 people", Value: 0, Said: "hidden"}}),
		Sparks: []web.Spark{web.NewSpark("Blocks a day", days), web.NewSpark("Flagged searches", nil)},
	})
}

type marksView struct {
	web.Base
	States  []web.State
	Tags    []web.Tag
	Panels  []web.Panel
	Details web.Details
	Actions []web.Action
}

var marksPage = web.NewPage[marksView](pages, "pages/marks.html")

func marksStory(c *web.Ctx) error {
	v := marksView{
		Base: web.Base{Title: "Marks, tags and panels"},
		Tags: []web.Tag{{Words: "draft"}, {Words: "in force", Tone: "teal"}, {Words: "sure", Tone: "green"}, {Words: "likely", Tone: "brown"}, {Words: "ended", Tone: "red"}},
		Panels: []web.Panel{
			{Tone: "note", Title: "Blocked, not watched", Words: "Nobody is named to look at what is flagged.", Link: web.Link{Title: "Name somebody", Path: "/stories/form"}},
			{Tone: "good", Words: "The backup of last night was restored and checked."},
			{Tone: "warn", Title: "Three rows were left out", List: []string{"Row 12: the year is missing.", "Row 40: the name is missing.", "Row 41: the date does not exist."}},
			{Tone: "bad", Title: "The filter has stopped", Words: "Everything but the help sites is closed."},
		},
		Details: web.Details{Title: "How this is worked out", Words: "Each sign-in keeps the day on which its password was set."},
		Actions: []web.Action{{Path: "/stories/marks", Title: "Save"}, {Path: "/stories/marks", Title: "Preview", Quiet: true}, {Path: "/stories/marks", Title: "End the session", Grave: true}},
	}
	for _, s := range []control.State{control.Kept, control.AtRisk, control.Broken, control.Unknown, control.NotApplicable, control.WordsOnly} {
		v.States = append(v.States, web.State{Is: s})
	}
	return marksPage.Render(c, v)
}

type signInView struct {
	web.Base
	Username, Password web.Field
}

var signInPage = web.NewPage[signInView](pages, "pages/sign-in.html")

func signInStory(c *web.Ctx) error {
	return signInPage.Render(c, signInView{
		Base:     web.Base{Title: "Sign in"},
		Username: web.Field{Name: "username", Label: "Username", Autocomplete: "username", Focus: true},
		Password: web.Field{Kind: web.PasswordField, Name: "password", Label: "Password", Autocomplete: "current-password"},
	})
}

type blockedView struct {
	web.Base
	Ask web.Action
}

var blockedPage = web.NewPage[blockedView](pages, "pages/blocked.html")

func blockedStory(c *web.Ctx) error {
	return blockedPage.Render(c, blockedView{
		Base: web.Base{Title: "This page is not open at school", Lead: "You have done nothing wrong. Your school keeps some pages closed."},
		Ask:  web.Action{Path: "/stories/blocked", Title: "Ask for it to be opened"},
	})
}
