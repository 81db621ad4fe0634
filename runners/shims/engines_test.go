package shims_test

import (
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/runners/install"
	"github.com/assay-notebooks/assay/runners/shims"
)

// source returns the files that a shim is built from.
func source(t *testing.T, name string) map[string][]byte {
	t.Helper()
	files, err := shims.Source(name)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestOneEngine: two engines in one executable answer for each other.
func TestOneEngine(t *testing.T) {
	var (
		crates  = regexp.MustCompile(`(?m)^name = "((?:wasmtime|wasmer|wasmi|wasm3|wasm3-sys|wamr-sys|wasmedge-sys|wavm-sys|lucet-runtime|v8|wasm-c-api))"$`)
		library = regexp.MustCompile(`"[^"]*\.(?:so|dylib)[^"]*"`)
	)
	for name, want := range map[string]string{
		"wazero":   "github.com/tetratelabs/wazero",
		"wasmtime": `"_libwasmtime.so"`, // by purego
		"wasmer":   "wasmer",
		"wasm3":    "wasm3-sys",
		"wamr":     "wamr-sys",
	} {
		var got []string
		for file, data := range source(t, name) {
			switch path.Ext(file) {
			case ".lock":
				for _, m := range crates.FindAllSubmatch(data, -1) {
					got = append(got, string(m[1]))
				}
			case ".go":
				got = append(got, library.FindAllString(string(data), -1)...)
				got = append(got, imported(t, file, data)...)
			}
		}
		slices.Sort(got)
		if got := strings.Join(slices.Compact(got), " "); got != want {
			t.Errorf("the shim of %s has the engines %q, want %q", name, got, want)
		}
	}
}

// imported returns the modules that a file in Go imports of others, but for
// those that run nothing.
func imported(t *testing.T, file string, data []byte) (modules []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, data, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range parsed.Imports {
		pkg, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if pkg == "C" {
			t.Errorf("%s is linked with C", file)
		}
		elements := strings.Split(pkg, "/")
		if !strings.Contains(elements[0], ".") || strings.HasPrefix(pkg, "github.com/assay-notebooks/assay/") {
			continue
		}
		module := strings.Join(elements[:min(len(elements), 3)], "/")
		if module != "golang.org/x/sys" && module != "github.com/ebitengine/purego" {
			modules = append(modules, module)
		}
	}
	return modules
}

// TestV8Imports: Node's own WASI kills guests that grow their memory, at
// random, so it must not come in.
func TestV8Imports(t *testing.T) {
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^import .* from (.*);$|\b(?:import|require|getBuiltinModule)\((.*)`).FindAllSubmatch(shims.V8, -1) {
		got = append(got, string(m[1])+string(m[2]))
	}
	want := []string{
		`"node:fs"`, `"node:path"`, `"node:url"`, `"node:v8"`,
		`pathToFileURL(argv.shift() ?? "").href).catch(end);`, // @bjorn3/browser_wasi_shim
	}
	if !slices.Equal(got, want) {
		t.Errorf("v8.mjs imports\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestVersions: what a shim that cannot ask its engine calls it is what it is
// built with.
func TestVersions(t *testing.T) {
	for _, test := range []struct{ shim, pkg, said, wants string }{
		{"wasmer", "wasmer-shim", `version: "VERSION".to_string()`, `wasmer = { version = "=VERSION",`},
		{"wamr", "wamr", `let version = "VERSION".to_string()`, `wamr-sys = "=0.1.1"`}, // the sources of that month
	} {
		version := install.Embedded()[test.pkg].Version
		for file, want := range map[string]string{"/src/main.rs": test.said, "/Cargo.toml": test.wants} {
			want = strings.ReplaceAll(want, "VERSION", version)
			if !strings.Contains(string(source(t, test.shim)[test.shim+file]), want) {
				t.Errorf("package %s is of version %s, and %s%s has not %s", test.pkg, version, test.shim, file, want)
			}
		}
	}
}
