package policies

import (
	"slices"
	"sort"
)

// PostsFor are the posts whose holders give a policy's approval in a role,
// sorted; the chair of governors besides, where the head proposed the text.
func PostsFor(role string) []string {
	var out []string
	for post, roles := range postRoles {
		if slices.Contains(roles, role) {
			out = append(out, post)
		}
	}
	sort.Strings(out)
	return out
}
