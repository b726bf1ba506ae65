package platform

const placed = "Belisha's machine stands in a network of its own, or is itself the router: else its answers to redirected devices go round the router and are lost."

// sets are the lists, and forward what is closed on its way out, as nftables
// has them; OpenWrt takes the same.
const nftSets = `
{{define "sets"}}	set belisha_school4 { type ipv4_addr; flags interval;{{if .School4}} elements = { {{list .School4 ", "}} };{{end}} }
	set belisha_school6 { type ipv6_addr; flags interval;{{if .School6}} elements = { {{list .School6 ", "}} };{{end}} }
	set belisha_inside4 { type ipv4_addr; flags interval; elements = { {{list .Inside4 ", "}} }; }
	set belisha_inside6 { type ipv6_addr; flags interval; elements = { {{list .Inside6 ", "}} }; }
	set belisha_except4 { type ipv4_addr; flags interval;{{if .Except4}} elements = { {{list .Except4 ", "}} };{{end}} }
	set belisha_except6 { type ipv6_addr; flags interval;{{if .Except6}} elements = { {{list .Except6 ", "}} };{{end}} }
	set belisha_resolvers4 { type ipv4_addr; flags interval;{{if .Resolve4}} elements = { {{list .Resolve4 ", "}} };{{end}} }
	set belisha_resolvers6 { type ipv6_addr; flags interval;{{if .Resolve6}} elements = { {{list .Resolve6 ", "}} };{{end}} }

	chain belisha_close {
		ip daddr @belisha_inside4 return
		ip6 daddr @belisha_inside6 return
		ip saddr @belisha_except4 return
		ip6 saddr @belisha_except6 return
		ip daddr @belisha_resolvers4 reject comment "names over HTTPS, of others"
		ip6 daddr @belisha_resolvers6 reject comment "names over HTTPS, of others"
		meta l4proto { tcp, udp } th dport { 53, 853, 5353, 8853 } reject comment "names asked of others: plain, DoT, DoQ"
		udp dport { 80, 443, 784 } reject comment "QUIC: browsers then use TCP"
		tcp dport { 80, 443 } reject comment "the web past the filter"
	}
	chain belisha_forward {
		type filter hook forward priority filter - 5; policy accept;
		ip saddr @belisha_school4 jump belisha_close
		ip6 saddr @belisha_school6 jump belisha_close
	}{{end}}`

func nftables() Firewall {
	return Firewall{
		Name: "belisha-nftables.nft", Title: "Linux with nftables, where Belisha's machine is the router",
		Does: "Sends web pages and questions for names to the filter on this machine, and closes the ways past it: names over TLS and QUIC, other resolvers, HTTP/3.",
		Steps: []string{
			"Copy the file to /etc/nftables.d on the machine that Belisha runs on, and include it from /etc/nftables.conf.",
			"Let the machine forward between the school's network and the internet: sysctl net.ipv4.ip_forward=1.",
			"Try it with nft -c -f on the file, then load it with nft -f. Loading it again replaces what was there.",
			"Its rules are in a table of their own; your other tables stay as they are.",
		},
		Undo: "nft delete table inet belisha, and take the include away.",
		text: parse("nftables", nftSets+`
#!/usr/sbin/nft -f
# Belisha: the filter's redirection {{.Says}}.
# On the filter's own machine ({{.Filter}}), which routes for the networks below.
# To take it back: nft delete table inet belisha

table inet belisha
delete table inet belisha
table inet belisha {
{{template "sets" .}}
	chain belisha_redirect {
		type nat hook prerouting priority dstnat - 5; policy accept;
		ip saddr @belisha_school4 jump belisha_take
		ip6 saddr @belisha_school6 jump belisha_take
	}
	chain belisha_take {
{{- if .Web}}
		fib daddr type local tcp dport 80 redirect to :{{.Web}} comment "the pages for people, such as sign-in"
{{- end}}
		fib daddr type local return
		ip daddr @belisha_inside4 return
		ip6 daddr @belisha_inside6 return
		ip saddr @belisha_except4 return
		ip6 saddr @belisha_except6 return
{{- if .Web}}
		tcp dport { 80, 443 } redirect to :{{.Web}} comment "the web, to the filter"
{{- end}}
{{- if .DNS}}
		meta l4proto { tcp, udp } th dport 53 redirect to :{{.DNS}} comment "names, to the filter"
{{- end}}
	}
}
`),
	}
}

func iptables() Firewall {
	return Firewall{
		Name: "belisha-iptables.sh", Title: "Linux with iptables, where Belisha's machine is the router",
		Does: "The same as the file for nftables, for machines whose firewall is still iptables.",
		Steps: []string{
			"Copy the script to Belisha's machine and run it as root: sh belisha-iptables.sh. Running it again replaces its own rules and no others.",
			"Run it at each start, or save what it made with iptables-save as your system does.",
			"Let the machine forward between the school's network and the internet: sysctl net.ipv4.ip_forward=1.",
		},
		Undo: "sh belisha-iptables.sh remove",
		text: parse("iptables", `
{{define "rules"}}*nat
:BELISHA - [0:0]
{{range $s := .School}}{{if $.Web}}-A BELISHA -s {{$s}} -m addrtype --dst-type LOCAL -p tcp --dport 80 -j REDIRECT --to-ports {{$.Web}}
{{end}}{{end}}-A BELISHA -m addrtype --dst-type LOCAL -j RETURN
{{range .Inside}}-A BELISHA -d {{.}} -j RETURN
{{end}}{{range .Except}}-A BELISHA -s {{.}} -j RETURN
{{end}}{{range $s := .School}}{{if $.Web}}-A BELISHA -s {{$s}} -p tcp -m multiport --dports 80,443 -j REDIRECT --to-ports {{$.Web}}
{{end}}{{if $.DNS}}-A BELISHA -s {{$s}} -p udp --dport 53 -j REDIRECT --to-ports {{$.DNS}}
-A BELISHA -s {{$s}} -p tcp --dport 53 -j REDIRECT --to-ports {{$.DNS}}
{{end}}{{end}}COMMIT
*filter
:BELISHA - [0:0]
{{range .Inside}}-A BELISHA -d {{.}} -j RETURN
{{end}}{{range .Except}}-A BELISHA -s {{.}} -j RETURN
{{end}}{{range $s := .School}}{{range $.Resolve}}-A BELISHA -s {{$s}} -d {{.}} -j REJECT
{{end}}-A BELISHA -s {{$s}} -p udp -m multiport --dports 53,80,443,784,853,5353,8853 -j REJECT
-A BELISHA -s {{$s}} -p tcp -m multiport --dports 53,80,443,853,5353,8853 -j REJECT
{{end}}COMMIT
{{end -}}
#!/bin/sh
# Belisha: the filter's redirection {{.Says}}.
# On the filter's own machine ({{.Filter}}), which routes for the networks below.
# To take it back: sh belisha-iptables.sh remove
set -eu
hook() { "$1" -w -t "$2" -C "$3" -j BELISHA 2>/dev/null || "$1" -w -t "$2" -I "$3" -j BELISHA; }
unhook() {
	"$1" -w -t "$2" -D "$3" -j BELISHA 2>/dev/null || return 0
	"$1" -w -t "$2" -F BELISHA && "$1" -w -t "$2" -X BELISHA
}
if [ "${1:-}" = remove ]; then
	for t in iptables ip6tables; do
		unhook $t nat PREROUTING
		unhook $t filter FORWARD
	done
	exit 0
fi
iptables-restore -w --noflush <<'BELISHA'
{{template "rules" .Four}}BELISHA
ip6tables-restore -w --noflush <<'BELISHA'
{{template "rules" .Six}}BELISHA
for t in iptables ip6tables; do
	hook $t nat PREROUTING
	hook $t filter FORWARD
done
`),
	}
}

// kind is one kind of address for iptables, which has a table for each.
type kind struct {
	School, Inside, Except, Resolve []string
	Web, DNS                        uint16
}

// Four are the rules for IPv4.
func (r rules) Four() kind {
	return kind{words(r.School4), words(r.Inside4), words(r.Except4), words(r.Resolve4), r.Web, r.DNS}
}

// Six are the rules for IPv6.
func (r rules) Six() kind {
	return kind{words(r.School6), words(r.Inside6), words(r.Except6), words(r.Resolve6), r.Web, r.DNS}
}

func openwrt() Firewall {
	return Firewall{
		Name: "belisha-openwrt.sh", Title: "OpenWrt 22.03 and later",
		Does: "Sends web pages and questions for names to the filter, and closes the ways past it. The rules are an include of the router's own firewall, which knows lists and exceptions; plain uci redirections do not.",
		Steps: []string{
			placed,
			"Copy the script to the router and run it: sh belisha-openwrt.sh. It writes /etc/nftables.d/90-belisha.nft, checks it, and restarts the firewall; what does not pass the check is taken away again.",
			"The router keeps the file over restarts. To keep it over an upgrade, name it in /etc/sysupgrade.conf.",
			"Hand out Belisha's address as the DNS server: uci add_list dhcp.lan.dhcp_option with 6 and the address; then each device asks for itself.",
		},
		Undo: "sh belisha-openwrt.sh remove",
		text: parse("openwrt", nftSets+`
{{define "include"}}{{template "sets" .}}
	chain belisha_redirect {
		type nat hook prerouting priority dstnat - 5; policy accept;
		ip saddr @belisha_school4 jump belisha_take
		ip6 saddr @belisha_school6 jump belisha_take
	}
	chain belisha_take {
		fib daddr type local tcp dport { 80, 443 } return
{{- if .Web}}
		{{if .Filter4}}ip{{else}}ip6{{end}} daddr {{.Filter}} tcp dport 80 dnat {{if .Filter4}}ip{{else}}ip6{{end}} to {{if .Filter4}}{{.Filter}}{{else}}[{{.Filter}}]{{end}}:{{.Web}} comment "the pages for people, such as sign-in"
{{- end}}
		ip daddr @belisha_except4 return
		ip6 daddr @belisha_except6 return
		ip saddr @belisha_except4 return
		ip6 saddr @belisha_except6 return
{{- if .DNS}}
		fib daddr type local meta nfproto {{if .Filter4}}ipv4{{else}}ipv6{{end}} meta l4proto { tcp, udp } th dport 53 dnat {{if .Filter4}}ip{{else}}ip6{{end}} to {{if .Filter4}}{{.Filter}}{{else}}[{{.Filter}}]{{end}}:{{.DNS}} comment "the router's own resolver, too"
{{- end}}
		ip daddr @belisha_inside4 return
		ip6 daddr @belisha_inside6 return
{{- if .Web}}
		meta nfproto {{if .Filter4}}ipv4{{else}}ipv6{{end}} tcp dport { 80, 443 } dnat {{if .Filter4}}ip{{else}}ip6{{end}} to {{if .Filter4}}{{.Filter}}{{else}}[{{.Filter}}]{{end}}:{{.Web}} comment "the web, to the filter"
{{- end}}
{{- if .DNS}}
		meta nfproto {{if .Filter4}}ipv4{{else}}ipv6{{end}} meta l4proto { tcp, udp } th dport 53 dnat {{if .Filter4}}ip{{else}}ip6{{end}} to {{if .Filter4}}{{.Filter}}{{else}}[{{.Filter}}]{{end}}:{{.DNS}} comment "names, to the filter"
{{- end}}
	}
{{end -}}
#!/bin/sh
# Belisha: the filter's redirection {{.Says}}, for OpenWrt 22.03 and later (firewall4).
# To take it back: sh belisha-openwrt.sh remove
set -eu
file=/etc/nftables.d/90-belisha.nft
if [ "${1:-}" = remove ]; then
	rm -f "$file"
	exec /etc/init.d/firewall restart
fi
cat >"$file" <<'BELISHA'
{{template "include" .}}BELISHA
if ! fw4 check; then
	rm -f "$file"
	echo "The rules were taken away again: this firewall does not take them." >&2
	exit 1
fi
/etc/init.d/firewall restart
`),
	}
}
