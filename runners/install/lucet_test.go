package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplace replaces sources as cargo vendors them.
func TestReplace(t *testing.T) {
	vendored := t.TempDir()
	for _, crate := range []string{"raw-cpuid-6.1.0", "raw-cpuid-7.0.3", "wabt-0.9.2", "wabt-sys-0.7.0"} {
		dir := filepath.Join(vendored, crate)
		if err := os.MkdirAll(filepath.Join(dir, "src"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".cargo-checksum.json"), []byte(`{"files":{"src/lib.rs":"00"},"package":"11"}`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := replace(vendored); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"raw-cpuid-6.1.0/src/lib.rs":           string(cpuid),
		"raw-cpuid-7.0.3/src/lib.rs":           string(cpuid),
		"wabt-0.9.2/src/lib.rs":                string(wabt),
		"wabt-sys-0.7.0/src/lib.rs":            "",
		"wabt-sys-0.7.0/build.rs":              "fn main() {}\n",
		"wabt-sys-0.7.0/.cargo-checksum.json":  `{"files":{},"package":"11"}`,
		"raw-cpuid-6.1.0/.cargo-checksum.json": `{"files":{},"package":"11"}`,
	} {
		if got, err := os.ReadFile(filepath.Join(vendored, file)); err != nil || string(got) != want {
			t.Errorf("%s is %q, want %q (%v)", file, got, want, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(vendored, "wabt-0.9.2")); err != nil {
		t.Fatal(err)
	}
	if err := replace(vendored); err == nil || err.Error() != "wabt is no part of it" {
		t.Errorf("without wabt: error %v", err)
	}
}

// TestBindings gives wasi_snapshot_preview1 the functions of wasi_unstable.
func TestBindings(t *testing.T) {
	source, out := t.TempDir(), t.TempDir()
	if err := bindings(source, out); err != nil {
		t.Errorf("a crate without bindings: %v", err)
	}
	file := filepath.Join(source, "bindings.json")
	if err := os.WriteFile(file, []byte(`{"wasi_unstable":{"fd_write":"__wasi_fd_write"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := bindings(source, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(out, "bindings.json"))
	if err != nil || strings.Count(string(got), `"fd_write": "__wasi_fd_write"`) != 2 || !strings.Contains(string(got), `"wasi_snapshot_preview1"`) {
		t.Errorf("bindings are %s (%v)", got, err)
	}
	if err := os.WriteFile(file, []byte(`[`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := bindings(source, out); err == nil {
		t.Error("bindings that are no JSON: no error")
	}
}
