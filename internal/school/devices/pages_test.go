package devices

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryPageFitsItsStruct(t *testing.T) {
	webtest.Check(t, formPage, logTemplate, homePage, waysPage, wayPage, tryPage, devicePage, outTemplate, cardTemplate, firewallsPage, firewallPage, guestPage)
}
