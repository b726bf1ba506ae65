package duty

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestThePagesShowTheirStructs(t *testing.T) {
	webtest.Check(t, listPage, onePage, feedPage)
	webtest.PlainWords(t, listPage, onePage, feedPage)
}
