package classroom

import (
	"strings"
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// The room's settings.
const (
	keyLongest     = "classroom.longest"
	keyPreviewed   = "classroom.previewed-only"
	keyPreviewAge  = "classroom.preview.max-age"
	keySupervision = "classroom.supervision"
	keyNames       = "classroom.names"
)

const day = 24 * time.Hour

// Settings are what a policy decides about lessons.
func Settings() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyLongest, Title: "How long the web of a class may be set at once", Kind: setting.Duration, Default: "2 hours",
			Min: leastMinutes * time.Minute, Max: 8 * time.Hour,
			Help: "The longest that a teacher may pause the web of a class, or keep it on some sites. It ends by itself.", Requirements: []string{"FIL-19", "FIL-20"},
		},
		{
			Key: keyPreviewed, Title: "Only sites that somebody has looked at before", Kind: setting.YesNo, Default: "no",
			Help: "A class may be kept on, and given for homework, only what stands in the register of sites looked at. Otherwise a teacher may say so on the spot.", Requirements: []string{"FIL-17", "FIL-18"},
		},
		{
			Key: keyPreviewAge, Title: "How long a look at a site counts", Kind: setting.Duration, Default: "12 months", Min: 7 * day, Max: 3 * 366 * day,
			Help: "After that somebody looks again before the site is used with pupils.", Requirements: []string{"FIL-17", "FIL-18"},
		},
		{
			Key: keySupervision, Title: "Pupils' web needs somebody who supervises", Kind: setting.YesNo, Default: "no", Scopes: []string{"keystage"},
			Help: "Pupils' web is open only while a member of staff supervises their class or room, by a page that they open. Help services are always open.", Requirements: []string{"FIL-22"},
		},
		{
			Key: keyNames, Title: "Teachers see who opened which site in a lesson", Kind: setting.YesNo, Default: "no",
			Help: "Otherwise they see how many pupils did. Each look is written down.", Requirements: []string{"FIL-22"},
			Advice: "The impact assessment must speak of it before names are shown.",
		},
	}
}

// Supervised are the key stages whose web needs somebody who supervises, and
// the clause that says so.
func Supervised(v *setting.Values) (stages []people.KeyStage, clause string) {
	for _, k := range people.KeyStages {
		val := v.Get(keySupervision, setting.Scope{Group: "pupils", KeyStage: strings.ToLower(string(k))})
		if val.Bool {
			stages = append(stages, k)
			if clause == "" {
				clause = val.Clause
			}
		}
	}
	return stages, clause
}
