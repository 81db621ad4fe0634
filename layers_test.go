package assay_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/assay-notebooks/assay"

// layers lists what each package may import from this module, lowest first;
// "x/..." stands for x and all below it. A package not listed may import
// nothing from it. Change it in the commit that needs the change, and say why.
var layers = map[string][]string{
	"":                             {},
	"internal/canonical":           {""},
	"internal/nodewasi":            {},
	"internal/scratch":             {},
	"internal/strictyaml":          {},
	"internal/durable":             {},
	"internal/failure":             {},
	"internal/gotool":              {},
	"internal/mutex":               {},
	"internal/settings":            {"", "artifacts/minio", "internal/durable", "internal/failure", "internal/mutex", "internal/plainfile", "internal/strictyaml"},
	"internal/passing":             {},
	"internal/plainfile":           {"internal/failure"},
	"internal/stall":               {},
	"internal/underway":            {},
	"internal/tooltest":            {"internal/gotool"},
	"tools/build":                  {"internal/gotool"},
	"kernelext/table":              {},
	"kernelext/stats":              {},
	"kernelext/figure":             {"kernelext/table", "kernelext/stats"},
	"kernelext/wire":               {""},
	"kernelext":                    {"", "kernelext/..."},
	"artifacts":                    {"", "internal/underway"},
	"artifacts/disk":               {"", "artifacts"},
	"artifacts/minio":              {"", "artifacts", "internal/passing", "internal/plainfile", "internal/stall"},
	"artifacts/minio/miniotest":    {"artifacts/minio", "internal/tooltest"},
	"artifacts/oci/registry":       {"", "artifacts", "artifacts/oci", "internal/passing", "internal/stall", "internal/underway"},
	"artifacts/artifactstest":      {"", "artifacts"},
	"artifacts/journal":            {""},
	"artifacts/trace":              {""},
	"artifacts/importers":          {"", "artifacts/trace", "internal/strictyaml"},
	"artifacts/oci":                {"", "artifacts", "internal/canonical"},
	"images":                       {"", "internal/failure", "internal/plainfile", "internal/strictyaml"},
	"images/...":                   {},
	"runners":                      {""},
	"runners/...":                  {"", "runners/..."},
	"runners/install":              {"internal/stall", "internal/strictyaml"},
	"runners/runtimes/runtimetest": {"internal/tooltest"},
	"internal/agent":               {"", "runners/...", "artifacts/journal"},
	"internal/seal/...":            {"", "kernelext", "internal/canonical", "internal/nodewasi", "internal/seal/..."},
	"internal/lint":                {"", "artifacts/trace", "kernelext/stats"},
	"internal/claims":              {"", "artifacts/trace", "internal/canonical", "internal/strictyaml", "kernelext/stats"},
	"internal/stores":              {"", "artifacts", "artifacts/minio", "artifacts/oci", "internal/durable", "internal/failure", "internal/mutex", "internal/settings"},
	"internal/lab":                 {"", "artifacts/...", "runners/...", "images", "internal/...", "kernelext/..."},
	"internal/lab/advertised":      {"kernelext/figure"},
	"internal/lab/labtest":         {"", "artifacts", "artifacts/disk", "artifacts/oci", "internal/canonical"},
	"internal/registry":            {"internal/failure", "internal/plainfile", "internal/registry/options"},
	"internal/registry/options":    {},
	"internal/graph":               {""},
	"internal/summary":             {"", "kernelext/stats", "runners", "runners/runtimes"},
	"internal/plans":               {"", "internal/canonical", "kernelext/stats", "runners"},
	"internal/hosts":               {"", "images", "internal/canonical", "internal/durable", "internal/failure", "internal/mutex", "internal/nodewasi", "internal/plainfile", "internal/settings", "runners/..."},
	"internal/pins":                {"", "artifacts/oci/registry", "internal/durable", "internal/failure", "internal/mutex", "internal/plainfile", "internal/settings"},
	"internal/display":             {"", "internal/lab", "internal/summary", "kernelext/wire"},
	"internal/cells":               {"", "internal/display", "internal/lab", "internal/summary", "kernelext/wire"},
	"internal/jupyter/...":         {"internal/jupyter/..."},
	"internal/kernel":              {"", "internal/cells", "internal/jupyter/...", "internal/lab", "internal/seal/source", "runners", "runners/toolbox", "internal/scratch"},
	"internal/notebook":            {"", "internal/failure", "internal/display", "internal/jupyter/...", "internal/kernel", "internal/lab", "internal/pins", "kernelext/wire", "internal/scratch"},
	"internal/jupyterlab":          {"", "internal/failure", "internal/kernel", "internal/lab", "internal/scratch"},
	"notebooks/...":                {"kernelext/..."},
	"cmd/assay-registry":           {"internal/registry"},
	"cmd/assay-agent":              {"", "artifacts/journal", "internal/agent", "runners", "runners/bundle", "runners/measure"},
	"tools/bench/figures":          {"kernelext/figure"},
	"tools/bench":                  {"", "artifacts/...", "internal/gotool", "internal/lab", "internal/lab/labtest", "kernelext/...", "tools/bench/figures"},
	"cmd/assay":                    {"", "internal/cells", "internal/failure", "internal/graph", "internal/hosts", "internal/registry/options", "internal/jupyterlab", "internal/kernel", "internal/lab", "internal/notebook", "internal/pins", "internal/settings", "internal/stores", "internal/summary", "runners"},
}

func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		pkg = rel(pkg)
		var allowed []string
		for pattern, may := range layers {
			if matches(pattern, pkg) {
				allowed = append(allowed, may...)
			}
		}
		for _, imp := range strings.Fields(imports) {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				continue
			}
			if !slices.ContainsFunc(allowed, func(p string) bool { return matches(p, rel(imp)) }) {
				t.Errorf("%q may not import %q: see layers in layers_test.go", pkg, rel(imp))
			}
		}
	}
}

// TestStandardLibraryOnly holds the packages that every cell and every agent
// links to the standard library.
func TestStandardLibraryOnly(t *testing.T) {
	for _, pkg := range []string{"", "kernelext", "kernelext/wire", "kernelext/table", "kernelext/stats"} {
		out, err := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{end}}`, "./"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if dep != module && !strings.HasPrefix(dep, module+"/") {
				t.Errorf("%q imports %s: want the standard library only", pkg, dep)
			}
		}
	}
}

// TestRegistryApart holds olareg out of assay: it computes a bcrypt hash
// whenever a program that links it starts.
func TestRegistryApart(t *testing.T) {
	for pkg, want := range map[string]bool{"cmd/assay": false, "cmd/assay-registry": true} {
		out, err := exec.Command("go", "list", "-deps", "./"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(strings.Fields(string(out)), "github.com/olareg/olareg/config"); got != want {
			t.Errorf("%q links olareg: %t, want %t", pkg, got, want)
		}
	}
}

func rel(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func matches(pattern, pkg string) bool {
	prefix, deep := strings.CutSuffix(pattern, "/...")
	return pkg == pattern || deep && (pkg == prefix || strings.HasPrefix(pkg, prefix+"/"))
}
