package register

// The kernel's pages, for their check against their structs.
var (
	ListPage = listPage
	FormPage = formPage
	ShowPage = showPage
	VoidPage = voidPage
)
