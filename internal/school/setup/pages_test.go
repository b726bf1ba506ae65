package setup

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, formPage, policyPage, stepsPage, readyPage)
}
