package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// maxNotice bounds the words of a notice, so that they fit a cookie.
const maxNotice = 600

// noticeBox keeps one sentence for the next page in a cookie that only this
// process can have written.
type noticeBox struct{ key []byte }

func newNoticeBox() (noticeBox, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return noticeBox{}, fmt.Errorf("making the notices' key: %w", err)
	}
	return noticeBox{key: key}, nil
}

func (b noticeBox) sign(session, words string) string {
	m := hmac.New(sha256.New, b.key)
	fmt.Fprintf(m, "%d:%s%s", len(session), session, words)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (b noticeBox) pack(session, words string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(words)) + "." + b.sign(session, words)
}

func (b noticeBox) unpack(session, value string) string {
	body, mac, ok := strings.Cut(value, ".")
	if !ok {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || !hmac.Equal([]byte(mac), []byte(b.sign(session, string(raw)))) {
		return ""
	}
	return string(raw)
}

// CookieName returns the name of a cookie of ours: with the __Host- prefix
// over TLS, so that no other site of the domain can have set it, and without
// it on plain HTTP, where browsers refuse the prefix.
func CookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// Notice shows a sentence once, at the top of the reader's next page: "Saved:
// the filter changed at 10:15." It never holds a child's name.
func (c *Ctx) Notice(words string) {
	if len(words) > maxNotice {
		words = strings.ToValidUTF8(words[:maxNotice], "")
	}
	c.setNotice(c.site.notice.pack(c.Actor.Session, words), 120)
}

func (c *Ctx) setNotice(value string, age int) {
	secure := c.Secure()
	http.SetCookie(c.W, &http.Cookie{
		Name: CookieName("belisha-notice", secure), Value: value, Path: "/",
		MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// takeNotice returns the notice that waits and takes it away.
func (c *Ctx) takeNotice() string {
	k, err := c.R.Cookie(CookieName("belisha-notice", c.Secure()))
	if err != nil {
		return ""
	}
	c.setNotice("", -1)
	return c.site.notice.unpack(c.Actor.Session, k.Value)
}
