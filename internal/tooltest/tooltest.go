// Package tooltest gives tests the programs and data that they need, and says
// what a test does without one.
package tooltest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/gotool"
)

// Built returns the program that tools/NAME pins, built once into the cache.
// Where it cannot be built, the test is as with Missing.
func Built(t testing.TB, name string) string {
	t.Helper()
	path, err := gotool.Build(t.Context(), name)
	if err != nil {
		Missing(t, name, err)
	}
	return path
}

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

// Shared returns the file or directory of that name in ../shared, beside the
// checkout: data that tests may read and the project must not contain. Where
// it is absent, the test is as with Missing("shared").
func Shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd() // of the package under test
	if err != nil {
		t.Fatal(err)
	}
	for !isFile(filepath.Join(dir, "go.mod")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("the test does not run in a checkout")
		}
		dir = parent
	}
	path := filepath.Join(filepath.Dir(dir), "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		Missing(t, "shared", err)
	}
	return path
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
