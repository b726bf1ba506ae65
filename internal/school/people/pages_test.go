package people

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, listPage, personPage, formPage, confirmPage, postsListPage, importStartPage, calendarListPage)
}
