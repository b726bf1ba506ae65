package web

import (
	"regexp"
	"slices"
	"sync"
)

// iconNamed finds the names in the template of the icons.
var iconNamed = regexp.MustCompile(`eq \.Name "([a-z-]+)"`)

var iconNames = sync.OnceValue(func() []string {
	var names []string
	text, err := templateFiles.ReadFile("templates/icons.html")
	if err != nil {
		return nil // it is embedded: the layout, which needs it too, says so
	}
	for _, m := range iconNamed.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	return names
})

// IconNames returns the names that an Icon or a MenuItem may have.
func IconNames() []string { return slices.Clone(iconNames()) }
