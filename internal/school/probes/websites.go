package probes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

type sitesView struct {
	web.Base
	Token   web.Panel
	Scripts []script
	Table   web.Table
	Ends    []web.Action
	Fields  []web.Field
	May     bool
	Path    string
}

var sitesTemplate = web.NewPage[sitesView](pages, "pages/sites.html")

var groupWords = map[string]string{"": "a device that nobody knows", "pupils": "pupils", "staff": "staff", "guests": "guests"}

func siteFields() []web.Field {
	var groups []web.Option
	for _, g := range []string{"", "pupils", "staff", "guests"} {
		groups = append(groups, web.Option{Value: g, Label: groupWords[g]})
	}
	return []web.Field{
		{Kind: web.TextField, Name: "site", Label: "The site", Hint: "Such as “Lower school” or “Sports pavilion”.", Max: mostName},
		{Kind: web.SelectField, Name: "group", Label: "Whose rules the device there goes by", Options: groups, Optional: true},
	}
}

func (r *Room) sitesPage(c *web.Ctx) error {
	v, err := r.sitesOf(c)
	if err != nil {
		return err
	}
	return sitesTemplate.Render(c, v)
}

func (r *Room) sitesOf(c *web.Ctx) (sitesView, error) {
	v := sitesView{
		Base: web.Base{
			Title: "Devices that try the filter from other sites", Crumbs: []web.Crumb{{Title: "Trials of the filter", Path: pathList}},
			Lead: "A site where no Belisha runs is tried by a device of its own, such as an office computer: it runs a small file each hour, asks for made-up sites, and tells what happened.",
		},
		May: c.May(MayManage), Fields: siteFields(), Path: "/filter/probe-sites",
		Table: web.Table{
			Caption: "Sites", Columns: []web.Column{{Title: "Site"}, {Title: "Rules"}, {Title: "Since"}, {Title: "Told last"}},
			Empty: web.Empty{Title: "No other site is named", Words: "Where all devices of the school are on this machine’s network, none is needed; yet only a device can find out whether the firewall lets it past the filter."},
		},
	}
	list, err := r.Sites(c.Context())
	if err != nil {
		return v, err
	}
	for _, s := range list {
		row := web.Row{Faint: s.Ended(), Cells: []web.Cell{{Text: s.Site}, {Text: groupWords[s.Group]}, {When: c.Near(s.MadeAt)}, {}}}
		last, err := r.Last(c.Context(), s.Site, false)
		if err != nil {
			return v, err
		}
		switch {
		case s.Ended():
			row.Cells[3].Text = "ended"
		case last.ID == "":
			row.Cells[3].Text = "nothing yet"
		default:
			row.Cells[3].When, row.Cells[3].State = c.Near(last.At), runState(last)
		}
		v.Table.Rows = append(v.Table.Rows, row)
		if v.May && !s.Ended() {
			v.Ends = append(v.Ends, web.Action{
				Path: "/filter/probe-sites/" + s.ID + "/end", Title: "End " + s.Site, Quiet: true, Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(s.Version, 10)}},
			})
		}
	}
	return v, nil
}

func (r *Room) sitesPost(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	ctx := actor.With(c.Context(), c.Actor)
	s, token, err := r.AddSite(ctx, form.Get("site"), form.Get("group"))
	bad, wrong := web.Wrong(err)
	if err != nil && !wrong {
		return err
	}
	v, verr := r.sitesOf(c)
	if verr != nil {
		return errors.Join(verr, err)
	}
	if wrong {
		v.Errors = web.Refill(form, store.Invalid(bad), &v.Fields[0], &v.Fields[1])
		return sitesTemplate.Status(http.StatusUnprocessableEntity).Render(c, v)
	}
	base := "http://" + r.Host()
	v.Token = web.Panel{
		Tone: "good", Title: s.Site + " is named",
		Words: "Save one of these as a file on the device there, and have it run each hour as the people there would, by the task scheduler or cron. The key in it is shown this once; whoever loses it ends the site and names it anew.",
	}
	v.Scripts = []script{
		{Title: "Windows, PowerShell: try-the-filter.ps1", Text: powerShell(base, token)},
		{Title: "Mac, Linux, Chromebook with Linux: try-the-filter.sh", Text: shell(base, token)},
	}
	return sitesTemplate.Render(c, v)
}

func (r *Room) siteEnd(c *web.Ctx) error {
	n, err := strconv.ParseInt(c.Value("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	if err := r.EndSite(actor.With(c.Context(), c.Actor), c.Param("id"), n); err != nil {
		return err
	}
	c.Notice("Ended: its key is worth nothing any more.")
	return c.Redirect("/filter/probe-sites")
}

// plan is what a device is to try: one line each, a word and an address.
func (r *Room) plan(c *web.Ctx, s Site) ([]string, error) {
	must, err := r.Closed(c.Context(), s.Group)
	if err != nil {
		return nil, err
	}
	out := []string{"here http://here." + r.Zone + "/"}
	for _, m := range must {
		out = append(out, m+" http://"+m+"."+r.Zone+"/")
	}
	for _, t := range r.DirectTargets() {
		out = append(out, t+" "+t)
	}
	return out, nil
}

// devicePlan gives a device its questions as plain lines, which any shell can
// read.
func (r *Room) devicePlan(c *web.Ctx) error {
	s, err := r.byToken(c.Context(), c.Param("token"))
	if err != nil {
		return err
	}
	lines, err := r.plan(c, s)
	if err != nil {
		return err
	}
	return c.Send("", "text/plain; charset=utf-8", strings.NewReader(strings.Join(lines, "\n")+"\n"))
}

// mostLines bounds what a device tells.
const mostLines = 300

// deviceReport takes what a device tells: lines of a word and an outcome, or
// the same as JSON.
func (r *Room) deviceReport(c *web.Ctx) error {
	s, err := r.byToken(c.Context(), c.Param("token"))
	if err != nil {
		return err
	}
	if !r.rate.may(s.ID, r.now()) {
		return store.Invalid{"": "This device told a moment ago; once an hour is enough"}
	}
	raw, err := io.ReadAll(io.LimitReader(c.R.Body, 32<<10))
	if err != nil {
		return fmt.Errorf("reading what a device tells: %w", err)
	}
	told := readTold(raw)
	if len(told) == 0 {
		return store.Invalid{"": "Nothing that could be read was told; each line holds a word and an outcome, such as “here open”"}
	}
	run, err := r.Report(actor.With(c.Context(), actor.Belisha("site probe")), s, told)
	if err != nil {
		return err
	}
	return c.Send("", "text/plain; charset=utf-8", strings.NewReader(fmt.Sprintf("right %d, wrong %d, not asked %d\n", run.Right, run.Wrong, run.Blind)))
}

func readTold(raw []byte) []Told {
	var out []Told
	var many []Told
	if json.Unmarshal(raw, &many) == nil {
		return many[:min(len(many), mostLines)]
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) == 2 && len(out) < mostLines {
			out = append(out, Told{Case: f[0], Outcome: f[1]})
		}
	}
	return out
}

type script struct{ Title, Text string }

// shell is the trial for a shell. It needs nothing but curl.
func shell(base, token string) string {
	return `#!/bin/sh
# Tries the school's filter from this device, and tells Belisha what happened.
# It asks for made-up names only; nothing bad is opened. Run it each hour.
base='` + base + `' key='` + token + `'
plan=$(curl -fsS -m 20 "$base/probe/plan/$key") || exit 1
printf '%s\n' "$plan" | while read -r word to; do
  case "$to" in
  http://*)
    code=$(curl -s -o /dev/null -m 15 -w '%{http_code}' "$to")
    case "$code" in 200) said=open ;; 403) said=closed ;; 000) said=nothing ;; *) said=nothing ;; esac
    ;;
  *)
    code=$(curl -s -o /dev/null -m 8 --noproxy '*' -w '%{time_connect}' "telnet://$to" </dev/null)
    case "$code" in 0.000000 | 0 | '') said=refused ;; *) said=reached ;; esac
    ;;
  esac
  printf '%s %s\n' "$word" "$said"
done | curl -fsS -m 20 -H 'Content-Type: text/plain' --data-binary @- "$base/probe/report/$key"
`
}

// powerShell is the trial for Windows, with what every Windows 10 has.
func powerShell(base, token string) string {
	return `# Tries the school's filter from this device, and tells Belisha what happened.
# It asks for made-up names only; nothing bad is opened. Run it each hour.
$base = '` + base + `'; $key = '` + token + `'
$plan = (Invoke-WebRequest -UseBasicParsing -TimeoutSec 20 "$base/probe/plan/$key").Content
if ($plan -is [byte[]]) { $plan = [Text.Encoding]::UTF8.GetString($plan) }
$told = foreach ($line in $plan -split "\r?\n") {
  $word, $to = $line -split ' ', 2
  if (-not $to) { continue }
  if ($to.StartsWith('http')) {
    try { $null = Invoke-WebRequest -UseBasicParsing -TimeoutSec 15 $to; $said = 'open' }
    catch { if ($_.Exception.Response -and [int]$_.Exception.Response.StatusCode -eq 403) { $said = 'closed' } else { $said = 'nothing' } }
  } else {
    $cut = $to.LastIndexOf(':'); $tcp = New-Object Net.Sockets.TcpClient; $said = 'refused'
    try { if ($tcp.ConnectAsync($to.Substring(0, $cut).Trim('[', ']'), [int]$to.Substring($cut + 1)).Wait(8000)) { $said = 'reached' } } catch { }
    $tcp.Close()
  }
  "$word $said"
}
Invoke-WebRequest -UseBasicParsing -TimeoutSec 20 -Method Post -ContentType 'text/plain' -Body ($told -join "` + "`" + `n") "$base/probe/report/$key" | Select-Object -ExpandProperty Content
`
}
