package backup

// Page is the backup page, for its check against its struct.
var Page = page
