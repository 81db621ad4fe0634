package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files beside this program are those that it writes, and each says in its
// path what it is.
func TestFiles(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what it was; run go run ./notebooks/published/synthetic", name)
		}
		if !strings.Contains(name, "SYNTHETIC") {
			t.Errorf("%s does not say that it is synthetic", name)
		}
	}
}
