package approval

// The pages, for their check against their structs.
var (
	ListPage = listPage
	ShowPage = showPage
)
