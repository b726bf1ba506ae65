package filtering

import (
	"time"

	"belisha/internal/kit/setting"
	"belisha/internal/verdict"
)

// What the school decides about what is looked at inside: pages, files and
// what is written, wherever the filter sees more than a name.
const (
	keyInspect      = "filtering.inspect"
	keyInspectOnly  = "filtering.inspect.only"
	keyInspectNever = "filtering.inspect.never"
	keyInspectHosts = "filtering.inspect.never-hosts"
	keyPages        = "filtering.pages.limit"
	keyStaffPages   = "filtering.staff.pages.limit"
	keyFiles        = "filtering.downloads"
	keyStaffFiles   = "filtering.staff.downloads"
	keyApprover     = "filtering.downloads.approver"
	keyPermitMax    = "filtering.downloads.longest"
	keyViruses      = "filtering.viruses"
	keyScanMax      = "filtering.viruses.max-size"
	keyTooLarge     = "filtering.viruses.too-large"
	keyChat         = "filtering.ai.watch"
)

// Day-one rules of files. A macro or a locked archive is an adult's everyday
// work, and a child's way round the scanner.
const (
	filesDefault      = "programs, installers, scripts, apps, macros, active documents, disk images, locked archives and unreadable archives"
	staffFilesDefault = "programs, installers, scripts, apps and disk images"
	neverDefault      = "banking, health, government, support services"
)

// KeyApprover is who gives permission for one file; the setting's values are
// posts, and AnyStaff.
const KeyApprover = keyApprover

// AnyStaff stands for every member of staff among those who may give
// permission for a file.
const AnyStaff = "staff"

// fileOptions are the kinds of file, as policies name them.
func fileOptions() []setting.Option {
	return []setting.Option{
		{Value: verdict.FileProgram.String(), Title: "programs", Words: []string{"executables", "executable files", "exe files"}},
		{Value: verdict.FileInstaller.String(), Title: "installers", Words: []string{"installation packages"}},
		{Value: verdict.FileScript.String(), Title: "scripts", Words: []string{"scripts and shortcuts"}},
		{Value: verdict.FileApp.String(), Title: "apps", Words: []string{"apps for tablets and browsers", "browser extensions"}},
		{Value: verdict.FileMacro.String(), Title: "macros", Words: []string{"documents with macros", "macro documents"}},
		{Value: verdict.FileActive.String(), Title: "active documents", Words: []string{"documents that run something"}},
		{Value: verdict.FileDisk.String(), Title: "disk images", Words: []string{"disc images"}},
		{Value: verdict.FileArchive.String(), Title: "archives", Words: []string{"zip files"}},
		{Value: verdict.FileLocked.String(), Title: "locked archives", Words: []string{"locked files", "password-protected files"}},
		{Value: verdict.FileUnreadable.String(), Title: "unreadable archives", Words: []string{"unreadable files", "damaged archives"}},
	}
}

func groupChoices() []setting.Option {
	return options("pupils", "pupils", "staff", "staff", "guests", "guests")
}

// whatIsLookedAt are the settings of what is looked at inside.
func whatIsLookedAt() []setting.Setting {
	return append(append(append(inspection(), pagesAndFiles()...), tenantSettings()...), doorSettings()...)
}

func inspection() []setting.Setting {
	narrow := []string{"group", "keystage"}
	return []setting.Setting{
		{
			Key: keyInspect, Title: "Whether the filter looks inside encrypted sites", Kind: setting.Choice, Default: "off", Scopes: narrow,
			Options: []setting.Option{
				{Value: "off", Title: "off", Words: []string{"not inspected"}},
				{Value: "listed", Title: "listed kinds of site", Words: []string{"listed"}},
				{Value: "on", Title: "on", Words: []string{"inspected", "all sites"}},
			},
			Help:         "Off: of an encrypted site only its name is seen, not its pages, files and searches. Looking inside needs the school's certificate on the device and the head's impact assessment. Banks, health and the like stay closed to the filter.",
			Requirements: []string{"FIL-02", "FIL-08", "FIL-15", "FIL-26", "AV-02"},
			Advice:       "The Department for Education's filtering and monitoring standards leave it to the school whether encrypted traffic is looked into; the Information Commissioner's Office expects an impact assessment first.",
		},
		{
			Key: keyInspectOnly, Title: "Which kinds of site are looked into, where only listed ones are", Kind: setting.List, Options: categoryOptions(),
			Default: "search engines, image search, video sharing, ai-chatbots, translation, file sharing",
			Help:    "Holds where the filter looks only into listed kinds of site.", Requirements: []string{"FIL-15", "FIL-16"},
		},
		{
			Key: keyInspectNever, Title: "Which kinds of site are never looked into", Kind: setting.List, Options: categoryOptions(), Default: neverDefault,
			Help: "For nobody, whatever else is said. Help services and what devices need are never looked into in any case.", Requirements: []string{"MON-12"},
		},
		{
			Key: keyInspectHosts, Title: "Single sites that are never looked into", Kind: setting.Text,
			Help: "Names with commas between them, such as bank.example, each with everything below it. Apps that take no certificate but their maker's belong here, besides those that are known already.", Requirements: []string{"MON-12"},
		},
	}
}

func pagesAndFiles() []setting.Setting {
	return append([]setting.Setting{
		{
			Key: keyPages, Title: "The weight above which a page is closed for pupils and guests", Kind: setting.Number, Low: 0, High: verdict.MaxPhrases, Default: "60",
			Scopes:       []string{"group", "keystage"},
			Help:         "The words of a page are weighed wherever they are seen. Usual limits are 60 for young children, 100 for older ones and 160 for young adults; 0 weighs nothing.",
			Requirements: []string{"FIL-02", "FIL-03", "FIL-23", "FIL-26"},
		},
		{
			Key: keyStaffPages, Title: "The weight above which a page is closed for staff", Kind: setting.Number, Low: 0, High: verdict.MaxPhrases, Default: "160",
			Help: "As for pupils; 0 weighs nothing.", Requirements: []string{"FIL-02", "FIL-23"},
		},
		{
			Key: keyFiles, Title: "Kinds of file that pupils and guests may not download", Kind: setting.List, Options: fileOptions(), Default: filesDefault,
			Scopes:       []string{"group", "keystage"},
			Help:         "A file is known by its first bytes, its name and what is in it, also inside archives. One single file may be permitted on request.",
			Requirements: []string{"FIL-08", "FIL-09"},
		},
		{
			Key: keyStaffFiles, Title: "Kinds of file that staff may not download", Kind: setting.List, Options: fileOptions(), Default: staffFilesDefault,
			Help: "As for pupils. Staff may ask for a single file too.", Requirements: []string{"FIL-08", "FIL-09"},
		},
		{
			Key: keyApprover, Title: "Who permits a single file", Kind: setting.List, Options: approverOptions(), Default: "headteacher, filter-manager",
			Scopes: []string{"group"}, Help: "Whoever holds one of these posts, or any member of staff; never whoever asks.", Requirements: []string{"FIL-09"},
		},
		{
			Key: keyPermitMax, Title: "How long a single file may be permitted", Kind: setting.Duration, Default: "1 day", Min: 10 * time.Minute, Max: 7 * day,
			Help: "Then it is closed again by itself.", Requirements: []string{"FIL-09"},
		},
	}, scanning()...)
}

func scanning() []setting.Setting {
	return []setting.Setting{
		{
			Key: keyViruses, Title: "What is scanned for viruses, and what happens while the scanner is away", Kind: setting.Choice, Default: "closed", Scopes: []string{"group"},
			Options: []setting.Option{
				{Value: "closed", Title: "closed", Words: []string{"kept out", "stays out", "stay out"}},
				{Value: "open", Title: "open", Words: []string{"let through"}},
				{Value: "required", Title: "required", Words: []string{"always required"}},
				{Value: "off", Title: "off", Words: []string{"not scanned"}},
			},
			Help:         "Closed: once a scanner has been set up, a file that it cannot scan stays out. Open: it is let through, and that is written down. Required: nothing comes in unscanned, not even before a scanner has been set up. Off: nothing is scanned.",
			Requirements: []string{"AV-02", "AV-07"},
		},
		{
			Key: keyScanMax, Title: "The largest file that is looked into and scanned, in megabytes", Kind: setting.Number, Low: 1, High: 2000, Default: "25",
			Help: "Of a larger file only its kind is known: an archive or document counts as an unreadable one. A file is held back until all of it was looked at, so a browser waits as long. A scanner must take as much: 25 megabytes as Debian ships it.", Requirements: []string{"AV-02"},
		},
		{
			Key: keyTooLarge, Title: "A file that is too large to be scanned", Kind: setting.Choice, Default: "closed", Scopes: []string{"group"},
			Options: options("closed", "closed", "open", "open"),
			Help:    "Closed: it stays out. Films, music and pictures are not scanned and come in whatever their size.", Requirements: []string{"AV-02"},
		},
		{
			Key: keyChat, Title: "Whose conversations with AI services are looked through", Kind: setting.List, Options: groupChoices(), Default: "pupils, guests",
			Help: "What is written there and what is answered, for the words that may mean that a child needs somebody, and by weight. Only where the filter looks into the service.", Requirements: []string{"FIL-03", "MON-12"},
		},
	}
}
