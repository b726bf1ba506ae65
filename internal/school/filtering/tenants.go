package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/store"
	"belisha/internal/verdict"
)

// tenant is a service that is told by a header whose accounts may be used
// there, as its maker documents it.
type tenant struct {
	key, title, help string
	headers          []string // that carry the value
	hosts            []string // and all below them
	// first: the first header carries only the first of several ids.
	first bool
}

const (
	keyTenants      = "filtering.tenants."
	keyMicrosoftMSA = keyTenants + "microsoft-personal"
)

var microsoftLogin = []string{"login.microsoftonline.com", "login.microsoft.com", "login.windows.net"}

// tenants are the services whose accounts can be held to the school's own.
func tenants() []tenant {
	return []tenant{
		{
			key: keyTenants + "google", title: "Google accounts that may be used: domains",
			help: "Domains of the school's Google Workspace, such as school.example. Personal Google accounts cannot be used then.", headers: []string{"X-GoogApps-Allowed-Domains"},
			hosts: []string{"google.com", "googleusercontent.com", "gstatic.com"},
		},
		{
			key: keyTenants + "microsoft", title: "Microsoft accounts that may be used: tenants",
			help: "Domains or ids of tenants, such as school.onmicrosoft.com. The directory's id is needed besides.", headers: []string{"Restrict-Access-To-Tenants"}, hosts: microsoftLogin,
		},
		{
			key: keyTenants + "microsoft-directory", title: "The directory that says which Microsoft tenants may be used",
			help: "The id of the school's own directory, from its Entra page.", headers: []string{"Restrict-Access-Context"}, hosts: microsoftLogin,
		},
		{
			key: keyTenants + "microsoft-policy", title: "The Microsoft policy that says whose accounts may be used (tenant restrictions v2)",
			help: "The id of the school's directory, a colon, and the id of the policy, as its Entra page gives them.", headers: []string{"sec-Restrict-Tenant-Access-Policy"}, hosts: microsoftLogin,
		},
		{
			key: keyTenants + "dropbox", title: "Dropbox teams that may be used", help: "Ids of teams.",
			headers: []string{"X-Dropbox-allowed-Team-Ids"}, hosts: []string{"dropbox.com"},
		},
		{
			key: keyTenants + "slack", title: "Slack workspaces that may be used", help: "Ids of workspaces, the school's own first.", first: true,
			headers: []string{"X-Slack-Allowed-Workspaces-Requester", "X-Slack-Allowed-Workspaces"}, hosts: []string{"slack.com"},
		},
		{
			key: keyTenants + "zoom", title: "Zoom accounts that may be used", help: "The policy as Zoom's own page gives it.",
			headers: []string{"X-ZoomApps-Policy"}, hosts: []string{"zoom.us"},
		},
		{
			key: keyTenants + "webex", title: "Webex domains that may be used", help: "Domains of accounts.",
			headers: []string{"CiscoSpark-Allowed-Domains"}, hosts: []string{"webex.com", "wbx2.com"},
		},
		{
			key: keyTenants + "github", title: "GitHub enterprises that may be used", help: "Ids of enterprises whose accounts are managed.",
			headers: []string{"sec-GitHub-allowed-enterprise"}, hosts: []string{"github.com", "githubcopilot.com"},
		},
		{
			key: keyTenants + "chatgpt", title: "ChatGPT workspaces that may be used", help: "Ids of workspaces.",
			headers: []string{"ChatGPT-Allowed-Workspace-Id"}, hosts: []string{"chatgpt.com", "openai.com"},
		},
	}
}

// tenantSettings declare one setting for each service.
func tenantSettings() []setting.Setting {
	var out []setting.Setting
	for _, t := range tenants() {
		out = append(out, setting.Setting{
			Key: t.key, Title: t.title, Kind: setting.Text, Scopes: []string{"group"}, Requirements: []string{"FIL-23"},
			Help: t.help + " Empty: no account is held to anything. Only where the filter looks into the service.",
		})
	}
	return append(out, setting.Setting{
		Key: keyMicrosoftMSA, Title: "Whether personal Microsoft accounts may be used", Kind: setting.YesNo, Default: "yes", Scopes: []string{"group"}, Requirements: []string{"FIL-23"},
		Help: "Outlook.com, Hotmail and the like. Only where the filter looks into Microsoft's sign-in.",
	})
}

// youtubeHosts take the header that sets their restricted mode.
var youtubeHosts = []string{"www.youtube.com", "m.youtube.com", "youtubei.googleapis.com", "youtube.googleapis.com", "www.youtube-nocookie.com"}

// headers makes what is set on requests, where a door sees inside. Where
// somebody's groups differ, the later header of a name counts, so the strictest
// group stands last.
func (m *maker) headers() error {
	for _, level := range []string{"moderate", "strict"} {
		var groups []string
		for _, g := range Groups() {
			if m.v.Choice(keyYouTube, setting.Scope{Group: g}) == level {
				groups = append(groups, m.members[g]...)
			}
		}
		m.header(verdict.Header{Name: "YouTube-Restrict", Value: titleOf(level), Hosts: youtubeHosts, Groups: groups}, len(groups) > 0)
	}
	for _, t := range tenants() {
		for _, g := range []string{GroupStaff, GroupGuests, GroupPupils} {
			ids, err := tenantIDs(m.v.Get(t.key, setting.Scope{Group: g}).Text)
			if err != nil {
				return &Refused{Words: fmt.Sprintf("%s: %v.", t.title, err), Clause: m.v.Get(t.key, setting.Scope{Group: g}).Clause}
			}
			for i, name := range t.headers {
				value := strings.Join(ids, ",")
				if t.first && i == 0 && len(ids) > 0 {
					value = ids[0]
				}
				m.header(verdict.Header{Name: name, Value: value, Hosts: t.hosts, Groups: m.members[g]}, value != "")
			}
		}
	}
	for _, g := range Groups() {
		m.header(verdict.Header{Name: "sec-Restrict-Tenant-Access-Policy", Value: "restrict-msa", Hosts: []string{"login.live.com"}, Groups: m.members[g]},
			!m.v.Bool(keyMicrosoftMSA, setting.Scope{Group: g}))
	}
	return nil
}

func (m *maker) header(h verdict.Header, set bool) {
	if !set {
		return
	}
	for i := range m.rules.Headers {
		if have := &m.rules.Headers[i]; have.Name == h.Name && have.Value == h.Value {
			have.Groups = slices.Concat(have.Groups, h.Groups)
			return
		}
	}
	h.Groups = slices.Clone(h.Groups)
	m.rules.Headers = append(m.rules.Headers, h)
}

// mostTenants bounds the ids of one service.
const mostTenants = 50

// tenantIDs reads domains and ids with commas, spaces or "and" between them.
func tenantIDs(text string) ([]string, error) {
	var out []string
	for _, id := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		if id == "and" {
			continue
		}
		if strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:=@") != "" || len(id) > 200 {
			return nil, fmt.Errorf("%.60q is neither a domain nor an id", id)
		}
		out = append(out, id)
	}
	if len(out) > mostTenants {
		return nil, store.Invalid{"": fmt.Sprintf("at most %d fit", mostTenants)}
	}
	return out, nil
}
