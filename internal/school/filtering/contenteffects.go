package filtering

import (
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/school/people"
)

// contentEffects are the changes of what is looked at inside, for a group and
// for the key stages that have values of their own.
func (r *Room) contentEffects(now, next *setting.Values, g string, count int) []setting.Effect {
	out := r.contentChange(now, next, groupTitle[g], setting.Scope{Group: g}, count, nil)
	if g != GroupPupils {
		return out
	}
	for _, stage := range people.KeyStages {
		at := setting.Scope{Group: g, KeyStage: scopeStage(stage)}
		// What changes for the whole group is not said again of each stage.
		out = append(out, r.contentChange(now, next, "Pupils of "+string(stage), at, 0, out)...)
	}
	return out
}

func (r *Room) contentChange(now, next *setting.Values, who string, at setting.Scope, count int, said []setting.Effect) []setting.Effect {
	var out []setting.Effect
	add := func(loses bool, words string) {
		same := func(e setting.Effect) bool { return strings.HasSuffix(e.Words, ": "+words) }
		if !slices.ContainsFunc(said, same) {
			out = append(out, setting.Effect{Room: "filtering", Count: count, Loses: loses, Words: who + ": " + words})
		}
	}
	if a, b := seenInside(now, at), seenInside(next, at); a != b {
		add(b != seesNothing, b+".")
	}
	key, files := keyPages, keyFiles
	if at.Group == GroupStaff {
		key, files = keyStaffPages, keyStaffFiles
	}
	if a, b := now.Get(key, at).Number, next.Get(key, at).Number; a != b {
		add(b > 0 && (a == 0 || b < a), fmt.Sprintf("a page is closed above the weight %s, before %s.", limitWords(b), limitWords(a)))
	}
	closes, opens := without(next.Items(files, at), now.Items(files, at)), without(now.Items(files, at), next.Items(files, at))
	if len(closes) > 0 {
		add(true, "may not download "+kindTitles(closes)+" any more.")
	}
	if len(opens) > 0 {
		add(false, "may download "+kindTitles(opens)+".")
	}
	if a, b := now.Choice(keyViruses, at), next.Choice(keyViruses, at); a != b {
		add(b == "closed" || b == "required", "files: "+r.virusSays(b)+".")
	}
	if a, b := now.Choice(keyTooLarge, at), next.Choice(keyTooLarge, at); a != b {
		add(b == "closed", "a file too large to be scanned is "+b+".")
	}
	a, b := slices.Contains(now.Items(keyChat), at.Group), slices.Contains(next.Items(keyChat), at.Group)
	if a != b && at.KeyStage == "" {
		add(b, map[bool]string{true: "conversations with AI services are looked through.", false: "conversations with AI services are not looked through any more."}[b])
	}
	return append(out, tenantChange(now, next, who, at, count)...)
}

const seesNothing = "nothing inside encrypted sites is seen, only their names"

// seenInside says what the filter sees of encrypted sites.
func seenInside(v *setting.Values, at setting.Scope) string {
	only := v.Items(keyInspectOnly)
	switch choice := v.Choice(keyInspect, at); {
	case choice == "on":
		return "the filter looks inside all encrypted sites but those that are never looked into"
	case choice == "listed" && len(only) > 0:
		return "the filter looks inside encrypted sites of these kinds: " + strings.ReplaceAll(strings.Join(only, ", "), "-", " ")
	}
	return seesNothing
}

func limitWords(n int64) string {
	if n == 0 {
		return "of none (pages are not weighed)"
	}
	return fmt.Sprint(n)
}

// virusSays is what is scanned, as it is and not as it is meant: where no
// scanner has been set up, nothing is.
func (r *Room) virusSays(choice string) string {
	switch {
	case choice == "off":
		return "nothing is scanned for viruses"
	case choice == "required" && !r.scanner():
		return "nothing that would have to be scanned comes in, since no virus scanner has been set up"
	case !r.scanner():
		return "nothing is scanned for viruses, since no scanner has been set up"
	case choice == "open":
		return "scanned for viruses; while the scanner is away they are let through, and that is written down"
	}
	return "scanned for viruses; while the scanner is away they stay out"
}

// tenantChange are the changes of accounts that may be used.
func tenantChange(now, next *setting.Values, who string, at setting.Scope, count int) []setting.Effect {
	if at.KeyStage != "" {
		return nil
	}
	var out []setting.Effect
	for _, t := range tenants() {
		a, b := now.Get(t.key, at).Text, next.Get(t.key, at).Text
		if a == b {
			continue
		}
		said := b
		if b == "" {
			said = "any"
		}
		out = append(out, setting.Effect{Room: "filtering", Count: count, Loses: b != "", Words: fmt.Sprintf("%s: %s: %s.", who, lowerFirst(t.title), said)})
	}
	if a, b := now.Bool(keyMicrosoftMSA, at), next.Bool(keyMicrosoftMSA, at); a != b {
		out = append(out, setting.Effect{Room: "filtering", Count: count, Loses: !b, Words: who + map[bool]string{true: " may use personal Microsoft accounts.", false: " may not use personal Microsoft accounts."}[b]})
	}
	return out
}

// neverEffects are the changes of what is never looked into, for anybody.
func (r *Room) neverEffects(now, next *setting.Values) []setting.Effect {
	var out []setting.Effect
	more, fewer := without(next.Items(keyInspectNever), now.Items(keyInspectNever)), without(now.Items(keyInspectNever), next.Items(keyInspectNever))
	if len(more) > 0 {
		out = append(out, setting.Effect{Room: "filtering", Words: "Never looked into, for anybody: " + strings.Join(r.titles(more), ", ") + "."})
	}
	if len(fewer) > 0 {
		out = append(out, setting.Effect{Room: "filtering", Loses: true, Words: "May be looked into where the filter looks inside: " + strings.Join(r.titles(fewer), ", ") + "."})
	}
	if v := next.Get(keyViruses, setting.Scope{Group: GroupPupils}); v.Confirmed && v.Choice != "off" && !r.scanner() && !now.Get(keyViruses, setting.Scope{Group: GroupPupils}).Confirmed {
		out = append(out, setting.Effect{Room: "filtering", Words: "Files: " + r.virusSays(v.Choice) + ". It begins with the scanner."})
	}
	if a, b := now.Get(keyInspectHosts).Text, next.Get(keyInspectHosts).Text; a != b {
		if b == "" {
			b = "none"
		}
		out = append(out, setting.Effect{Room: "filtering", Words: "Single sites that are never looked into: " + b + "."})
	}
	return out
}
