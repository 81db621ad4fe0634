package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/seal/archive"
)

var update = flag.Bool("update", false, "write go.mod.txt and go.sum.txt; may need the network")

const checkout = "../../.."

// platforms are where the packages must build: for cells and for seals.
var platforms = []string{"wasip1/wasm", "linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// goCommand runs go in dir for platform and returns stdout.
func goCommand(t *testing.T, dir, platform string, args ...string) []byte {
	t.Helper()
	goos, goarch, _ := strings.Cut(platform, "/")
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s for %s: %v\n%s", strings.Join(args, " "), platform, err, &stderr)
	}
	return out
}

type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	EmbedFiles []string
	Module     *struct {
		Path, Version, GoVersion string
		Main                     bool
	}
}

// list returns the packages of the checkout that the source is made of, and
// all they depend on.
func list(t *testing.T, platform string) (packages []listed) {
	out := json.NewDecoder(bytes.NewReader(goCommand(t, checkout, platform, "list", "-deps", "-json", "./kernelext/...")))
	for {
		var p listed
		if err := out.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// TestRequirements compares the embedded go.mod and go.sum with what the
// packages need at the versions of the main go.mod.
func TestRequirements(t *testing.T) {
	requires := map[string]string{}
	var goVersion string
	for _, platform := range platforms {
		for _, p := range list(t, platform) {
			if p.Module != nil && p.Module.Main {
				goVersion = p.Module.GoVersion
			} else if p.Module != nil {
				requires[p.Module.Path] = p.Module.Version
			}
		}
	}
	var mod strings.Builder
	fmt.Fprintf(&mod, "module github.com/assay-notebooks/assay\n\ngo %s\n\nrequire (\n", goVersion)
	for _, path := range slices.Sorted(maps.Keys(requires)) {
		fmt.Fprintf(&mod, "\t%s %s\n", path, requires[path])
	}
	mod.WriteString(")\n")
	sum := sums(t, mod.String(), requires)
	if *update {
		for name, text := range map[string]string{"go.mod.txt": mod.String(), "go.sum.txt": sum} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	const remedy = "; run go test -update in this directory"
	if got := string(goMod); got != mod.String() {
		t.Errorf("embedded go.mod:\n%s\nwant:\n%s%s", got, &mod, remedy)
	}
	if got := string(goSum); got != sum {
		t.Errorf("embedded go.sum:\n%s\nwant:\n%s%s", got, sum, remedy)
	}
}

// sums returns the lines of the main go.sum that a build with mod reads: the
// required modules, and every go.mod of their graph.
func sums(t *testing.T, mod string, requires map[string]string) string {
	all, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"go.mod": []byte(mod), "go.sum": all} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	used := map[string]bool{}
	for path, version := range requires {
		used[path+" "+version] = true
	}
	for _, module := range strings.Fields(string(goCommand(t, dir, "wasip1/wasm", "mod", "graph"))) {
		path, version, _ := strings.Cut(module, "@")
		used[path+" "+version+"/go.mod"] = true
	}
	var kept strings.Builder
	for line := range strings.Lines(string(all)) {
		if key := line[:strings.LastIndex(line, " ")]; used[key] {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// TestComplete checks that every file a build takes is embedded.
func TestComplete(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name] = true
		if strings.HasSuffix(f.Name, "_test.go") {
			t.Errorf("the source holds %s", f.Name)
		}
	}
	root, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms {
		for _, p := range list(t, platform) {
			if p.Module == nil || !p.Module.Main {
				continue
			}
			for _, name := range slices.Concat(p.GoFiles, p.EmbedFiles) {
				rel, err := filepath.Rel(root, filepath.Join(p.Dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if !names[rel] && !strings.HasSuffix(rel, "_test.go") {
					t.Errorf("%s, which %s needs on %s, is not embedded", rel, p.ImportPath, platform)
				}
			}
		}
	}
}

// TestDir lays the source out and builds it, away from the checkout.
func TestDir(t *testing.T) {
	cache := t.TempDir()
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", cache).Run() })
	dir, err := Dir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Dir(cache); err != nil || again != dir {
		t.Errorf("Dir again = %q, %v, want %q", again, err, dir)
	}
	for _, platform := range platforms[:2] {
		goCommand(t, dir, platform, "build", "-trimpath", "-mod=readonly", "./...")
	}

	if err := os.Chmod(filepath.Join(dir, "go.mod"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module evil\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(cache); err == nil || !strings.Contains(err.Error(), "go.mod was changed") {
		t.Errorf("Dir of an edited layout: %v, want an error that names go.mod", err)
	}
}

func TestDirOfMalformed(t *testing.T) {
	if _, err := DirOf(t.TempDir(), []byte("no archive at all, but long enough to be a header")); !errors.Is(err, archive.ErrMalformed) {
		t.Errorf("DirOf(garbage): %v, want %v", err, archive.ErrMalformed)
	}
}
