package devices

// ReachForTest is how another filter is tried.
var ReachForTest = reach
