package devices

import (
	"bytes"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/devices/platform"
)

const (
	pathCertificate = "/devices/certificate"
	pathNext        = pathCertificate + "/next"
	nameNext        = "belisha-school-next.crt"
)

func (r *Room) certificateRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathCertificate, Needs: MayRead, Do: r.certificatePage},
		{Pattern: "POST " + pathCertificate, Needs: MayManage, Do: r.certificatePrepare},
		{Pattern: "GET " + pathNext, Needs: MayRead, Do: r.certificateNext},
		{Pattern: "POST " + pathNext, Needs: MayManage, Do: r.certificateUse},
		{Pattern: "POST " + pathNext + "/discard", Needs: MayManage, Do: r.certificateDiscard},
	}
}

type certificateView struct {
	web.Base
	Note     web.Panel
	Now      web.Summary
	Download web.Download
	Next     web.Summary
	NextFile web.Download
	Steps    []string
	Use      web.Confirm
	Discard  web.Action
	Path     string
	Fields   []web.Field
}

var certificateTemplate = web.NewPage[certificateView](pages, "pages/certificate.html")

func (r *Room) certificateView(c *web.Ctx) (certificateView, error) {
	v := certificateView{Base: web.Base{
		Title: "The school's certificate", Crumbs: crumbs,
		Lead: "Devices that have it show a page of ours in place of a closed secure site. Where the policy lets the filter look inside encrypted sites, it is what makes that possible.",
	}}
	have, err := r.authority().Certificates(c.Context())
	if err != nil {
		return v, err
	}
	if have.Now == nil {
		v.Note = web.Panel{Tone: "warn", Title: "There is no certificate", Words: "The school's key is not in a file, so none was made. Closed secure sites show the browser's own error."}
		return v, nil
	}
	v.Now = r.certificateSummary(c, "In use", have.Now)
	v.Download = web.Download{Title: "Download it", Path: pathFiles + platform.NameCA, Kind: "CRT"}
	if have.InUse != "" && have.InUse != have.Now.Fingerprint {
		v.Note = web.Panel{Tone: "bad", Title: "The filter still uses another one", Words: "It could not take this one into use. The health page and the filter's log say why."}
	}
	may := c.May(MayManage)
	if have.Next != nil {
		r.nextView(c, &v, have, may)
	} else if may {
		v.Path = pathCertificate
		v.Fields = []web.Field{{
			Kind: web.LongField, Name: "never", Label: "Names that the next one never holds for", Optional: true, Rows: 6, Max: 6000, Value: strings.Join(have.Suggested, "\n"),
			Hint: "One on each line, each with everything below it. This is written into the certificate: devices refuse it there, whoever gets hold of its key. No page of ours can be shown there either. At most 100.",
		}}
	}
	return v, nil
}

func (r *Room) certificateSummary(c *web.Ctx, title string, x *Certificate) web.Summary {
	s := web.Summary{Title: title, Rows: []web.SummaryRow{
		{Key: "Fingerprint (SHA-256)", Text: x.Fingerprint},
		{Key: "Ends", When: c.Moment(x.Ends)},
	}}
	never := web.SummaryRow{Key: "Never holds for", Lines: x.Never}
	if len(x.Never) == 0 {
		never = web.SummaryRow{Key: "Never holds for", Text: "Nothing is written into it: whoever had its key could speak for any site"}
	}
	s.Rows = append(s.Rows, never)
	return s
}

func (r *Room) nextView(c *web.Ctx, v *certificateView, have Certificates, may bool) {
	v.Next = r.certificateSummary(c, "Prepared", have.Next)
	v.NextFile = web.Download{Title: "Download the prepared one", Path: pathNext, Kind: "CRT"}
	v.Steps = []string{
		"Install the prepared certificate on the devices, beside the one in use, by your device management or by hand. Nothing changes for anybody yet.",
		"Wait until devices that are seldom switched on have it too.",
		"Change to it here. Devices that have it notice nothing.",
		"Take the old one off the devices.",
	}
	if !may {
		return
	}
	v.Use = web.Confirm{
		What:   "The filter uses the prepared certificate from now on.",
		Whom:   "A device that does not have it yet shows the browser's warning in place of closed sites, and cannot open sites that are looked into.",
		When:   "At once, without a restart.",
		Undo:   "There is no way back: the key of the one in use is destroyed.",
		Action: web.Action{Path: pathNext, Title: "Change to it", Grave: true, Hidden: []web.Hidden{{Name: "fingerprint", Value: have.Next.Fingerprint}}},
	}
	v.Discard = web.Action{Path: pathNext + "/discard", Title: "Take the prepared one away", Quiet: true}
}

func (r *Room) certificatePage(c *web.Ctx) error {
	v, err := r.certificateView(c)
	if err != nil {
		return err
	}
	return certificateTemplate.Render(c, v)
}

func (r *Room) certificatePrepare(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	err = r.PrepareCertificate(c.Context(), form.Get("never"))
	if bad, ok := web.Wrong(err); ok {
		v, err := r.certificateView(c)
		if err != nil {
			return err
		}
		v.Errors = web.Refill(form, bad, pointers(v.Fields)...)
		return certificateTemplate.Status(422).Render(c, v)
	}
	if err != nil {
		return err
	}
	c.Notice("The next certificate is prepared. Nothing uses it yet.")
	return c.Redirect(pathCertificate)
}

func (r *Room) certificateUse(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	if err := r.UseCertificate(c.Context(), form.Get("fingerprint")); err != nil {
		return err
	}
	c.Notice("The filter uses the new certificate. Take the old one off the devices.")
	return c.Redirect(pathCertificate)
}

func (r *Room) certificateDiscard(c *web.Ctx) error {
	if err := r.DiscardCertificate(c.Context()); err != nil {
		return err
	}
	c.Notice("The prepared certificate is gone. Take it off devices that have it already.")
	return c.Redirect(pathCertificate)
}

func (r *Room) certificateNext(c *web.Ctx) error {
	body, err := r.authority().NextPEM(c.Context())
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return store.ErrNotFound
	}
	return c.Send(nameNext, "application/x-x509-ca-cert", bytes.NewReader(body))
}
