package filtering

// SearchPhrases are words that, when somebody searches for them, may mean that
// a child needs a person: by theme, whole phrases in plain spelling. They are
// few and about oneself or about a deed, so that a search about a book, a
// film, a feeling or a lesson does not raise anything. Nothing here speaks of
// who somebody is or what they believe.
//
// The filter looks for them in finished searches only. A match blocks nothing;
// it puts an item without detail in the tray of the safeguarding lead.
func SearchPhrases() map[string][]string {
	return map[string][]string{
		"suicide": {
			"how to kill myself", "how can i kill myself", "ways to kill myself", "best way to kill myself", "easiest way to kill myself",
			"i want to kill myself", "want to kill myself", "going to kill myself", "should i kill myself", "kill myself painlessly",
			"i want to die", "i dont want to be alive", "i do not want to be alive", "i dont want to live anymore", "i dont want to live any more",
			"i wish i was dead", "i wish i were dead", "better off without me", "how to end my life", "i want to end my life", "ways to end my life", "end it all tonight",
			"how to commit suicide", "ways to commit suicide", "painless suicide", "painless ways to die", "easiest way to die", "quickest way to die", "least painful way to die",
			"how do i kill myself", "before i kill myself", "i might kill myself", "killing myself", "unalive myself", "how do i commit suicide", "how do you commit suicide",
			"how many paracetamol is an overdose", "how many pills is an overdose", "su1c1de", "i dont want to be here anymore", "i want to disappear forever", "goodbye note to my family",
			"suicide methods", "suicide note template", "how to write a suicide note", "my suicide note", "how to hang myself", "how to tie a noose", "how many pills to die", "how many tablets to die",
			"how many paracetamol to die", "overdose on paracetamol on purpose", "how much to overdose", "lethal dose of paracetamol", "jump off a bridge and die", "im suicidal", "i am suicidal", "i feel suicidal",
		},
		"selfharm": {
			"how to cut myself", "how to self harm", "how to selfharm", "ways to self harm", "ways to hurt myself", "how to hurt myself", "i want to hurt myself", "i want to cut myself",
			"i cut myself on purpose", "hide self harm", "hide self harm scars", "how to hide self harm", "hide my scars from parents", "how to hide cuts from parents", "how to hide cuts on my arms",
			"self harm without anyone knowing", "where to cut yourself", "how deep to cut", "does cutting help with pain", "how to make myself throw up", "how to make myself sick after eating", "how to make yourself throw up",
			"how to starve myself", "how to starve yourself", "how long can i go without eating to lose weight", "thinspo", "thinspiration", "pro ana", "pro ana tips", "pro mia", "meanspo", "how to hide not eating",
			"self harm tips", "s3lf h4rm", "how to cut without it scarring", "how to cut without scarring", "how to make yourself sick after eating", "ana buddy", "ana tips", "thinspo tips",
			"how to burn myself", "punish myself",
		},
		"exploitation": {
			"someone has my nudes", "he has my nudes", "someone is threatening to share my nudes", "threatening to leak my nudes", "blackmailed with nudes", "blackmailing me with pictures", "blackmailing me with nudes",
			"someone is blackmailing me", "being blackmailed online", "sextortion help", "i sent nudes to a stranger", "i sent a nude", "he wants me to send nudes", "he keeps asking for nudes", "how to send nudes", "delete my nudes from the internet",
			"online boyfriend wants to meet", "older man wants to meet me", "met someone online wants me to keep it secret", "told me to keep it a secret from my parents", "an adult is messaging me", "older man messaging me", "adult asking me for pictures",
			"make someone nude in a photo", "undress photo of a girl", "how to sell nudes", "how to get a sugar daddy", "gang wants me to carry drugs", "made me carry drugs", "being forced to sell drugs", "i am being abused", "my dad touches me", "my uncle touches me", "my stepdad touches me", "someone touched me where i dont want",
			"i was raped", "was i raped", "forced to marry", "my parents are forcing me to marry",
		},
	}
}
