package devices

import "belisha/internal/school/devices/platform"

// Way is one way in: how a kind of device is led to the filter, what the
// filter then sees, and what it does not.
type Way struct {
	Slug, Title string
	Steps       []string
	Files       []string // names of package platform
	Sees        string
	Blind       string // what it does not see
	Warning     string
}

const (
	seesNamesAndPeople = "The names of sites, who is signed in, and whole addresses on plain HTTP."
	blindPages         = "Pages on HTTPS: it sees the site's name, not the page. In place of a closed secure site a page of ours is shown only where the school's certificate is installed."
)

// Ways are the ways in, in the order of pages.
func Ways() []Way { return append(managedWays(), networkWays()...) }

func managedWays() []Way {
	return []Way{
		{
			Slug: "google", Title: "Chromebooks and Chrome, by Google Admin", Files: []string{platform.NameChrome, platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees: seesNamesAndPeople, Blind: blindPages,
			Steps: []string{
				"In the Google Admin console choose Devices, Chrome, Settings, and the organisational unit of the pupils. Begin with one test device in a unit of its own.",
				"Under Network, set the proxy mode to “Always use the proxy auto-config specified below” and paste the address from the text file.",
				"Set DNS-over-HTTPS and QUIC as the text file says, and block guest mode and other profiles, or a pupil leaves by them.",
				"Under Devices, Networks, Certificates, add the school's certificate for use as an HTTPS authority.",
				"On the Chromebook open chrome://policy, press Reload policies, then open the page of this device.",
			},
		},
		{
			Slug: "gpo", Title: "Windows, by group policy", Files: []string{platform.NameScript, platform.NameRegistry, platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees: seesNamesAndPeople, Blind: blindPages,
			Steps: []string{
				"Make a group policy object for one test computer: Computer Configuration, Windows Settings, Scripts, Startup, PowerShell Scripts, and add the script. No templates are needed.",
				"Or, without scripts, import the registry file under Preferences, Windows Settings, Registry.",
				"Add the school's certificate under Computer Configuration, Windows Settings, Security Settings, Public Key Policies, Trusted Root Certification Authorities. The script does it too.",
				"Restart the computer, open a browser, then open the page of this device.",
				"To take it away again, run the script once with -Remove.",
			},
		},
		{
			Slug: "intune", Title: "Windows, by Intune", Files: []string{platform.NameIntune, platform.NameScript, platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees: seesNamesAndPeople, Blind: blindPages,
			Steps: []string{
				"In Intune choose Devices, Scripts, Add, Windows 10 and later, and give the PowerShell script. Run it with the system's rights, not the user's.",
				"Or make a custom profile (Templates, Custom) with the three settings that the JSON file lists. It sets Windows' own proxy only; the browsers' policies come with the script.",
				"Add the school's certificate with a profile of the kind Trusted certificate.",
				"Assign all of it to a group with one test computer, sync, then open the page of this device.",
			},
		},
		{
			Slug: "apple", Title: "iPads and Macs", Files: []string{platform.NameApple, platform.NameAppleDNS, platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees:  "The names of sites and the device. A shared iPad is a device and a class, not a child, until a child signs in.",
			Blind: blindPages + " Off the school's Wi-Fi it sees nothing.",
			Steps: []string{
				"Upload the profile to your device management, or open it on one supervised test iPad. It holds the Wi-Fi with the proxy configuration and the certificates, and no password.",
				"On an iPad without device management: Settings, General, About, Certificate Trust Settings, and switch on full trust for the school's certificate.",
				"Switch off iCloud Private Relay and Limit IP Address Tracking for the school's Wi-Fi, by restriction where the iPad is supervised.",
				"Join the Wi-Fi, then open the page of this device.",
				"iPads ask nobody for a proxy password: who is there is known by signing in on our page.",
			},
			Warning: "Apple's devices take encrypted DNS only by profile. The DNS profile is there once the filter answers over TLS on port 853 (--listen-dot) or over HTTPS (listen-doh under [gate]) and you have written the Wi-Fi's name, or once you name a server of your own that speaks DNS over TLS and asks the filter. By the filter's own door it holds on the school's Wi-Fi only.",
		},
		{
			Slug: "android", Title: "Android tablets and phones", Files: []string{platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees: "The names of sites and the device, in apps that keep to the system's proxy.", Blind: blindPages + " An app may leave the proxy out: close the router for everything but the filter.",
			Steps: []string{
				"By device management: in the Wi-Fi configuration choose the proxy kind “Automatic” and give the address of the proxy configuration.",
				"By hand: press the Wi-Fi's name for long, Modify network, Advanced, Proxy, Proxy Auto-Config.",
				"Set Private DNS to Automatic where the filter answers over TLS on port 853 (--listen-dot): devices then ask the filter, encrypted. Else set it to Off. Write a name there only where the certificate of your pages is one that every device knows, since Android does not look at the school's own for it.",
				"Install the school's certificate as a CA certificate; apps trust it only if their maker wanted that, browsers do.",
				"Open the page of this device.",
			},
		},
		{
			Slug: "linux", Title: "Linux", Files: []string{platform.NameChromium, platform.NamePAC, platform.NameCA, platform.NameUpstreamCA},
			Sees: seesNamesAndPeople, Blind: blindPages,
			Steps: []string{
				"Put the policies as belisha.json into /etc/opt/chrome/policies/managed or /etc/chromium/policies/managed.",
				"For the whole desktop: gsettings set org.gnome.system.proxy mode auto, and autoconfig-url to the address of the proxy configuration.",
				"Copy the school's certificate to /usr/local/share/ca-certificates and run update-ca-certificates.",
				"Open the page of this device.",
			},
		},
	}
}

func networkWays() []Way {
	return []Way{
		{
			Slug: "router", Title: "The router: DNS for the whole school",
			Sees:  "Names, and the whole school as one: everybody gets the strictest rules, and nobody is known.",
			Blind: "Who it is and which device, unless devices ask the filter themselves; pages; whatever goes to an address without asking for a name.",
			Steps: []string{
				"Where computers sign in to a domain of the school's own, such as ashdown.internal, first name it and its servers in the config file: own-zones = [\"ashdown.internal=10.0.0.2\"] under [gate]. The filter then asks those for it, and computers find them before anybody signs in.",
				"In the router's DHCP settings, hand out the address of the filter as the only DNS server. Then each device asks for itself and can be known by its address.",
				"Or set the filter as the router's own DNS server: then all devices look like the router.",
				"Close port 53 (UDP and TCP) and port 853 to the internet for everybody but the filter, or a device asks elsewhere: the page “Rules for your firewall or router” has them for yours.",
				"Give the name of the people's pages no address in other DNS servers: it exists only in your school.",
				"Reconnect one device, then open the page of this device.",
			},
		},
		{
			Slug: "redirect", Title: "The network itself: connections led to the filter",
			Sees:  "The names of sites, devices by their address, who is signed in, and whole addresses on plain HTTP; of devices that know nothing of the filter, too.",
			Blind: blindPages + " What leaves by other ports.",
			Steps: []string{
				"On Linux, start Belisha with --listen-transparent and an address such as 0.0.0.0:8480.",
				"Let the filter answer for names on the school's network, and hand out its address as the only DNS server.",
				"Under Devices open “Rules for your firewall or router”, write the school's networks, and take the file for yours. It also closes what would go past the filter: other resolvers, names over TLS, QUIC.",
				"Try it with one network first. On one device open a page, then the page of this device.",
			},
			Warning: "Where the router is another machine than Belisha's, the two should stand in networks of their own: else Belisha's answers go round the router and are lost, or all devices look like the router.",
		},
		{
			Slug: "wpad", Title: "DHCP option 252 and WPAD", Files: []string{platform.NamePAC},
			Sees: "As a proxy, for devices that look for one by themselves: Windows mostly. Chromebooks, iPads and phones do not.", Blind: blindPages,
			Steps: []string{
				"In DHCP set option 252 (a string) to the address of the proxy configuration.",
				"Or let the name wpad in your own domain lead to the filter; it answers wpad.dat itself.",
				"Use it for guests only. For the school's own devices set the address by policy and switch looking for proxies off.",
			},
			Warning: "Whoever can answer for the name wpad, or hand out addresses on your network, can lead browsers elsewhere. Never rely on it for the school's own devices, and see that your domain's name is not one that exists on the internet.",
		},
	}
}

// wayOf finds a way in.
func wayOf(slug string) (Way, bool) {
	for _, w := range Ways() {
		if w.Slug == slug {
			return w, true
		}
	}
	return Way{}, false
}
