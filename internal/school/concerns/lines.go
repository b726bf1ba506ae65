package concerns

// LineList is the kind of a journal line about a look at a list of cases.
const LineList = "concern-list"
