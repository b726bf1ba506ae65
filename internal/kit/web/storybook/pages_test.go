package storybook

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryStoryFitsItsStruct(t *testing.T) {
	webtest.Check(t, indexPage, trayPage, prosePage, evidencePage, listPage, recordPage, formPage, confirmPage, figuresPage,
		marksPage, signInPage, blockedPage)
}
