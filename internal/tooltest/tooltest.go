// Package tooltest says what a test does without a program that it needs. It
// looks for none and installs none.
package tooltest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Missing skips the test for want of the named program, with the reason; it
// fails it if ASSAY_REQUIRE, names with commas between, has the name.
func Missing(t testing.TB, name string, reason error) {
	t.Helper()
	if Required(name) {
		t.Fatalf("ASSAY_REQUIRE names %s: %v", name, reason)
	}
	t.Skipf("%s: %v", name, reason)
}

// Required reports whether ASSAY_REQUIRE has the name: for a test that can do
// something without the program.
func Required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("ASSAY_REQUIRE"), ","), name)
}
