package verdict

// Doors is what the school decided about the ways in themselves.
type Doors struct {
	// StrictHost: a request that names one site in its address and another in
	// its Host header is refused. Otherwise the address counts, and it is noted.
	StrictHost bool `json:"strictHost,omitempty"`
	// NameTunnelsOpen: data that is carried in names is counted and not closed.
	NameTunnelsOpen bool `json:"nameTunnelsOpen,omitempty"`
}

// Doors is what the rules say of the ways in, and the ports that CONNECT may
// name, none where they leave that to the doors.
func (s *Snapshot) Doors() (d Doors, ports []uint16) { return s.doors, s.ports }
