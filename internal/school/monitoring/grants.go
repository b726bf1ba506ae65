package monitoring

import (
	"belisha/internal/kit/actor"
	"belisha/internal/school/access"
	"belisha/internal/school/people"
)

// Grants say who may do what in this room, besides what the table of accounts
// says of reading, signals and the head's word.
func Grants() []access.Grant {
	leader := []actor.Capability{MayAsk, MayReleases}
	return []access.Grant{
		{Post: people.Headteacher, May: []actor.Capability{MayContractors, MayReview, MayDraws, MayAssess, MayExplain, MayAsk, MayErase, MayAlerts, MayReleases}},
		{Post: people.DeputyHead, May: append([]actor.Capability{MayPropose, MayDraws}, leader...)},
		{Post: people.AssistantHead, May: leader},
		{Post: people.OnlineSafetyLead, May: []actor.Capability{MayPropose, MayDraws}},
		{Post: people.SafeguardingLead, May: []actor.Capability{MayPropose, MayDraws}},
		{Post: people.Monitor, May: []actor.Capability{MayContractors, MayDraws, MayPropose, MayAlerts, MayReleases}},
		{Post: people.NetworkManager, May: []actor.Capability{MayPropose, MayExplain}},
		{Post: people.DataManager, May: []actor.Capability{MayPropose, MayAssess, MayErase}},
		{Post: people.ChairOfGovernors, May: []actor.Capability{MayReview, MayAlerts}},
		{Audience: people.Contractor, May: []actor.Capability{MaySight}},
	}
}
