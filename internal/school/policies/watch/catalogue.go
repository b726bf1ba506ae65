package watch

import "strings"

// Entry is a control of the catalogue, built or not.
type Entry struct {
	Number, Slug, Title string
	Requirements        []string
}

// Catalogue returns every control there is a number for, in order.
func Catalogue() []Entry { return append([]Entry(nil), catalogue...) }

// BySlug returns the entry with the slug, the zero Entry for none.
func BySlug(slug string) Entry {
	for _, c := range catalogue {
		if c.Slug == slug {
			return c
		}
	}
	return Entry{}
}

// Find returns the slug of a control named by slug or number, in any case.
func Find(name string) (string, bool) {
	for _, c := range catalogue {
		if strings.EqualFold(name, c.Slug) || strings.EqualFold(name, c.Number) {
			return c.Slug, true
		}
	}
	return "", false
}

// Slugs returns every slug, in order.
func Slugs() []string {
	out := make([]string, 0, len(catalogue))
	for _, c := range catalogue {
		out = append(out, c.Slug)
	}
	return out
}

// catalogue is every control there is a number for, so that a policy may name
// one that is not built yet: it shows as unknown, never as kept.
var catalogue = []Entry{
	{"C01", "filter-in-path", "No way to the internet goes round the filter.", []string{"FIL-01"}},
	{"C02", "required-categories", "Every category that must be blocked is blocked for everybody it binds.", []string{"FIL-02", "FIL-03", "FIL-04", "FIL-06", "FIL-07"}},
	{"C03", "programs-blocked", "Programs and other executable files cannot be downloaded.", []string{"FIL-08"}},
	{"C04", "exceptions-expire", "Every site opened for a lesson, and every file permitted, closes again when it was meant to.", []string{"FIL-05", "FIL-06", "FIL-09"}},
	{"C05", "filter-changes-logged", "Every change to the filter is in the log, and the log is whole.", []string{"FIL-10"}},
	{"C06", "filter-changers-listed", "Only holders of filter-management status have changed the filter.", []string{"FIL-11"}},
	{"C07", "lists-fresh", "The filter's lists are no older than the school allows.", []string{"FIL-12"}},
	{"C08", "safe-search", "Safe search is forced where the school says so.", []string{"FIL-15", "FIL-16"}},
	{"C09", "sites-previewed", "Every site on a class list has been looked at by a member of staff.", []string{"FIL-17", "FIL-18"}},
	{"C10", "filter-reports-answered", "Reports about the filter are answered in time.", []string{"FIL-13", "FIL-25"}},
	{"C11", "log-complete", "The record of internet use has no gap that nobody can explain.", []string{"MON-01"}},
	{"C12", "random-review", "Samples of the logs are drawn at random and looked at, period by period.", []string{"MON-02", "MON-03"}},
	{"C13", "findings-followed", "Everything a review found inappropriate was followed up.", []string{"MON-02"}},
	{"C14", "monitor-list-current", "Only people on the confirmed list can read the logs.", []string{"MON-05"}},
	{"C15", "contractor-grants-timed", "A contractor's sight of the logs ends by itself and was granted by somebody on the list.", []string{"MON-06"}},
	{"C16", "log-views-have-purpose", "Every look at a person's log has one of the purposes the policy allows.", []string{"MON-09", "MON-11", "MON-15"}},
	{"C17", "watchers-watched", "The head has looked at who has read the logs.", []string{"MON-17"}},
	{"C18", "notice-given", "Everybody has been told that use is monitored.", []string{"MON-04", "MON-13"}},
	{"C19", "pupils-cannot-read-logs", "No pupil can read an internet log.", []string{"MON-14"}},
	{"C20", "alerts-handled", "No alert waits longer than the school allows.", []string{"MON-16"}},
	{"C21", "monitoring-basis", "Every kind of monitoring has a lawful basis that was looked at in time.", []string{"MON-12"}},
	{"C22", "incidents-triaged", "Incidents are looked at in time.", []string{"INC-01", "INC-18"}},
	{"C23", "parents-told", "Parents were told of their child's incident, or the reason why not is recorded.", []string{"INC-16"}},
	{"C24", "deliberate-access-investigated", "The head investigates deliberate access before it is decided.", []string{"INC-08"}},
	{"C25", "referral-decided", "What may be illegal was referred, or the reason why not is recorded.", []string{"INC-14", "INC-15"}},
	{"C26", "sanctions-applied", "Sanctions are in force for as long as they were given, and no longer.", []string{"INC-09", "INC-10"}},
	{"C27", "log-not-altered", "No line of the journal has been altered.", []string{"INC-01", "GOV-16"}},
	{"C28", "trends-read", "The report on trends was read.", []string{"INC-02", "INC-21"}},
	{"C29", "routes-have-receivers", "Every kind of report has somebody to receive it.", []string{"INC-05", "INC-23", "CMP-01", "CMP-02"}},
	{"C30", "signed-before-access", "Nobody has an account without having signed the rules.", []string{"AUP-02", "AUP-18"}},
	{"C31", "who-has-signed", "Everybody who must sign has signed.", []string{"AUP-01", "AUP-03", "AUP-07"}},
	{"C32", "signed-by-the-right-person", "Pupils' agreements were signed by the person who must sign them.", []string{"AUP-04"}},
	{"C33", "class-discussion", "Every class has talked about the rules this year.", []string{"AUP-09"}},
	{"C34", "required-clauses", "The clauses that must be there are in the policy in force.", []string{"AUP-17", "AUP-23"}},
	{"C35", "consent-held", "Every use of a pupil's image has an answer from home.", []string{"CON-01", "CON-02", "CON-05"}},
	{"C36", "published-is-permitted", "Everything published is permitted.", []string{"CON-02", "CON-06", "CON-08", "CON-11"}},
	{"C37", "taken-down-in-time", "What was withdrawn was taken down in time.", []string{"CON-06"}},
	{"C38", "no-names-with-images", "No image carries a name or a place.", []string{"CON-12", "WEB-06", "WEB-07"}},
	{"C39", "publishers-authorised", "Only authorised people have published.", []string{"CON-10", "WEB-02"}},
	{"C40", "personal-device-images-cleared", "Images on personal devices were moved and deleted in time.", []string{"CON-13", "CON-14"}},
	{"C41", "leavers-images-gone", "Images of people who have left are gone.", []string{"CON-19"}},
	{"C42", "no-zombie-accounts", "No account is open for somebody who has left.", []string{"ACC-15"}},
	{"C43", "password-age", "No staff password is older than the school allows.", []string{"ACC-06"}},
	{"C44", "first-logon-change", "Nobody goes on using a temporary password.", []string{"ACC-07"}},
	{"C45", "idle-lock", "A session that is left locks by itself.", []string{"ACC-18"}},
	{"C46", "no-shared-use", "No account is used by two people.", []string{"ACC-01", "ACC-04"}},
	{"C47", "admin-rights-reviewed", "Every administrator was approved and is looked at again in time.", []string{"ACC-20"}},
	{"C48", "shared-secrets-rotated", "Shared passwords are changed on time and when somebody leaves.", []string{"ACC-14"}},
	{"C49", "role-access-reviewed", "What each role may see was looked at in time.", []string{"ACC-21", "ACC-22"}},
	{"C50", "mail-filter-live", "Mail is scanned and what is harmful is stopped.", []string{"EML-05", "EML-06"}},
	{"C51", "mail-trace", "Any message can be found again by the people who may.", []string{"EML-05"}},
	{"C52", "no-personal-data-in-mail", "Personal data does not leave by plain mail.", []string{"EML-07", "EML-08"}},
	{"C53", "no-auto-forward", "No mailbox forwards or deletes by itself.", []string{"EML-15"}},
	{"C54", "chain-mail-account-safe", "Nobody reads the account that takes chain mail.", []string{"EML-13"}},
	{"C55", "governors-get-no-child-data", "No child's data goes to governors by mail.", []string{"EML-28"}},
	{"C56", "secure-transfer", "Transfers go by a secure route and their receipt is known.", []string{"TRF-01", "TRF-02"}},
	{"C57", "media-encrypted", "Every removable medium is encrypted and known.", []string{"TRF-06", "TRF-09"}},
	{"C58", "off-site-data-approved", "Data that leaves the site was approved and comes back.", []string{"TRF-05", "TRF-11", "TRF-12"}},
	{"C59", "inventory-checked", "The inventory is complete and was checked.", []string{"AST-01", "MON-18"}},
	{"C60", "software-licensed", "All software is licensed and approved.", []string{"AST-02", "AST-07", "CPY-01"}},
	{"C61", "loans-signed", "Loans are signed for and returned.", []string{"AST-03", "AST-04", "AST-05", "AST-06"}},
	{"C62", "disposals-complete", "Every disposal has its full record.", []string{"AST-08", "AST-09", "AST-10", "AST-11", "AST-12", "AST-13"}},
	{"C63", "drives-accounted", "Every drive that held data was wiped or destroyed.", []string{"AST-09", "AST-16"}},
	{"C64", "backup-ran", "A backup was made in time, whole and encrypted.", []string{"BKP-01", "BKP-03"}},
	{"C65", "restore-proven", "A backup was restored, and what came back was right.", []string{"BKP-02"}},
	{"C66", "off-site-copy-fresh", "The copy off site is fresh and can be read.", []string{"BKP-02", "BKP-05"}},
	{"C67", "server-room-check", "The server room was checked.", []string{"BKP-04", "BKP-07"}},
	{"C68", "remote-access-listed", "Only listed people can reach the network from outside.", []string{"NET-03", "NET-04", "NET-05"}},
	{"C69", "wifi-standard", "Wireless networks meet the school's standard.", []string{"NET-02", "NET-07"}},
	{"C70", "antivirus-current", "Virus protection is on and current.", []string{"AV-01", "AV-02", "AV-05"}},
	{"C71", "data-owners-confirmed", "Every store of personal data has an owner who confirmed it.", []string{"PRV-03"}},
	{"C72", "data-requests-on-time", "Requests for data are answered in time.", []string{"PRV-04", "PRV-05"}},
	{"C73", "housekeeping-done", "Staff have tidied what they need not keep.", []string{"PRV-06"}},
	{"C74", "marking-used", "Sensitive papers carry their marking.", []string{"PRV-07"}},
	{"C75", "cloud-services-assessed", "No cloud service is used that nobody has assessed.", []string{"PRV-02", "SOC-06", "SOC-08"}},
	{"C76", "policy-in-force", "The policy in force is approved, and its review is not overdue.", []string{"POL-01", "POL-02", "POL-05"}},
	{"C77", "trigger-handled", "Nothing that calls for an early review has been left lying.", []string{"POL-03"}},
	{"C78", "staff-read-policy", "Staff have read the policy in force.", []string{"AUP-18", "POL-08"}},
	{"C79", "consulted", "Staff, governors and pupils had a say in the policy.", []string{"POL-06", "POL-07"}},
	{"C80", "training-in-date", "Training is in date.", []string{"TRN-11", "TRN-12", "TRN-13", "TRN-14", "TRN-15", "POL-09"}},
	{"C81", "curriculum-covered", "Online safety is taught in every year.", []string{"TRN-01", "TRN-02"}},
	{"C82", "parent-programme", "The programme for parents is running.", []string{"TRN-19"}},
	{"C83", "safer-internet-day", "Safer Internet Day was kept.", []string{"TRN-22"}},
	{"C84", "roles-filled", "Every role that must be filled is filled, and has a deputy.", []string{"GOV-01", "GOV-02", "GOV-03", "GOV-04"}},
	{"C85", "reports-read", "The head's and the governors' reports were read.", []string{"GOV-05", "GOV-06", "GOV-07", "GOV-08"}},
	{"C86", "risks-reviewed", "Risks are looked at in time, and high ones have an action.", []string{"GOV-11", "GOV-12"}},
	{"C87", "recording-permissions", "Permissions to record are in date and were given by the head.", []string{"DEV-18"}},
	{"C88", "confiscations-closed", "Every confiscated thing is where the log says, or was given back.", []string{"DEV-04", "DEV-05"}},
	{"C89", "staff-devices-declared", "Staff have declared the devices they use.", []string{"DEV-09"}},
	{"C90", "video-calls-compliant", "Every video call was approved, supervised and recorded.", []string{"VC-02", "VC-03", "VC-04", "VC-05", "VC-07"}},
	{"C91", "cctv-viewers-listed", "Only listed people have viewed CCTV.", []string{"CAM-01", "CAM-02"}},
	{"C92", "website-content", "The website has what it must and no personal address.", []string{"WEB-03", "WEB-05"}},
	{"C93", "approvals-by-right-person", "Every approval was given by somebody who may, and never by the asker.", []string{"GOV-17"}},
	{"C94", "attestations-fresh", "What people vouch for was vouched for in time.", nil},
}
