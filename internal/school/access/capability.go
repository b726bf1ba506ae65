package access

import (
	"slices"
	"sort"
	"strings"

	"belisha/internal/kit/actor"
	"belisha/internal/school/people"
)

// What somebody may do with accounts.
const (
	MayManage actor.Capability = "access.manage" // accounts, sessions, new passwords
	MayTokens actor.Capability = "access.tokens" // make and end API tokens
	// MayFactors takes away somebody else's second factor; MayHeadFactor asks
	// for the head's to be, which another decides.
	MayFactors    actor.Capability = "access.second-factor.reset"
	MayHeadFactor actor.Capability = "access.head-factor"
	MayRights     actor.Capability = "access.rights.review"   // say that those with the most rights are the right ones
	MayClass      actor.Capability = "access.class-passwords" // of the pupils one teaches, where the school lets teachers
)

// Grant is one line of the table: who may do what. Either Post is set or
// Audience.
type Grant struct {
	Post     people.Post
	Audience people.Kind
	May      []actor.Capability
}

func caps(words string) []actor.Capability {
	var out []actor.Capability
	for _, w := range strings.Fields(words) {
		out = append(out, actor.Capability(w))
	}
	return out
}

// everything that is only read, for those who answer for the school
const readAll = "people.read policies.read filtering.read journal.read backup.read health.read evidence.read "

// Grants is the table of posts and audiences and what they may do. Pupils,
// parents and visitors have no line: they have the people's pages and their
// own account, like everybody who is signed in.
func Grants() []Grant {
	return []Grant{
		{Audience: people.Staff, May: caps("policies.read access.class-passwords")},
		{Audience: people.Governor, May: caps("policies.read evidence.read")},

		{Post: people.Headteacher, May: caps(readAll + "people.manage people.posts access.manage access.tokens access.second-factor.reset access.rights.review access.rights.review policies.edit policies.activate policies.approve " +
			"filtering.grant-status monitoring.list.confirm setup.run")},
		{Post: people.DeputyHead, May: caps(readAll + "policies.edit")},
		{Post: people.AssistantHead, May: caps("people.read policies.read filtering.read evidence.read")},
		{Post: people.SafeguardingLead, May: caps("people.read policies.read filtering.read evidence.read safeguarding.tray monitoring.signals")},
		{Post: people.DeputySafeguardingLead, May: caps("people.read policies.read evidence.read safeguarding.tray monitoring.signals")},
		{Post: people.OnlineSafetyLead, May: caps("people.read policies.read policies.edit filtering.read evidence.read journal.read")},
		{Post: people.NetworkManager, May: caps("people.read people.import access.manage access.tokens access.head-factor policies.read filtering.read " +
			"backup.run backup.read health.read evidence.read journal.read")},
		{Post: people.FilterManager, May: caps("policies.read filtering.read filtering.change filtering.publish evidence.read")},
		{Post: people.Monitor, May: caps("monitoring.read monitoring.export policies.read evidence.read")},
		{Post: people.OfficeManager, May: caps("people.read people.manage people.import policies.read evidence.read")},
		{Post: people.BusinessManager, May: caps("people.read policies.read evidence.read")},
		{Post: people.DataManager, May: caps("people.read people.manage people.import policies.read evidence.read journal.read")},
		{Post: people.ComputingLead, May: caps("policies.read filtering.read evidence.read")},
		{Post: people.ChairOfGovernors, May: caps("access.head-factor policies.read policies.approve evidence.read")},
		{Post: people.SafeguardingGovernor, May: caps("policies.read evidence.read")},
		{Post: people.ITContractor, May: caps("health.read filtering.read")},
	}
}

// Table answers what somebody may do.
type Table struct{ grants []Grant }

// NewTable returns the built-in table with the lines that rooms add.
func NewTable(extra ...Grant) Table { return Table{append(Grants(), extra...)} }

// May returns what a person of the audience may do while holding the posts,
// sorted. Posts that the audience may not hold count for nothing, so a wrong
// record cannot lift a pupil.
func (t Table) May(a people.Kind, posts []people.Post) []actor.Capability {
	if a == people.Pupil || a == "" {
		return nil
	}
	set := map[actor.Capability]bool{}
	for _, g := range t.grants {
		byPost := g.Post != "" && slices.Contains(posts, g.Post) && g.Post.OpenTo(a)
		if byPost || (g.Post == "" && g.Audience == a) {
			for _, c := range g.May {
				set[c] = true
			}
		}
	}
	out := make([]actor.Capability, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// CanEver reports whether a person of the audience could have the capability
// with any posts at all. It is the evidence for "pupils cannot read logs".
func (t Table) CanEver(a people.Kind, c actor.Capability) bool {
	all := make([]people.Post, 0, len(people.Posts))
	for _, p := range people.Posts {
		all = append(all, p.Post)
	}
	return slices.Contains(t.May(a, all), c)
}

// Everything is every capability that the table names, sorted.
func (t Table) Everything() []actor.Capability {
	set := map[actor.Capability]bool{}
	for _, g := range t.grants {
		for _, c := range g.May {
			set[c] = true
		}
	}
	out := make([]actor.Capability, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}
