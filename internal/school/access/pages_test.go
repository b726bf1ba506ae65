package access

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, formPage, signedInTemplate, accountTemplate, tokensTemplate, slipTemplate, accountsTemplate,
		secondPageFile, factorsTemplate, appTemplate, codesTemplate, alertsTemplate, rightsTemplate, classTemplate, keptTemplate)
}
