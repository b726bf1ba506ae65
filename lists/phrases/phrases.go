// Package phrases holds the phrase lists that ship inside the program: what
// pages are weighed with until the school brings lists of its own, and beside
// them. One file is one area, named for the category that it counts towards,
// in e2guardian's format; the file safe holds what takes weight away.
//
// They were written by hand. A page is closed above a group's limit, such as
// 60 for the youngest, 100 or 160, and every phrase counts once a page: one
// common word never closes a page, several that belong together do, and so do
// the few phrases that can hardly mean anything else. Nothing in them
// is about who somebody is, what they believe, or where somebody finds help.
package phrases

import (
	"embed"
	"fmt"
	"slices"
)

//go:embed adult bullying drugs eating-disorder extremism gambling gore grooming hate safe self-harm suicide weapons web-proxy
var files embed.FS

// Safe is the area of phrases that take weight away. It is always in.
const Safe = "safe"

// titles say what the areas hold, for the page that switches them.
var titles = map[string]string{
	"adult": "Sexual content", "bullying": "Bullying and threats", "drugs": "Drugs", "eating-disorder": "Eating disorders",
	"extremism": "Extremism", "gambling": "Gambling", "gore": "Gore and cruelty", "grooming": "Grooming and exploitation", "hate": "Hate",
	Safe: "What takes weight away: lessons, health, news and help", "self-harm": "Self-harm", "suicide": "Suicide", "weapons": "Weapons", "web-proxy": "Ways round the filter",
}

// Area is one list.
type Area struct {
	Slug  string // of the category, or Safe
	Title string
	List  []byte
}

// Starter gives the areas, sorted by slug.
func Starter() ([]Area, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("listing the starter phrases: %w", err)
	}
	var out []Area
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the starter phrases %s: %w", e.Name(), err)
		}
		out = append(out, Area{Slug: e.Name(), Title: titles[e.Name()], List: b})
	}
	slices.SortFunc(out, func(a, b Area) int {
		if a.Slug < b.Slug {
			return -1
		}
		return 1
	})
	return out, nil
}
