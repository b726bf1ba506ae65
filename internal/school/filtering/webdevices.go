package filtering

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"belisha/internal/kit/store"
	"belisha/internal/kit/web"
)

// deviceList is the devices that the filter knows.
func (r *Room) deviceList(c *web.Ctx) error {
	all, err := r.Devices(c.Context())
	if err != nil {
		return err
	}
	find := strings.ToLower(c.Query("find"))
	list := slices.DeleteFunc(all, func(d Device) bool { return !strings.Contains(strings.ToLower(d.says()), find) })
	may, err := r.managing(c)
	if err != nil {
		return err
	}
	p := pageOf(c)
	v := listView{
		Base: web.Base{Title: "Devices", Lead: "Devices that the filter knows by their address. Whoever is signed in counts before the device.", Wide: true, Crumbs: home},
		Filter: web.Filter{
			Path: pathDevices, Button: "Find", Matches: fmt.Sprintf("%d devices", len(list)),
			Fields: []web.Field{{Kind: web.SearchField, Name: "find", Label: "Part of a name, address or place", Value: find, Optional: true, Max: 100}},
		},
		Table: web.Table{
			Caption: "Devices", Columns: []web.Column{{Title: "Device"}, {Title: "Address"}, {Title: "Group"}, {Title: "Place"}},
			Empty: web.Empty{Title: "No devices are known", Words: "Without one, the filter knows people only by their sign-in."},
		},
		Pager: p.pager(pathDevices, len(list), url.Values{"find": {find}}, "devices"),
	}
	if may {
		v.Add = web.Link{Title: "Add a device", Path: pathDevices + "/new"}
	}
	end := min(p.offset()+p.size, len(list))
	for _, d := range list[min(p.offset(), len(list)):end] {
		row := web.Row{Cells: []web.Cell{{Text: d.Label}, {Text: strings.Join(d.Addresses, ", "), Small: d.MAC}, {Text: groupTitle[d.Group], Small: d.KeyStage}, {Text: d.Place}}}
		if d.Shared {
			row.Cells[0].Tag = web.Tag{Words: "shared"}
		}
		if may {
			row.Link = pathDevices + "/" + d.ID
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return listTemplate.Render(c, v)
}

func deviceFormOf(d Device) formView {
	v := formView{
		Base: web.Base{Title: "Add a device", Crumbs: slices.Concat(home, []web.Crumb{{Title: "Devices", Path: pathDevices}})},
		Path: pathDevices + "/new", Button: "Save", Cancel: pathDevices,
	}
	if d.ID != "" {
		v.Title, v.Path = d.Label, pathDevices+"/"+d.ID
		v.Actions = []web.Action{{Path: v.Path + "/remove", Title: "Remove this device", Grave: true, Hidden: []web.Hidden{{Name: "version", Value: strconv.FormatInt(d.Version, 10)}}}}
	}
	group := web.Field{Kind: web.SelectField, Name: "group", Label: "Group", Hint: "Whose rules hold when nobody is signed in on it.", Options: groupOptions("")}
	v.Fields = []web.Field{
		{Kind: web.HiddenField, Name: "version", Value: strconv.FormatInt(d.Version, 10)},
		{Name: "label", Label: "Name of the device", Value: d.Label, Max: 100},
		{Kind: web.LongField, Name: "addresses", Label: "Addresses or ranges", Rows: 3, Optional: true, Value: strings.Join(d.Addresses, "\n"), Hint: "One a line, such as 10.0.4.17 or 10.0.4.0/24."},
		{Name: "mac", Label: "Hardware address", Value: d.MAC, Optional: true, Max: 40, Hint: "Such as 00:1a:2b:3c:4d:5e. It is seen only on the school's own network."},
		group.Choose(d.Group), stageField().Choose(d.KeyStage),
		{Name: "place", Label: "Place", Value: d.Place, Optional: true, Max: 60, Hint: "In small letters, such as library."},
		{Kind: web.CheckField, Name: "shared", Label: "Several people use it", Value: yes(d.Shared)},
		{Kind: web.CheckField, Name: "ca", Label: "The school's certificate is installed on it", Value: yes(d.CA), Hint: "Then a page in plain words can be shown for secure sites that are closed."},
	}
	return v
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func (r *Room) deviceForm(c *web.Ctx) error {
	if c.Param("id") == "new" {
		return formTemplate.Render(c, deviceFormOf(Device{Group: GroupPupils}))
	}
	d, err := getDevice(c.Context(), r.d.DB, c.Param("id"))
	if err != nil {
		return err
	}
	return formTemplate.Render(c, deviceFormOf(d))
}

func (r *Room) deviceSave(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	d := Device{
		Label: form.Get("label"), Addresses: lines(form.Get("addresses")), MAC: form.Get("mac"), Group: form.Get("group"), KeyStage: form.Get("stage"),
		Place: strings.TrimSpace(form.Get("place")), Shared: form.Get("shared") == "yes", CA: form.Get("ca") == "yes",
	}
	if id := c.Param("id"); id != "new" {
		d.ID = id
		if d.Version, err = strconv.ParseInt(form.Get("version"), 10, 64); err != nil {
			return store.ErrStale
		}
	}
	_, err = r.SaveDevice(c.Context(), d)
	if bad, ok := wrong(err); ok {
		return deviceFormOf(d).again(c, form, bad)
	}
	if err != nil {
		return err
	}
	c.Notice("Saved: the filter knows this device.")
	return c.Redirect(pathDevices)
}

func (r *Room) deviceRemove(c *web.Ctx) error {
	form, err := c.Form()
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(form.Get("version"), 10, 64)
	if err != nil {
		return store.ErrStale
	}
	return done(c, r.RemoveDevice(c.Context(), c.Param("id"), version), "Removed.", pathDevices, pathDevices+"/"+c.Param("id"))
}
