package filtering

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belisha/internal/kit/setting"
	"belisha/internal/kit/words"
	"belisha/internal/school/people"
)

// effects compares what each group may not open now and then.
func (r *Room) effects(ctx context.Context, next *setting.Values, st *state) ([]setting.Effect, error) {
	counts, err := r.counts(ctx)
	if err != nil {
		return nil, err
	}
	now := r.d.Live.Current()
	var out []setting.Effect
	for _, g := range Groups() {
		before := closedItems(now, st, g, now.Get(blockKey[g])).all()
		after := closedItems(next, st, g, next.Get(blockKey[g])).all()
		many := ""
		if n := counts[g]; n > 0 {
			many = " (" + words.Count(n, "person", "people") + ")"
		}
		if lost := r.titles(without(after, before)); len(lost) > 0 {
			out = append(out, setting.Effect{
				Room: "filtering", Count: counts[g], Loses: true,
				Words: groupTitle[g] + " lose: " + strings.Join(lost, ", ") + many + ".",
			})
		}
		if won := r.titles(without(before, after)); len(won) > 0 {
			out = append(out, setting.Effect{
				Room: "filtering", Count: counts[g],
				Words: groupTitle[g] + " may open: " + strings.Join(won, ", ") + many + ".",
			})
		}
		out = append(out, r.scopedEffects(now, next, g, counts[g])...)
		out = append(out, levelEffects(now, next, g, counts[g])...)
		out = append(out, r.contentEffects(now, next, g, counts[g])...)
	}
	out = append(append(out, r.neverEffects(now, next)...), doorEffects(now, next)...)
	out = append(out, lessonEffects(now, next, st)...)
	return append(out, otherEffects(now, next, counts)...), nil
}

// lowerFirst is a title within a sentence: "VPN services" stays, "Games" is
// "games".
func lowerFirst(title string) string {
	if len(title) < 2 || title[1] >= 'A' && title[1] <= 'Z' {
		return title
	}
	return strings.ToLower(title[:1]) + title[1:]
}

func (r *Room) titles(slugs []string) []string {
	var out []string
	for _, s := range slugs {
		if c, ok := r.stock.bySlug[s]; ok {
			out = append(out, lowerFirst(c.Title))
			continue
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// levelEffects are the changes of safe modes and image search for a group.
func levelEffects(now, next *setting.Values, g string, count int) []setting.Effect {
	at := setting.Scope{Group: g}
	var out []setting.Effect
	for _, k := range []struct{ key, what string }{{keySafeSearch, "safe search"}, {keyYouTube, "restricted mode of video sites"}, {keyImages, "open image search"}} {
		a, b := now.Choice(k.key, at), next.Choice(k.key, at)
		if a != b {
			out = append(out, setting.Effect{
				Room: "filtering", Count: count, Loses: b == "strict" || b == "block" || (b == "moderate" && a == "off") || (b == "warn" && a == "allow"),
				Words: fmt.Sprintf("%s: %s goes from %s to %s.", groupTitle[g], k.what, a, b),
			})
		}
	}
	return out
}

// scopedEffects are the changes for those whom a narrower value is for.
func (r *Room) scopedEffects(now, next *setting.Values, g string, count int) []setting.Effect {
	var out []setting.Effect
	lists := func(v *setting.Values) map[setting.Scope]setting.Value {
		m := map[setting.Scope]setting.Value{}
		for _, val := range scoped(v, blockKey[g], g)[1:] {
			m[val.Scope] = val
		}
		return m
	}
	a, b := lists(now), lists(next)
	for _, val := range scoped(next, blockKey[g], g)[1:] {
		if old, had := a[val.Scope]; !had || !slices.Equal(slices.Sorted(slices.Values(old.Items)), slices.Sorted(slices.Values(val.Items))) {
			out = append(out, setting.Effect{
				Room: "filtering", Count: count,
				Words: groupTitle[g] + whereWords(val.Scope) + ": closed are " + strings.Join(r.titles(val.Items), ", ") + ".",
			})
		}
	}
	for _, val := range scoped(now, blockKey[g], g)[1:] {
		if _, has := b[val.Scope]; !has {
			out = append(out, setting.Effect{
				Room: "filtering", Count: count, Loses: true,
				Words: groupTitle[g] + whereWords(val.Scope) + ": nothing particular any more; what holds for the whole group holds.",
			})
		}
	}
	return out
}

// unlistedEffects are the changes of what happens to sites on no list.
func unlistedEffects(now, next *setting.Values, count int) []setting.Effect {
	says := map[bool]string{true: " reach only sites that somebody opened for them by name.", false: " may open sites that stand on no list."}
	var out []setting.Effect
	was, is := now.Choice(keyUnlisted), next.Choice(keyUnlisted)
	if was != is {
		out = append(out, setting.Effect{Room: "filtering", Count: count, Loses: is == "previewed-only", Words: "Pupils" + says[is == "previewed-only"]})
	}
	for _, stage := range people.KeyStages {
		at := setting.Scope{KeyStage: scopeStage(stage)}
		a, b := now.Choice(keyUnlisted, at), next.Choice(keyUnlisted, at)
		if a != b && (b != is || a != was) {
			words := "Pupils of " + string(stage) + says[b == "previewed-only"]
			if b == "previewed-only" {
				words += " That holds where they are signed in, and on devices with this key stage."
			}
			out = append(out, setting.Effect{Room: "filtering", Loses: b == "previewed-only", Words: words})
		}
	}
	return out
}

func otherEffects(now, next *setting.Values, counts map[string]int) []setting.Effect {
	out := unlistedEffects(now, next, counts[GroupPupils])
	a, b := now.Get(keySocial), next.Get(keySocial)
	switch {
	case b.Off && !a.Off:
		out = append(out, setting.Effect{Room: "filtering", Count: counts[GroupStaff], Words: "Staff may use social networks at any time."})
	case !b.Off && (a.Off || a.From != b.From || a.To != b.To):
		out = append(out, setting.Effect{
			Room: "filtering", Count: counts[GroupStaff], Loses: true,
			Words: "Staff may not use social networks from " + strings.Replace(clockSpan(b.From, b.To), "-", " to ", 1) + " on school days.",
		})
	}
	if b := next.Choice(keyUnsigned); now.Choice(keyUnsigned) != b {
		says := "Whoever the filter does not know gets the strictest rules."
		if b == "closed" {
			says = "Whoever the filter does not know reaches only help services and what devices need."
		}
		out = append(out, setting.Effect{Room: "filtering", Loses: b == "closed", Words: says})
	}
	return out
}

// counts are the people of each group.
func (r *Room) counts(ctx context.Context) (map[string]int, error) {
	by, err := r.d.People.Counts(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting people: %w", err)
	}
	out := map[string]int{}
	for kind, n := range by {
		out[groupOf(kind)] += n
	}
	return out, nil
}

// lessonEffects are the changes of what may be opened for a lesson.
func lessonEffects(now, next *setting.Values, st *state) []setting.Effect {
	a, b := now.Bool(keyUnblock), next.Bool(keyUnblock)
	if a == b {
		return nil
	}
	if b {
		return []setting.Effect{{Room: "filtering", Words: "A social site may be opened for a lesson, when a filter manager grants it."}}
	}
	closes := 0
	for _, u := range st.unblocks {
		if u.Social {
			closes++
		}
	}
	said := "No social site is opened for a lesson any more."
	if closes > 0 {
		said += fmt.Sprintf(" What was granted closes at once (%d).", closes)
	}
	return []setting.Effect{{Room: "filtering", Words: said, Count: closes, Loses: true}}
}
