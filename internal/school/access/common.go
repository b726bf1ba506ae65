package access

import "strings"

// commonPasswords is the words that are guessed first, alone, repeated or
// with figures after them. It is short on purpose: the length is what
// protects; the list catches what length alone lets through.
var commonPasswords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(commonWords) {
		m[w] = true
	}
	return m
}()

const commonWords = `
aaaaaa abc abcabc abcd abcdef abcdefg abcdefgh abcdefghijkl admin administrator angel angels arsenal asdf
asdfgh asdfghjkl ashley autumn azerty banana baseball batman belisha blessed buster celtic change changeit
changeme charlie cheese chelsea chocolate classroom computer cookie daniel december default dragon england
everton facebook family father february flower football fortnite freedom friday friend friends george ginger
google guest harry headteacher hello hellohello helloworld hockey hunter iloveyou internet ireland january
jessica jesus jordan killer letmein letmeinnow liverpool login london lovely lovers loveyou manchester master
michael minecraft monday monkey mother mypassword newpassword november october one onetwothree openme
opensesame orange pass passw password passwordadmin passwordone passwordpassword passwort pepper pokemon
princess pupil qazwsx qazwsxedc qwerty qwertyuiop qwertz ranger rangers roblox root safeguarding samsung
school scotland secret september shadow soccer spiderman spring starwars student summer sunshine superman
teacher temp temporary test testing thomas three tigger tottenham trustno trustnoone two united user wales
welcome welcomeone westham whatever winter xxx yyy zxcvbn zxcvbnm zzz
`
