package filtering

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
	"belisha/internal/kit/words"
	"belisha/internal/verdict/lists"
)

// maxListUpload bounds a list that is brought in on a page; larger ones are
// fetched, or brought in at the machine.
const maxListUpload = 64 << 20

// uploadMark begins the path of a list that was brought in on a page: there is
// no file to read it from again.
const uploadMark = "upload:"

// uploadRoutes are the pages on which a list of sites is brought in from a
// file.
func (r *Room) uploadRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathLists + "/new", Needs: MayChange, Do: r.uploadNew},
		{Pattern: "POST " + pathLists, Needs: MayChange, Do: r.uploadAdd, Body: maxListUpload + 1<<20},
	}
}

func uploadForm() formView {
	formats := slices.DeleteFunc(formatOptions(), func(o web.Option) bool { return o.Value == FormatPhrases })
	return formView{
		Base: web.Base{
			Title: "Bring a list in from a file", Lead: "It is read, held against the last good list of the same name, tried out, and then put in force. What cannot be used is shown line by line.",
			Crumbs: slices.Concat(home, []web.Crumb{{Title: "Lists", Path: pathLists}}),
		},
		Path: pathLists, Upload: true, Button: "Bring it in", Cancel: pathLists,
		Fields: []web.Field{
			{Name: "title", Label: "What to call the list", Hint: "The same name replaces an earlier one.", Max: 60},
			{Kind: web.FileField, Name: "file", Label: "The file", Hint: fmt.Sprintf("Also packed. Up to %d megabytes; a larger one is fetched from the web, or brought in at the machine.", maxListUpload>>20)},
			web.Field{Kind: web.SelectField, Name: "format", Label: "How it is written", Options: formats}.Choose(string(lists.FormatAuto)),
			{Name: "category", Label: "Category", Hint: "Of a list that does not name its own, such as gambling.", Optional: true, Max: 60},
			{Kind: web.ChecksField, Name: "terms", Label: "Only if it must be so", Optional: true, Options: []web.Option{
				{Value: "shrink", Label: "It may have lost many of its names", Hint: "I have looked, and it is really so."},
			}},
		},
	}
}

func (r *Room) uploadNew(c *web.Ctx) error { return formTemplate.Render(c, uploadForm()) }

func (r *Room) uploadAdd(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	o := Options{Name: form.Get("title"), Format: form.Get("format"), Category: slug(form.Get("category")), AllowShrink: slices.Contains(form["terms"], "shrink")}
	if strings.TrimSpace(o.Name) == "" {
		return uploadForm().again(c, form, store.Invalid{"title": "Give the list a name."})
	}
	rep, err := r.uploaded(c, o)
	if bad, ok := wrong(err); ok {
		// The report says which lines; it is kept also of a list that was refused.
		if rep.Lines > 0 && rep.Invalid > 0 {
			c.Notice("Not done. " + sentences(bad))
			return c.Redirect(pathLists + "/" + rep.Source + "/report")
		}
		return uploadForm().again(c, form, bad)
	}
	if err != nil {
		return err
	}
	said := words.Count(int(rep.Names), "name is", "names are") + " in force."
	if rep.Invalid > 0 {
		said += " " + words.Count(rep.Invalid, "line", "lines") + " could not be used."
	}
	c.Notice(said)
	return c.Redirect(pathLists + "/" + rep.Source + "/report")
}

// uploaded takes the file of the form up.
func (r *Room) uploaded(c *web.Ctx, o Options) (Report, error) {
	data, name, err := handedOver(c, maxListUpload, "Choose the file.")
	if err != nil {
		return Report{}, err
	}
	return r.importUpload(c.Context(), o, fileName("/"+name), data)
}

// handedOver is the whole file of a form, in memory.
func handedOver(c *web.Ctx, most int, none string) ([]byte, string, error) {
	f, name, err := c.Upload("file")
	if errors.Is(err, web.ErrNoFile) {
		return nil, "", store.Invalid{"file": none}
	}
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, "", fmt.Errorf("reading the file: %w", err)
	}
	if len(data) == 0 || len(data) > most {
		return nil, "", store.Invalid{"file": fmt.Sprintf("The file is empty, or larger than %d MB.", most>>20)}
	}
	return data, name, nil
}

// importUpload is Import of a file that is being handed over. It lies here
// only until it is read.
func (r *Room) importUpload(ctx context.Context, o Options, name string, data []byte) (Report, error) {
	if err := r.mayImport(ctx, "import the list "+o.Name); err != nil {
		return Report{}, err
	}
	r.fetching.Lock()
	defer r.fetching.Unlock()
	dir := filepath.Join(r.d.Dir, "incoming")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return Report{}, fmt.Errorf("making room for the list: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return Report{}, fmt.Errorf("keeping the list for a moment: %w", err)
	}
	o.Path = uploadMark + name
	return r.importFrom(ctx, o, file)
}

// shownPath is where a list came from, for people.
func shownPath(path string) string {
	if name, ok := strings.CutPrefix(path, uploadMark); ok {
		return name + ", brought in on a page"
	}
	return path
}
