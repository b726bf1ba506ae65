package notice

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestThePageShowsItsStruct(t *testing.T) {
	webtest.Check(t, minePage)
	webtest.PlainWords(t, minePage)
}
