// Package soak runs the whole gate, as a process of its own, under everything
// at once: pages, files, tunnels, TLS that is looked into, names in all four
// ways and another proxy's questions, while the rules, the lists, who is there,
// the virus scanner and the clock change and connections break off. What must
// come out is known for every request; nothing may be lost and nothing may
// grow. How long is BELISHA_SOAK (30m, 3m); by itself it takes seconds.
// There is nothing here but tests.
package soak
