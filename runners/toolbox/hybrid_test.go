package toolbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

func TestHybrid(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"both": "hugetlb\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"both": true, "empty": false, "none": false} {
		if got := hybrid(filepath.Join(dir, name)); got != want {
			t.Errorf("hybrid of a list that is %s = %v, want %v", name, got, want)
		}
	}
}

func TestApart(t *testing.T) {
	loader := []string{"/lib/ld.so", "--library-path", "/lib"}
	for _, given := range [][]string{loader, slices.Concat(unifier, loader)} {
		if got := Apart(assay.RuntimeVersion{Loader: given}).Loader; !slices.Equal(got, loader) {
			t.Errorf("Apart of %q has %q, want %q", given, got, loader)
		}
	}
	if got := Apart(assay.RuntimeVersion{Loader: unifier[:2]}).Loader; len(got) != 2 {
		t.Errorf("Apart of what begins like the unifier has %q", got)
	}
}

// TestUnifier shows a program the second version alone, on a host of both.
func TestUnifier(t *testing.T) {
	tool := runners.Tool{Unified: true}
	if !hybrid(controllers) {
		if got := OnThisHost(tool, assay.RuntimeVersion{}).Loader; len(got) > 0 {
			t.Errorf("on a host of one version it is started by %q", got)
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("a mount needs root")
	}
	argv := append(OnThisHost(tool, assay.RuntimeVersion{}).Loader, "/usr/bin/stat", "--file-system", "--format=%T", "/sys/fs/cgroup")
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "cgroup2fs" {
		t.Errorf("%q says %q, %v; want cgroup2fs", argv, got, err)
	}
}
