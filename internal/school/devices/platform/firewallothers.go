package platform

const routed = "Belisha's machine takes the redirected connections itself: load the file for nftables on it as well."

func fortigate() Firewall {
	return Firewall{
		Name: "belisha-fortigate.txt", four: true, Title: "FortiGate",
		Does: "Leads web pages and questions for names to Belisha's machine by policy routes, which leave addresses as they are, and closes the ways past it.",
		Steps: []string{
			routed,
			"Write the names of your interfaces in place of lan and wan1.",
			"Paste it into the CLI, in the VDOM of the school. Then move the policies that begin with Belisha above the one that lets the school out, in their order.",
			"Let the policy for Belisha's own address out to the internet be there: its machine asks for the pages.",
		},
		Undo: "Delete the policy routes and policies whose names or comments begin with Belisha, then the services, groups and addresses.",
		text: parse("fortigate", `
# Belisha: the filter's redirection {{.Says}}, for FortiOS 7.
# Interfaces: write yours in place of "lan" and "wan1".
# To take it back, delete what is called or described as "Belisha".
config firewall address
{{range $i, $p := .School4}}    edit "Belisha school {{$i}}"
        set subnet {{addr $p}} {{mask $p}}
    next
{{end}}{{range $i, $p := .Except4}}    edit "Belisha except {{$i}}"
        set subnet {{addr $p}} {{mask $p}}
    next
{{end}}{{range $i, $p := .Inside4}}    edit "Belisha inside {{$i}}"
        set subnet {{addr $p}} {{mask $p}}
    next
{{end}}{{range $i, $p := .Resolve4}}    edit "Belisha resolver {{$i}}"
        set subnet {{addr $p}} {{mask $p}}
    next
{{end}}end
config firewall addrgrp
    edit "Belisha school"
        set member{{range $i, $p := .School4}} "Belisha school {{$i}}"{{end}}
    next
    edit "Belisha except"
        set member{{range $i, $p := .Except4}} "Belisha except {{$i}}"{{end}}
    next
    edit "Belisha inside"
        set member{{range $i, $p := .Inside4}} "Belisha inside {{$i}}"{{end}}
    next
{{- if .Resolve4}}
    edit "Belisha resolvers"
        set member{{range $i, $p := .Resolve4}} "Belisha resolver {{$i}}"{{end}}
    next
{{- end}}
end
config firewall service custom
    edit "Belisha names"
        set tcp-portrange 53 853 5353 8853
        set udp-portrange 53 853 5353 8853
    next
    edit "Belisha QUIC"
        set udp-portrange 80 443 784
    next
    edit "Belisha web"
        set tcp-portrange 80 443
    next
end
config router policy
    edit 0
        set input-device "lan"
        set srcaddr "Belisha except"
        set dstaddr "all"
        set action deny
        set comments "Belisha: leave out"
    next
    edit 0
        set input-device "lan"
        set srcaddr "Belisha school"
        set dstaddr "Belisha inside"
        set action deny
        set comments "Belisha: inside the school"
    next
{{- if .Web}}
{{- range $port := .WebPorts}}
    edit 0
        set input-device "lan"
        set srcaddr "Belisha school"
        set dstaddr "all"
        set protocol 6
        set start-port {{$port}}
        set end-port {{$port}}
        set gateway {{$.Filter}}
        set output-device "lan"
        set comments "Belisha: the web, to the filter"
    next
{{- end}}
{{- end}}
{{- if .DNS}}
{{- range $protocol := .NameProtocols}}
    edit 0
        set input-device "lan"
        set srcaddr "Belisha school"
        set dstaddr "all"
        set protocol {{$protocol}}
        set start-port 53
        set end-port 53
        set gateway {{$.Filter}}
        set output-device "lan"
        set comments "Belisha: names, to the filter"
    next
{{- end}}
{{- end}}
end
config firewall policy
    edit 0
        set name "Belisha takes"
        set srcintf "lan"
        set dstintf "lan"
        set srcaddr "Belisha school"
        set dstaddr "all"
        set action accept
        set schedule "always"
        set service "Belisha names" "Belisha web"
    next
    edit 0
        set name "Belisha leave out"
        set srcintf "lan"
        set dstintf "wan1"
        set srcaddr "Belisha except"
        set dstaddr "all"
        set action accept
        set schedule "always"
        set service "Belisha names" "Belisha web"
        set nat enable
    next
{{- if .Resolve4}}
    edit 0
        set name "Belisha resolvers"
        set srcintf "lan"
        set dstintf "wan1"
        set srcaddr "Belisha school"
        set dstaddr "Belisha resolvers"
        set action deny
        set schedule "always"
        set service "ALL"
    next
{{- end}}
    edit 0
        set name "Belisha past the filter"
        set srcintf "lan"
        set dstintf "wan1"
        set srcaddr "Belisha school"
        set dstaddr "all"
        set action deny
        set schedule "always"
        set service "Belisha names" "Belisha QUIC" "Belisha web"
        set logtraffic all
    next
end
{{if .School6}}config firewall address6
{{range $i, $p := .School6}}    edit "Belisha school6 {{$i}}"
        set ip6 {{$p}}
    next
{{end}}end
config firewall policy
    edit 0
        set name "Belisha past the filter, IPv6"
        set srcintf "lan"
        set dstintf "wan1"
        set srcaddr6{{range $i, $p := .School6}} "Belisha school6 {{$i}}"{{end}}
        set dstaddr6 "all"
        set action deny
        set schedule "always"
        set service "Belisha names" "Belisha QUIC" "Belisha web"
        set logtraffic all
    next
end
{{end}}`),
	}
}

// WebPorts are the ports of the web.
func (rules) WebPorts() []int { return []int{80, 443} }

// NameProtocols are TCP and UDP by their numbers.
func (rules) NameProtocols() []int { return []int{6, 17} }

func ciscoIOS() Firewall {
	return Firewall{
		Name: "belisha-cisco.txt", four: true, Title: "Cisco IOS and what is like it",
		Does: "Access lists that close the ways past the filter, and a route map that leads web pages and questions for names to Belisha's machine without changing their addresses.",
		Steps: []string{
			routed,
			"Paste it in configuration mode. Then, on the interface where the school's networks come in: ip policy route-map BELISHA, and ip access-group BELISHA-CLOSE in.",
			"If that interface has an access list already, put the lines of BELISHA-CLOSE above its own, without the last one, and leave out those lines about the school's own networks that your list closes.",
			"The route map sends to nowhere what it cannot send to Belisha: while Belisha's machine is off, the web is closed.",
			"Look at show route-map BELISHA and show access-lists: the counters should move.",
		},
		Undo: "On the interface: no ip policy route-map BELISHA, no ip access-group BELISHA-CLOSE in. Then no route-map BELISHA, and no ip access-list extended for both lists.",
		text: parse("cisco", `
! Belisha: the filter's redirection {{.Says}}, for Cisco IOS.
! To take it back: take both off the interface, then
!   no route-map BELISHA
!   no ip access-list extended BELISHA-TAKE
!   no ip access-list extended BELISHA-CLOSE
ip access-list extended BELISHA-TAKE
{{range .Except4}} deny ip {{addr .}} {{wildcard .}} any
{{end}}{{range .Inside4}} deny ip any {{addr .}} {{wildcard .}}
{{end}}{{range $p := .School4}}{{if $.Web}} permit tcp {{addr $p}} {{wildcard $p}} any eq 80
 permit tcp {{addr $p}} {{wildcard $p}} any eq 443
{{end}}{{if $.DNS}} permit udp {{addr $p}} {{wildcard $p}} any eq 53
 permit tcp {{addr $p}} {{wildcard $p}} any eq 53
{{end}}{{end}} deny ip any any
!
route-map BELISHA permit 10
 match ip address BELISHA-TAKE
 set ip next-hop {{.Filter}}
 set interface Null0
!
ip access-list extended BELISHA-CLOSE
{{range .Except4}} permit tcp {{addr .}} {{wildcard .}} any eq 53 80 443 853
 permit udp {{addr .}} {{wildcard .}} any eq 53 853
{{end}}{{range .Inside4}} permit tcp any {{addr .}} {{wildcard .}} eq 53 80 443 853
 permit udp any {{addr .}} {{wildcard .}} eq 53 80 443 853 5353
{{end}}{{range $p := .School4}}{{range $.Resolve4}} deny ip {{addr $p}} {{wildcard $p}} {{addr .}} {{wildcard .}}
{{end}} deny udp {{addr $p}} {{wildcard $p}} any eq {{$.ClosedUDP}}
 deny tcp {{addr $p}} {{wildcard $p}} any eq {{$.ClosedTCP}}
{{end}} permit ip any any
!
{{- if .School6}}
ipv6 access-list BELISHA-CLOSE6
{{range .Except6}} permit tcp {{.}} any
 permit udp {{.}} any
{{end}}{{range .Inside6}} permit tcp any {{.}}
 permit udp any {{.}}
{{end}}{{range $p := .School6}}{{range $port := $.Closed6}} deny udp {{$p}} any eq {{$port}}
 deny tcp {{$p}} any eq {{$port}}
{{end}}{{end}} permit ipv6 any any
!
{{- end}}
`),
	}
}

// ClosedUDP are the ports that an access list on the way in closes. What goes
// to the filter by the route map comes past the same list, so its ports stay
// open where they are led there.
func (r rules) ClosedUDP() string {
	if r.DNS == 0 {
		return "53 80 443 784 853 5353 8853"
	}
	return "80 443 784 853 5353 8853"
}

// ClosedTCP is the same for TCP.
func (r rules) ClosedTCP() string {
	out := "853 5353 8853"
	if r.Web == 0 {
		out = "80 443 " + out
	}
	if r.DNS == 0 {
		out = "53 " + out
	}
	return out
}

// Closed6 are the ports that are closed where nothing is led to the filter.
func (rules) Closed6() []int { return []int{53, 80, 443, 784, 853, 5353, 8853} }

func windowsFirewall() Firewall {
	return Firewall{
		Name: "belisha-windows-firewall.ps1", four: true, Title: "Windows Firewall, on the school's computers",
		Does: "Closes the ways past the filter on the computer itself: the web, names and QUIC to anything outside the school. It redirects nothing: browsers need the proxy configuration.",
		Steps: []string{
			"First give the computers the proxy configuration; without it they reach no page any more.",
			"Run the script once as administrator, or give it as a startup script by group policy. Running it again replaces its own rules.",
			"Computers that leave the school take the rules with them: give it to those that stay, or bind it to the school's network with -Profile Domain.",
		},
		Undo: "Run it once with -Remove.",
		text: parse("windows", `
# Belisha: the ways past the filter, closed on this computer, {{.Says}}.
# To take it back: run it with -Remove
#Requires -RunAsAdministrator
param([switch]$Remove, [ValidateSet('Any', 'Domain', 'Private')][string]$Profile = 'Any')
$ErrorActionPreference = 'Stop'
Get-NetFirewallRule -Group 'Belisha' -ErrorAction SilentlyContinue | Remove-NetFirewallRule
if ($Remove) { exit 0 }
$outside = @({{quoted .Outside}}, "2000::/3")
$close = @{ Group = 'Belisha'; Direction = 'Outbound'; Action = 'Block'; Enabled = 'True'; Profile = $Profile; RemoteAddress = $outside }
New-NetFirewallRule @close -DisplayName 'Belisha: names asked of others (UDP)' -Protocol UDP -RemotePort 53, 853, 5353, 8853 | Out-Null
New-NetFirewallRule @close -DisplayName 'Belisha: names asked of others (TCP)' -Protocol TCP -RemotePort 53, 853, 5353, 8853 | Out-Null
New-NetFirewallRule @close -DisplayName 'Belisha: QUIC' -Protocol UDP -RemotePort 80, 443, 784 | Out-Null
New-NetFirewallRule @close -DisplayName 'Belisha: the web past the filter' -Protocol TCP -RemotePort 80, 443 | Out-Null
`),
	}
}
