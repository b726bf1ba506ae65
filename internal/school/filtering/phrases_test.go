package filtering_test

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"belisha/internal/school/filtering"
)

// plain is words as the filter compares them.
func plain(s string) string {
	s = strings.NewReplacer("'", "", "’", "").Replace(strings.ToLower(s))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

func themeOf(words string) string {
	text := " " + plain(words) + " "
	for theme, phrases := range filtering.SearchPhrases() {
		for _, p := range phrases {
			if strings.Contains(text, " "+plain(p)+" ") {
				return theme
			}
		}
	}
	return ""
}

func TestSearchesForSchoolWorkRaiseNothing(t *testing.T) {
	for _, words := range []string{
		"suicide squad film review", "to kill a mockingbird summary", "romeo and juliet suicide scene essay", "how to cut a hypotenuse in half", "13 reasons why book",
		"how to kill weeds", "self raising flour", "exploitation of resources geography", "depression 1930s", "great depression causes", "what is self harm pshe",
		"suicide prevention poster", "how many tablets in a bottle of ibuprofen", "how to tie a bowline knot", "the hanging gardens of babylon", "death of a salesman",
		"lgbt history month", "am i gay quiz", "how do i come out to my parents", "what is ramadan", "teenage pregnancy statistics", "how to cut a lino print", "nude colour trousers",
		"how to lose weight for wrestling", "hamlet to be or not to be", "virginia woolf death", "emile durkheim suicide sociology", "overdose of vitamin d symptoms", "goldfish care",
		"how to hide easter eggs", "grooming a dog", "pro anapaest", "scarlet fever", "slavery and exploitation ks3", "thing to do when bored", "samaritans phone number", "childline",
	} {
		if theme := themeOf(words); theme != "" {
			t.Errorf("%q raises %s", words, theme)
		}
	}
}

func TestSearchesOfAChildWhoNeedsSomebodyAreFound(t *testing.T) {
	for words, want := range map[string]string{
		"I don't want to be alive": "suicide", "how to kill myself painlessly": "suicide", "how many paracetamol to die": "suicide", "ways to self-harm": "selfharm",
		"how to hide self harm scars": "selfharm", "thinspo": "selfharm", "someone has my nudes what do i do": "exploitation", "someone is blackmailing me": "exploitation",
	} {
		if got := themeOf(words); got != want {
			t.Errorf("%q raises %q, want %s", words, got, want)
		}
	}
}

func TestPhrasesAreQuietOnLabelledText(t *testing.T) {
	b, err := os.ReadFile("../../../../shared/data/alerts_labelled_dev.tsv")
	if err != nil {
		t.Skip("../shared not there")
	}
	benign, wrong, found := 0, 0, 0
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 3 {
			continue
		}
		theme := themeOf(f[1])
		switch {
		case f[2] == "benign":
			benign++
			if theme != "" {
				wrong++
				t.Logf("benign, and raises %s: %q", theme, f[1])
			}
		case theme != "":
			found++
		}
	}
	t.Logf("%d of %d benign lines raise something; %d others do", wrong, benign, found)
	if benign == 0 || wrong*100 > benign {
		t.Errorf("%d of %d benign lines raise something", wrong, benign)
	}
}
