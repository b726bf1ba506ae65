package text_test

import (
	"strings"
	"testing"

	"belisha/internal/gate/content/text"
)

// A stream is weighed wherever its pieces happen to end, also in the middle of
// a word. The word must not be taken apart by that.
func TestAnAnswerThatIsWeighedWithinAWordIsReadAsOne(t *testing.T) {
	var x text.Extractor
	x.Begin()
	for _, piece := range []string{"Here is a ba", "dw", "ord", " for you"} {
		x.AddAnswer(text.Events, []byte(`data: {"choices":[{"delta":{"content":"`+piece+`"}}]}`+"\n\n"))
		x.AddAnswer(text.Events, []byte("event: ping\ndata: {\"type\": \"ping\"}\n\n"))
		if got := string(x.Views().Smart); !strings.HasSuffix(got, " ") {
			t.Fatalf("the last word of %q is not ended for the view", got)
		}
		x.Keep(64 << 10)
	}
	if got := string(x.Views().Smart); !strings.Contains(got, " here is a badword for you ") {
		t.Errorf("the answer was read as %q", got)
	}
	x.Add(text.Plain, []byte("more"))
	if got := string(x.Views().Smart); !strings.Contains(got, " you more ") {
		t.Errorf("another body was joined to the word before it: %q", got)
	}
}
