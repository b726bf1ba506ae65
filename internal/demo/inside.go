package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"time"

	"belisha/internal/activity"
	"belisha/internal/house"
	"belisha/internal/school/filtering"
	"belisha/internal/verdict"
)

// find is something that the filter finds inside, on a pupil's laptop.
type find struct {
	ago, minute, pupil int // counted among the older pupils
	host, path         string
	kind               string // as the site says it
	body               []byte
}

// finds are what was found since the filter looks inside: pages by their
// weight, and files by what they are.
func finds() []find {
	program := windowsProgram()
	return []find{
		{38, 12*60 + 31, 12, "friends-league.example", "/tips", "text/html", []byte(tipsPage)},
		{35, 10*60 + 12, 40, "tools.maths-lab.example", "/geometry-setup.exe", "application/octet-stream", program},
		{29, 13*60 + 2, 77, "mods.blocks.example", "/shaders.zip", "application/zip", zipped("shaders/install.exe", program)},
		{24, 12*60 + 44, 12, "scores-tonight.example", "/odds", "text/html", []byte(tipsPage)},
		{18, 9*60 + 47, 95, "pictures.example", "/cat.jpg", "image/jpeg", program},
		{12, 14*60 + 8, 61, "mods.blocks.example", "/more.zip", "application/zip", zipped("more/start.bat", []byte("@echo off\r\nstart game.exe\r\n"))},
		{5, 12*60 + 52, 30, "friends-league.example", "/tips", "text/html", []byte(tipsPage)},
		{2, 11*60 + 15, 118, "homework-files.example", "/essay.exe", "application/octet-stream", program},
	}
}

// tipsPage is a page that its site's name says nothing about.
const tipsPage = `<!doctype html><title>Tonight</title><h1>Tonight's league</h1>
<p>Take your no deposit bonus at our online casino, and ten free spins at the slots.`

// windowsProgram is the beginning of one, which runs nowhere.
func windowsProgram() []byte {
	b := make([]byte, 2048)
	copy(b, "MZ")
	b[0x3c] = 0x80
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	return b
}

func zipped(name string, body []byte) []byte {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	// A buffer takes whatever it is given.
	if w, err := z.Create(name); err == nil {
		_, _ = w.Write(body)
	}
	_ = z.Close()
	return buf.Bytes()
}

// inside is the story of looking inside: what is found, who asks for a file,
// and a licensed list that came.
func (f *filling) inside(add adder) {
	for _, x := range finds() {
		add(x.ago, x.minute, "", func(ctx context.Context) error { return f.find(ctx, x) })
	}
	add(27, 9*60+6, "", f.licensed)
	f.permits(add)
}

// find has the filter look at what a site answers, and writes down what it
// found as the filter does.
func (f *filling) find(ctx context.Context, x find) error {
	older := f.older()
	v := f.pupilAt(older[x.pupil%len(older)])
	e, err := f.event(ctx, v, page{host: x.host, path: x.path}, f.c.Now(), true)
	if err != nil {
		return err
	}
	got, err := f.h.Scan(ctx, house.Sample{Name: x.path, Type: x.kind, Body: x.body, Group: v.group, Stage: v.stage})
	if err != nil {
		return err
	}
	if e.Action != activity.Allow || got.Action != verdict.Block.String() {
		return fmt.Errorf("%s%s: the site is answered with %v, and what is in it with %s", x.host, x.path, e.Action, got.Action)
	}
	f.events++
	e.ID, e.Action, e.Reason, e.Category, e.Detail, e.Count, e.Bytes = f.events, activity.Block, got.Reason, got.Category, got.Detail, 1, 0
	return f.h.Memory().Append(ctx, []activity.Event{e})
}

// prompt is what a pupil wrote to the AI service that the school has assessed.
const prompt = `{"content":[{"type":"text","text":"how do i tell my mum that i want to hurt myself"}]}`

// raiseChat has the filter meet what somebody writes to an AI service.
func (f *filling) raiseChat(ctx context.Context, at time.Time, w worryDay) (string, error) {
	const host, path = "copilot.microsoft.com", "/c/api/chat"
	older := f.older()
	v := f.pupilAt(older[w.pupil%len(older)])
	e, err := f.event(ctx, v, page{host: host, path: path}, at, true)
	if err != nil {
		return "", err
	}
	got, err := f.h.Scan(ctx, house.Sample{To: "https://" + host + path, Type: "application/json", Body: []byte(prompt), Group: v.group, Stage: v.stage})
	if err != nil {
		return "", err
	}
	if e.Action != activity.Allow {
		return "", fmt.Errorf("%s is not open: %s", host, e.Reason)
	}
	e.Alert, e.Detail, e.Engine, e.Words, e.Count = got.Alert, got.Detail, got.Engine, got.Words, 1
	if got.Reason != "" {
		e.Reason = got.Reason
	}
	if got.Action == verdict.Block.String() {
		e.Action, e.Category, e.Bytes = activity.Block, got.Category, 0
	}
	return f.met(ctx, e)
}

// licensed brings in a list as a supplier would hand it over under contract.
// Its only entry is made up.
func (f *filling) licensed(ctx context.Context) error {
	_, err := f.h.Filtering.ImportLicensed(ctx, filtering.LicensedOptions{
		List: filtering.Licensed{
			Title: "Placeholder of a licensed list", Supplier: "An invented supplier", Subject: filtering.SubjectOther, Form: verdict.LicensedPlain,
			Reason: "Shows where a licensed list stands. A school signs its supplier's contract and brings the real one in.",
		},
		Data: []byte("placeholder-entry.example\n"),
	})
	return err
}

// wanted is a file that somebody asks for.
type wanted struct {
	ago, minute int
	who, url    string
	purpose     string
	decided     int    // minutes until the head decided; 0: nobody has
	why         string // why it was refused
}

func (f *filling) permits(add adder) {
	for _, x := range []wanted{
		{33, 9*60 + 32, "teacher", "https://tools.maths-lab.example/geometry-setup.exe", "Geometry on the big screen in room 12.", 25, ""},
		{21, 13*60 + 8, "pupil10", "https://mods.blocks.example/shaders.zip", "For a world that we build together.", 95, "At home, please. Not on the school's laptops."},
		{11, 10*60 + 40, "computing", "https://boards.example/firmware-tool.exe", "Flashing the boards of the coding club.", 12, ""},
		{0, 8*60 + 48, "teacher", "https://tools.maths-lab.example/geometry-update.exe", "The geometry program asks for its update.", 0, ""},
	} {
		id := ""
		add(x.ago, x.minute, x.who, func(ctx context.Context) error {
			p, err := f.h.Filtering.AskPermit(ctx, x.url, filtering.Permit{Purpose: x.purpose}, netip.Addr{})
			id = p.ID
			return err
		})
		if x.decided == 0 {
			continue
		}
		add(x.ago, x.minute+x.decided, "head", func(ctx context.Context) error {
			switch {
			case id == "":
				return nil
			case x.why != "":
				return f.h.Filtering.RefusePermit(ctx, id, x.why)
			}
			return f.h.Filtering.GrantPermit(ctx, id, 6*time.Hour)
		})
	}
}
