package platform

import "encoding/json"

// HideURL is the page of the "hide and tell" button. As a managed bookmark it
// takes a page off the screen at once; it is a page and no script, so that every
// browser takes it.
func (f Facts) HideURL() string { return "http://" + f.Host + "/hide" }

// bookmark is one managed bookmark of Chrome and Edge.
type bookmark struct {
	Top  string `json:"toplevel_name,omitempty"`
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

// bookmarks are those that the school gives every browser.
func bookmarks(f Facts) []bookmark {
	return []bookmark{{Top: "School"}, {Name: "Hide and tell", URL: f.HideURL()}}
}

// bookmarksText is bookmarks as one value of a registry holds them.
func bookmarksText(f Facts) string {
	raw, err := json.Marshal(bookmarks(f))
	if err != nil {
		return "[]" // plain strings: they always are JSON
	}
	return string(raw)
}
