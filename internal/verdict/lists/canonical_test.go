package lists

import (
	"errors"
	"strings"
	"testing"

	"belisha/internal/verdict/canon"
)

func TestCanonical(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := []struct {
		in, want string
		err      error
	}{
		{"example.com", "example.com", nil},
		{"EXAMPLE.Com.", "example.com", nil},
		{"my_host.example", "my_host.example", nil},
		{"-a.example", "-a.example", nil},
		{"straße.example", "xn--strae-oqa.example", nil},
		{"BÜCHER.example", "xn--bcher-kva.example", nil},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example", nil},
		{"example。com", "example.com", nil},
		{"example.com。", "example.com", nil},
		{"ｅｘａｍｐｌｅ.com", "example.com", nil},
		{"exam\u00adple.com", "example.com", nil},
		{long + "." + long + "." + long + "." + long[:61], long + "." + long + "." + long + "." + long[:61], nil},
		{long + "." + long + "." + long + "." + long[:62], "", errNameTooLong},
		{long + "a.example", "", errLabelTooLong},
		{strings.Repeat("ü", 600), "", errNameTooLong},
		{"", "", errEmptyName},
		{".", "", errEmptyName},
		{"a..b", "", errEmptyLabel},
		{".a", "", errEmptyLabel},
		{"a b.com", "", errBadCharacter},
		{"a/b", "", errBadCharacter},
		{"192.0.2.1", "", errNumberName},
		{"a.0x7f", "", errNumberName},
		{"xn--a.example", "xn--a.example", nil}, // no letters, and devices ask for it all the same
		{"www.XN--tuorkeku-677a.com", "www.xn--tuorkeku-677a.com", nil},
		{"\xff.example", "", errBadCharacter},
	}
	for _, tt := range tests {
		got, err := Canonical(tt.in)
		if door, _, doorErr := canon.Host(tt.in); err == nil && (doorErr != nil || door != got) {
			t.Errorf("%q is %q here and %q (%v) at the doors", tt.in, got, door, doorErr)
		}
		if door, kind, doorErr := canon.Host(tt.in); doorErr == nil && kind == canon.Name && got != door {
			t.Errorf("%q is %q at the doors, and no list can hold it: %v", tt.in, door, err)
		}
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Canonical(%q) = %q, %v; want %q, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestOneEntryByHand(t *testing.T) {
	tests := []struct {
		in   string
		kind Kind
		text string
	}{
		{"Example.com", Name, "example.com"},
		{"*.example.com", Name, "example.com"},
		{"=example.com", Exact, "example.com"},
		{"=*.example.com", 0, ""},
		{"10.0.0.0/8", Address, "10.0.0.0/8"},
		{"::ffff:192.0.2.1", Address, "192.0.2.1"},
		{"https://user@www2.example.com:8443/A/", URL, "example.com/a"},
		{"http://[2001:db8::1]/x", URL, "[2001:db8::1]/x"},
		{"http://192.0.2.7/", Address, "192.0.2.7"},
		{"192.0.2.7/?q=1", URL, "192.0.2.7/?q=1"},
		{"example.com:x/y", 0, ""},
		{"uk", 0, ""},
		{"uk/path", 0, ""},
		{"a.example/" + strings.Repeat("x", 1023), URL, "a.example/" + strings.Repeat("x", 1023)},
		{"a.example/" + strings.Repeat("x", 1024), 0, ""},
	}
	for _, tt := range tests {
		kind, text, err := One(tt.in)
		if kind != tt.kind && err == nil || text != tt.text && err == nil || (err == nil) != (tt.kind != 0) {
			t.Errorf("One(%q) = %v %q %v; want %v %q", tt.in, kind, text, err, tt.kind, tt.text)
		}
	}
}
