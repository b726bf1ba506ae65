package platform

func packetFilter() Firewall {
	return Firewall{
		Name: "belisha-pf.txt", Title: "OPNsense and pfSense",
		Does: "Sends web pages and questions for names to the filter, and closes the ways past it. What to enter, and the same as rules of pf to compare with.",
		Steps: []string{
			placed,
			"Make the four aliases of the file under Firewall, Aliases.",
			"Under Firewall, NAT, Port Forward (OPNsense: Destination NAT), enter the redirections in the order of the file, with NAT reflection off. The first ones are “no RDR”: they leave out what must not be redirected.",
			"Under Firewall, Rules, on the school's interface, enter the closing rules above the rule that lets the school out.",
			"Compare with pfctl -sn and pfctl -sr: the rules of the file should be there.",
		},
		Undo: "Switch the rules off; their descriptions all begin with Belisha.",
		text: parse("pf", `
# Belisha: the filter's redirection {{.Says}}, for pf (OPNsense, pfSense, FreeBSD).
# Redirections, above all others; then the closing rules, above what lets the school out.
# To take it back: switch off what is described as "Belisha".

table <belisha_school> { {{list .School4 ", "}}{{if and .School4 .School6}}, {{end}}{{list .School6 ", "}} }
table <belisha_inside> { {{list .Inside4 ", "}}, {{list .Inside6 ", "}} }
table <belisha_except> { {{list .Except4 ", "}}{{if and .Except4 .Except6}}, {{end}}{{list .Except6 ", "}} }
table <belisha_resolvers> { {{list .Resolve4 ", "}}{{if and .Resolve4 .Resolve6}}, {{end}}{{list .Resolve6 ", "}} }

# 1. Redirections. Belisha: leave out
no rdr proto { tcp, udp } from <belisha_except> to any
{{- if .Web}}
# Belisha: the pages for people, such as sign-in
rdr {{.Kind}} proto tcp from <belisha_school> to {{.Filter}} port 80 -> {{.Filter}} port {{.Web}}
{{- end}}
# Belisha: inside the school
no rdr proto { tcp, udp } from <belisha_school> to <belisha_inside>
{{- if .Web}}
# Belisha: the web, to the filter
rdr {{.Kind}} proto tcp from <belisha_school> to any port 80 -> {{.Filter}} port {{.Web}}
rdr {{.Kind}} proto tcp from <belisha_school> to any port 443 -> {{.Filter}} port {{.Web}}
{{- end}}
{{- if .DNS}}
# Belisha: names, to the filter
rdr {{.Kind}} proto { tcp, udp } from <belisha_school> to any port 53 -> {{.Filter}} port {{.DNS}}
{{- end}}

# 2. Closing. Belisha: whoever is left out, and the filter
pass quick proto { tcp, udp } from <belisha_except> to any port { 53, 80, 443, 853 }
pass quick proto { tcp, udp } from <belisha_school> to {{.Filter}}
# Belisha: names over HTTPS, of others
block return quick from <belisha_school> to <belisha_resolvers>
# Belisha: names asked of others, plain and over TLS and QUIC
block return quick proto { tcp, udp } from <belisha_school> to ! <belisha_inside> port { 53, 853, 5353, 8853 }
# Belisha: QUIC; browsers then use TCP
block return quick proto udp from <belisha_school> to ! <belisha_inside> port { 80, 443, 784 }
# Belisha: the web past the filter
block return quick proto tcp from <belisha_school> to ! <belisha_inside> port { 80, 443 }
`),
	}
}

// Kind is what pf calls the kind of the filter's address.
func (r rules) Kind() string {
	if r.Filter4 {
		return "inet"
	}
	return "inet6"
}

func routerOS() Firewall {
	return Firewall{
		Name: "belisha-routeros.rsc", four: true, Title: "MikroTik RouterOS 7",
		Does: "Sends web pages and questions for names to the filter, and closes the ways past it.",
		Steps: []string{
			placed,
			"Copy the file to the router and run /import belisha-routeros.rsc. Running it again first takes away what it made before.",
			"If the router fast-tracks connections, what is open already goes on until it ends; restart the router, or remove the connections of the school's networks.",
			"Look at /ip firewall nat print and see that the counters of the rules move.",
		},
		Undo: "Run the first lines of the file alone: those that begin with remove.",
		text: parse("routeros", `
# Belisha: the filter's redirection {{.Says}}, for RouterOS 7.
# To take it back, run the lines with "remove" alone.
/ip firewall nat remove [find comment~"^Belisha"]
/ip firewall filter remove [find comment~"^Belisha"]
/ip firewall address-list remove [find list~"^belisha-"]
/ipv6 firewall filter remove [find comment~"^Belisha"]
/ipv6 firewall address-list remove [find list~"^belisha-"]

/ip firewall address-list
{{range .School4}}add list=belisha-school address={{bare .}}
{{end}}{{range .Inside4}}add list=belisha-inside address={{bare .}}
{{end}}{{range .Except4}}add list=belisha-except address={{bare .}}
{{end}}{{range .Resolve4}}add list=belisha-resolvers address={{bare .}}
{{end}}
/ip firewall nat
:local before [find where chain=dstnat and !dynamic]
add chain=dstnat action=accept src-address-list=belisha-except comment="Belisha: leave out"
{{- if .Web}}
add chain=dstnat action=dst-nat protocol=tcp dst-port=80 src-address-list=belisha-school dst-address={{.Filter}} to-addresses={{.Filter}} to-ports={{.Web}} comment="Belisha: the pages for people, such as sign-in"
{{- end}}
add chain=dstnat action=accept src-address-list=belisha-school dst-address-list=belisha-inside comment="Belisha: inside the school"
{{- if .Web}}
add chain=dstnat action=dst-nat protocol=tcp dst-port=80,443 src-address-list=belisha-school to-addresses={{.Filter}} to-ports={{.Web}} comment="Belisha: the web, to the filter"
{{- end}}
{{- if .DNS}}
add chain=dstnat action=dst-nat protocol=tcp dst-port=53 src-address-list=belisha-school to-addresses={{.Filter}} to-ports={{.DNS}} comment="Belisha: names, to the filter"
add chain=dstnat action=dst-nat protocol=udp dst-port=53 src-address-list=belisha-school to-addresses={{.Filter}} to-ports={{.DNS}} comment="Belisha: names, to the filter"
{{- end}}
:if ([:len $before] > 0) do={ move [find comment~"^Belisha"] destination=[:pick $before 0] }

/ip firewall filter
:local closed [find where chain=forward and !dynamic]
add chain=forward action=jump jump-target=belisha src-address-list=belisha-school dst-address-list=!belisha-inside comment="Belisha: what leaves the school"
:if ([:len $closed] > 0) do={ move [find comment~"^Belisha"] destination=[:pick $closed 0] }
add chain=belisha action=return src-address-list=belisha-except comment="Belisha: leave out"
add chain=belisha action=reject dst-address-list=belisha-resolvers comment="Belisha: names over HTTPS, of others"
add chain=belisha action=reject protocol=tcp dst-port=53,853,5353,8853 comment="Belisha: names asked of others"
add chain=belisha action=reject protocol=udp dst-port=53,853,5353,8853 comment="Belisha: names asked of others"
add chain=belisha action=reject protocol=udp dst-port=80,443,784 comment="Belisha: QUIC; browsers then use TCP"
add chain=belisha action=reject protocol=tcp dst-port=80,443 comment="Belisha: the web past the filter"
{{if .School6}}
/ipv6 firewall address-list
{{range .School6}}add list=belisha-school address={{bare .}}
{{end}}{{range .Inside6}}add list=belisha-inside address={{bare .}}
{{end}}{{range .Except6}}add list=belisha-except address={{bare .}}
{{end}}{{range .Resolve6}}add list=belisha-resolvers address={{bare .}}
{{end}}
/ipv6 firewall filter
:local closed6 [find where chain=forward and !dynamic]
add chain=forward action=jump jump-target=belisha src-address-list=belisha-school dst-address-list=!belisha-inside comment="Belisha: what leaves the school"
:if ([:len $closed6] > 0) do={ move [find comment~"^Belisha"] destination=[:pick $closed6 0] }
add chain=belisha action=return src-address-list=belisha-except comment="Belisha: leave out"
add chain=belisha action=reject dst-address-list=belisha-resolvers comment="Belisha: names over HTTPS, of others"
add chain=belisha action=reject protocol=tcp dst-port=53,80,443,853,5353,8853 comment="Belisha: what goes past the filter"
add chain=belisha action=reject protocol=udp dst-port=53,80,443,784,853,5353,8853 comment="Belisha: what goes past the filter"
{{end}}`),
	}
}

func unifi() Firewall {
	return Firewall{
		Name: "belisha-unifi.txt", four: true, Title: "UniFi gateways",
		Does: "What to enter so that web pages and questions for names go to the filter, and the ways past it are closed. UniFi takes no file: the steps have the school's addresses filled in.",
		Steps: []string{
			placed,
			"Follow the text from top to bottom in UniFi Network 9 or later. On older versions, which redirect nothing, leave part 2 out: part 3 then closes what does not use the proxy.",
			"Try it with one network of the list first.",
		},
		Undo: "Pause the entries; their names all begin with Belisha.",
		text: parse("unifi", `
Belisha: the filter's redirection {{.Says}}, on a UniFi gateway.
To take it back, pause the entries whose names begin with Belisha.

1. Lists (Settings, Profiles, Network Lists)
   Belisha school:    {{list .School4 ", "}}{{if .School6}} and {{list .School6 ", "}}{{end}}
   Belisha inside:    {{list .Inside4 ", "}}
   Belisha except:    {{list .Except4 ", "}}{{if .Except6}} and {{list .Except6 ", "}}{{end}}
{{- if .Resolvers}}
   Belisha resolvers: {{list .Resolve4 ", "}}{{if .Resolve6}} and {{list .Resolve6 ", "}}{{end}}
{{- end}}
   Port lists: Belisha web 80, 443; Belisha names 53, 853, 5353, 8853; Belisha QUIC 80, 443, 784

2. Redirections (Settings, Policy Engine, NAT, Destination NAT), in this order
{{- if .Web}}
   Belisha pages:  TCP, from Belisha school, to {{.Filter}}, port 80, to {{.Filter}} port {{.Web}}
   Belisha web 1:  TCP, from Belisha school but not Belisha except, to not Belisha inside, port 80,  to {{.Filter}} port {{.Web}}
   Belisha web 2:  TCP, from Belisha school but not Belisha except, to not Belisha inside, port 443, to {{.Filter}} port {{.Web}}
{{- end}}
{{- if .DNS}}
   Belisha names:  TCP and UDP, from Belisha school but not Belisha except, to not Belisha inside, port 53, to {{.Filter}} port {{.DNS}}
{{- end}}

3. Closing (Settings, Policy Engine, Firewall; from the zone of the school to External), above what is open, in this order
   Belisha leave out: allow,  from Belisha except, to any, TCP and UDP, ports 53, 80, 443, 853
{{- if .Resolvers}}
   Belisha resolvers: reject, from Belisha school, to Belisha resolvers, all protocols
{{- end}}
   Belisha names:     reject, from Belisha school, to not Belisha inside, TCP and UDP, ports Belisha names
   Belisha QUIC:      reject, from Belisha school, to not Belisha inside, UDP, ports Belisha QUIC
   Belisha web:       reject, from Belisha school, to not Belisha inside, TCP, ports Belisha web

4. Names (Settings, Networks, each network of the list, DHCP): DNS server {{.Filter}}, and no second one.
`),
	}
}
