package storybook

import (
	"testing"

	"belisha/internal/kit/web/webtest"
)

func TestEveryStoryFitsItsStructAndSpeaksPlainly(t *testing.T) {
	all := []webtest.Checkable{
		indexPage, trayPage, prosePage, evidencePage, listPage, recordPage, formPage, confirmPage,
		figuresPage, marksPage, signInPage, blockedPage,
	}
	webtest.Check(t, all...)
	webtest.PlainWords(t, all...)
}
