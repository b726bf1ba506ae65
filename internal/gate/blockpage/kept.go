package blockpage

import (
	"bytes"
	"crypto/rand"
	"reflect"
	"strings"
	"sync"
)

// maxKept bounds how many pages are kept made.
const maxKept = 256

// kept holds pages as they were made last, in parts around the host that was
// asked for: of a school's closed sites nearly all pages differ in it alone.
type kept struct {
	host, address string // stand in a kept page for what differs; nobody else knows them

	mu    sync.Mutex
	pages map[key]*made
}

// key finds a page; whether it is the right one is told by its whole view.
type key struct {
	reader                        Reader
	reason, category, rule, group string
	minute                        int64
	offset                        int
}

type made struct {
	view  View     // without host, address and time
	parts [][]byte // between them stands the host; none: the page cannot be kept
}

func newKept() *kept {
	return &kept{
		host: "h" + strings.ToLower(rand.Text()), address: "a" + strings.ToLower(rand.Text()), pages: map[key]*made{},
	}
}

// page is what Page makes, from the parts of one that was made before where
// that is the same.
func (m *Maker) page(v View) []byte {
	if v.Detail != "" || v.GoOn != "" || !asIs(v.Host) {
		return m.Page(v)
	}
	_, offset := v.At.Zone()
	at := key{v.Reader, v.Reason, v.Category, v.Rule, v.Group, v.At.Unix() / 60, offset}
	bare := v
	bare.Host, bare.Address, bare.At = "", "", View{}.At
	k := m.kept
	k.mu.Lock()
	p := k.pages[at]
	k.mu.Unlock()
	if p == nil || !reflect.DeepEqual(p.view, bare) {
		p = m.keep(at, v, bare)
	}
	if p.parts == nil {
		return m.Page(v)
	}
	return bytes.Join(p.parts, []byte(v.Host))
}

// keep makes a page in parts. One that shows the whole address is not kept.
func (m *Maker) keep(at key, v, bare View) *made {
	k := m.kept
	v.Host = k.host
	if v.Address != "" {
		v.Address = k.address
	}
	page := m.Page(v)
	p := &made{view: bare}
	if !bytes.Contains(page, []byte(k.address)) {
		p.parts = bytes.Split(page, []byte(k.host))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.pages) >= maxKept {
		clear(k.pages)
	}
	k.pages[at] = p
	return p
}

// asIs reports a host that HTML and links write as it is.
func asIs(host string) bool {
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return host != "" && len(host) <= 253
}
