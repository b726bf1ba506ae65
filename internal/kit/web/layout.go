package web

import (
	"fmt"
	"html/template"
	"sync"
)

// layout is the frame of every page and all partials, parsed once. The
// partials take the structs of this package; they know no functions beyond
// html/template's own, since the structs say things in words already.
var layout = sync.OnceValues(func() (*template.Template, error) {
	t, err := template.New("layout").ParseFS(templateFiles,
		"templates/layout.html", "templates/icons.html", "templates/parts.html", "templates/forms.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the layout: %w", err)
	}
	return t, nil
})
