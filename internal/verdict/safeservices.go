package verdict

import "strings"

// googleEndings are the endings of Google's country pages; www.google.<each>
// has the same safe mode.
const googleEndings = `com ad ae com.af com.ag com.ai al am co.ao com.ar as at com.au az ba com.bd be bf bg com.bh bi bj com.bn
com.bo com.br bs bt co.bw by com.bz ca cd cf cg ch ci co.ck cl cm cn com.co co.cr com.cu cv com.cy cz de dj dk dm com.do dz
com.ec ee com.eg es com.et fi com.fj fm fr ga ge gg com.gh com.gi gl gm gr com.gt gy com.hk hn hr ht hu co.id ie co.il im co.in
iq is it je com.jm jo co.jp co.ke com.kh ki kg co.kr com.kw kz la com.lb li lk co.ls lt lu lv com.ly co.ma md me mg mk ml com.mm
mn com.mt mu mv mw com.mx com.my co.mz com.na com.ng com.ni ne nl no com.np nr nu co.nz com.om com.pa com.pe com.pg com.ph com.pk
pl pn com.pr ps pt com.py com.qa ro ru rw com.sa com.sb sc se com.sg sh si sk com.sl sn so sm sr st com.sv td tg co.th com.tj tl
tm tn to com.tr tt com.tw co.tz com.ua co.ug co.uk com.uy co.uz com.vc co.ve vg co.vi com.vn vu ws rs co.za co.zm co.zw cat`

// SafeServices lists the services whose safe mode can be switched on by name,
// as their makers document it. A room that writes rules starts from it.
func SafeServices() []SafeService {
	google := SafeService{Name: "google", Strict: "forcesafesearch.google.com"}
	for _, e := range strings.Fields(googleEndings) {
		google.Hosts = append(google.Hosts, "www.google."+e)
	}
	return []SafeService{
		google,
		{Name: "youtube", Strict: "restrict.youtube.com", Moderate: "restrictmoderate.youtube.com", Hosts: []string{
			"www.youtube.com", "m.youtube.com", "youtubei.googleapis.com", "youtube.googleapis.com", "www.youtube-nocookie.com",
		}},
		{Name: "bing", Strict: "strict.bing.com", Hosts: []string{"www.bing.com", "edgeservices.bing.com"}},
		{Name: "duckduckgo", Strict: "safe.duckduckgo.com", Hosts: []string{
			"duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com", "duck.com", "html.duckduckgo.com", "lite.duckduckgo.com",
		}},
		{Name: "ecosia", Strict: "strict-safe-search.ecosia.org", Hosts: []string{"www.ecosia.org"}},
		{Name: "brave", Strict: "forcesafe.search.brave.com", Hosts: []string{"search.brave.com"}},
		{Name: "pixabay", Strict: "safesearch.pixabay.com", Hosts: []string{"pixabay.com", "www.pixabay.com"}},
		{Name: "qwant", Strict: "safeapi.qwant.com", Hosts: []string{"api.qwant.com"}},
		{Name: "yandex", Strict: "familysearch.yandex.ru", Hosts: []string{
			"yandex.ru", "www.yandex.ru", "ya.ru", "yandex.com", "www.yandex.com",
		}},
	}
}
