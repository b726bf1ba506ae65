package access

import (
	"embed"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/school/people"
)

//go:embed pages/*.html
var pages embed.FS

// Doors says what only house knows of a request. Every function may be nil.
type Doors struct {
	// Address is the device's address: behind the gate it is not the one that
	// the connection comes from. nil takes the connection's.
	Address func(*http.Request) netip.Addr
	// Web says whether a sign-in by this request makes the device this
	// person's on the web. nil: never.
	Web func(*http.Request) bool
	// Desk says whether the request came to the desk, where whoever works
	// there goes on to their tray. nil: never where Web says yes.
	Desk func(*http.Request) bool
	// Secure says whether the reader's connection is TLS although r.TLS is
	// nil; the same as web.Deps.Secure.
	Secure func(*http.Request) bool
}

func (d Doors) address(r *http.Request) netip.Addr {
	if d.Address != nil {
		return d.Address(r).Unmap()
	}
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

func (d Doors) web(r *http.Request) bool { return d.Web != nil && d.Web(r) }

func (d Doors) desk(r *http.Request) bool { return d.Desk != nil && d.Desk(r) }

func (d Doors) secure(r *http.Request) bool {
	return r.TLS != nil || d.Secure != nil && d.Secure(r)
}

// Section is the room's part of the pages.
func (r *Room) Section() web.Section {
	return web.Section{
		Name: "access", Title: "Accounts",
		Menu: []web.MenuItem{{Title: "Accounts", Path: "/accounts", Needs: MayManage, Icon: "key", Area: "People"}},
		Routes: []web.Route{
			{Pattern: "GET /sign-in", Needs: web.Open, Do: r.signInPage, People: true},
			{Pattern: "POST /sign-in", Needs: web.Open, Do: r.signInPost, People: true},
			{Pattern: "GET " + secondPath, Needs: web.Open, Do: r.secondPage, People: true},
			{Pattern: "POST " + secondPath, Needs: web.Open, Do: r.secondPost, People: true},
			{Pattern: "POST " + secondPath + "/key", Needs: web.Open, Do: r.secondKeyPost, People: true, Body: maxKeyBody},
			{Pattern: "POST " + secondPath + "/key/begin", Needs: web.Open, Do: r.secondKeyBegin, People: true, Body: maxKeyBody},
			{Pattern: "POST /sign-out", Needs: web.Open, Do: r.signOutPost, People: true},
			{Pattern: "GET /signed-in", Needs: web.SignedIn, Do: r.signedInPage, People: true},
			{Pattern: "GET /account", Needs: web.SignedIn, Do: r.accountPage, People: true},
			{Pattern: "GET /account/password", Needs: web.SignedIn, Do: r.passwordPage, People: true},
			{Pattern: "POST /account/password", Needs: web.SignedIn, Do: r.passwordPost, People: true},
			{Pattern: "GET " + provePath, Needs: web.SignedIn, Do: r.provePage, People: true},
			{Pattern: "POST " + provePath, Needs: web.SignedIn, Do: r.provePost, People: true},
			{Pattern: "GET " + factorPath, Needs: web.SignedIn, Do: r.factorsPage},
			{Pattern: "GET " + factorPath + "/app", Needs: web.SignedIn, Do: r.appPage},
			{Pattern: "GET " + factorPath + "/app/picture.png", Needs: web.SignedIn, Do: r.appPicture},
			{Pattern: "POST " + factorPath + "/app", Needs: web.SignedIn, Do: r.appPost},
			{Pattern: "POST " + factorPath + "/key/begin", Needs: web.SignedIn, Do: r.keyBegin, Body: maxKeyBody},
			{Pattern: "POST " + factorPath + "/key", Needs: web.SignedIn, Do: r.keyPost, Body: maxKeyBody},
			{Pattern: "POST " + factorPath + "/remove", Needs: web.SignedIn, Do: r.removeFactorPost},
			{Pattern: "GET " + factorPath + "/codes", Needs: web.SignedIn, Do: r.codesPage},
			{Pattern: "POST " + factorPath + "/codes", Needs: web.SignedIn, Do: r.codesPost},
			{Pattern: "POST " + lockPath, Needs: web.SignedIn, Do: r.lockPost, People: true},
			{Pattern: "GET /account/compromised", Needs: web.SignedIn, Do: r.compromisedPage, People: true},
			{Pattern: "POST /account/compromised", Needs: web.SignedIn, Do: r.compromisedPost, People: true},
			{Pattern: "GET " + keptPath, Needs: web.SignedIn, Do: r.keptPage, People: true},
			{Pattern: "POST " + keptPath, Needs: web.SignedIn, Do: r.keptPost, People: true},
			{Pattern: "POST " + keptPath + "/drop", Needs: web.SignedIn, Do: r.dropKeptPost, People: true},
			{Pattern: "GET " + classPath, Needs: MayClass, Do: r.classPage},
			{Pattern: "POST " + classPath, Needs: MayClass, Do: r.classPost},
			{Pattern: "GET " + alertsPath, Needs: MayManage, Do: r.alertsPage},
			{Pattern: "POST " + alertsPath, Needs: MayManage, Do: r.alertPost},
			{Pattern: "GET " + rightsPath, Needs: MayRights, Do: r.rightsPage},
			{Pattern: "POST " + rightsPath, Needs: MayRights, Do: r.rightsPost},
			{Pattern: "GET /account/head-factor", Needs: MayHeadFactor, Do: r.headFactorPage},
			{Pattern: "POST /account/head-factor", Needs: MayHeadFactor, Do: r.headFactorPost},
			{Pattern: "GET /accounts/{id}/second-factor", Needs: MayFactors, Do: r.resetFactorPage},
			{Pattern: "POST /accounts/{id}/second-factor", Needs: MayFactors, Do: r.resetFactorPost},
			{Pattern: "POST /account/sessions/end", Needs: web.SignedIn, Do: r.endOwnPost, People: true},
			{Pattern: "GET /account/tokens", Needs: MayTokens, Do: r.tokensPage},
			{Pattern: "POST /account/tokens", Needs: MayTokens, Do: r.issuePost},
			{Pattern: "POST /account/tokens/end", Needs: MayTokens, Do: r.revokePost},
			{Pattern: "GET /accounts", Needs: MayManage, Do: r.accountsPage},
			{Pattern: "GET /accounts/new", Needs: MayManage, Do: r.newAccountPage},
			{Pattern: "POST /accounts/new", Needs: MayManage, Do: r.newAccountPost},
			{Pattern: "GET /accounts/{id}", Needs: MayManage, Do: r.oneAccountPage},
			{Pattern: "POST /accounts/{id}/reset", Needs: MayManage, Do: r.resetPost},
			{Pattern: "POST /accounts/{id}/close", Needs: MayManage, Do: r.closePost},
			{Pattern: "POST /accounts/{id}/open", Needs: MayManage, Do: r.openPost},
			{Pattern: "POST /accounts/{id}/sessions/end", Needs: MayManage, Do: r.endOthersPost},
		},
	}
}

// cookieName is the name of the session's cookie, before the prefix.
const cookieName = "belisha"

// token is what the browser shows. Without TLS a cookie counts only on the
// machine itself.
func (r *Room) token(req *http.Request) string {
	secure := r.Doors.secure(req)
	if !secure && !r.Doors.address(req).IsLoopback() {
		return ""
	}
	k, err := req.Cookie(web.CookieName(cookieName, secure))
	if err != nil {
		return ""
	}
	return k.Value
}

// lockPath locks one's session at once.
const lockPath = "/account/lock"

// changePath is where a password is changed.
const changePath = "/account/password"

// Actor answers who is behind a request, for the pages.
func (r *Room) Actor(req *http.Request) (actor.Actor, error) {
	st, err := r.Stand(req.Context(), r.token(req))
	if err != nil {
		return actor.Actor{ID: "nobody", Kind: actor.Nobody}, err
	}
	switch {
	case st.AskFactor:
		return st.Actor, web.SeeOther{To: secondPath + "?to=" + url.QueryEscape(asked(req))}
	case st.MustChange:
		return st.Actor, web.SeeOther{To: changePath}
	case st.MustEnrol && r.atDeskDoor(req) && !within(req.URL.Path, factorPath) && req.URL.Path != provePath:
		return st.Actor, web.SeeOther{To: factorPath}
	}
	return st.Actor, nil
}

// asked is the page to go on to after the second factor.
func asked(req *http.Request) string {
	if req.Method != http.MethodGet {
		return "/"
	}
	if p := web.SafePath(req.URL.RequestURI()); p != "" && len(p) <= 1000 {
		return p
	}
	return "/"
}

// atDeskDoor reports whether the request came to the desk: the people's pages
// need no second factor to be taken first, and open nothing more.
func (r *Room) atDeskDoor(req *http.Request) bool {
	return r.Doors.Desk == nil || r.Doors.Desk(req)
}

func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func setCookie(c *web.Ctx, secure bool, value string) {
	k := &http.Cookie{Name: web.CookieName(cookieName, secure), Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		k.MaxAge = -1
	}
	http.SetCookie(c.W, k)
}

// formView is a form of this room.
type formView struct {
	web.Base
	Path   string
	Intro  []string
	Fields []web.Field
	Hidden []web.Hidden
	Button string
	Cancel web.Link
	Told   web.Panel
	Foot   string // below the form
}

var formPage = web.NewPage[formView](pages, "pages/form.html")

// again shows a form that came back, or passes on what no form can mend.
func again(c *web.Ctx, v formView, form url.Values, err error) error {
	if errors.Is(err, ErrBusy) {
		return web.ErrBusy
	}
	bad, ok := web.Wrong(err)
	if !ok {
		return err
	}
	fields := make([]*web.Field, len(v.Fields))
	for i := range v.Fields {
		fields[i] = &v.Fields[i]
	}
	v.Errors = web.Refill(form, shown(bad), fields...)
	return formPage.Status(http.StatusUnprocessableEntity).Render(c, v)
}

// shown makes what a check says into sentences for a page.
func shown(bad store.Invalid) store.Invalid {
	out := store.Invalid{}
	for k, v := range bad {
		out[k] = sentence(v)
	}
	return out
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func personOf(c *web.Ctx) people.ID { return people.ID(c.Actor.Person) }
