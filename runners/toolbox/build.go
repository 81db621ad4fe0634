package toolbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/grouped"
	"github.com/assay-notebooks/assay/runners/install"
)

// Build returns the path of the program that t.Build makes. The error says how
// to get it if it cannot be made, or is the cause of the end of ctx.
func Build(ctx context.Context, t runners.Tool, cache string) (string, error) {
	r, err := build(ctx, t, cache)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if missing, ok := errors.AsType[absence](err); ok {
		err = fmt.Errorf("%w: %s", missing, missing.remedy)
	}
	return r.bin, err
}

// Built returns the path of the program if Build has nothing to make.
func Built(ctx context.Context, t runners.Tool, cache string) (path string, ok bool) {
	r, err := recipeOf(ctx, t, cache)
	if err != nil || !intact(r.bin) {
		return "", false
	}
	return r.bin, true
}

// A recipe is how a program is made on this host, and where it goes.
type recipe struct {
	goCmd   string
	version string   // of Go: "go1.26.0"
	args    []string // of goCmd
	bin     string   // the program, alone in its directory but for its digest
}

// recipeOf returns how t.Build makes a program below cache: one for each source,
// Go version and platform.
func recipeOf(ctx context.Context, t runners.Tool, cache string) (recipe, error) {
	goCmd, err := exec.LookPath("go")
	if err != nil {
		return recipe{}, absence{"go not found, which builds " + t.Bin, t.Remedy}
	}
	if cache, err = filepath.Abs(cache); err != nil {
		return recipe{}, err
	}
	version, err := goOutput(ctx, goCmd, os.TempDir(), append(os.Environ(), install.GoSettled...), "env", "GOVERSION")
	if err != nil {
		return recipe{}, absence{fmt.Sprintf("go env: %v", err), t.Remedy}
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", t.Bin, t.Build.Package}
	key := assay.DigestOf(fmt.Appendf(nil, "%s\n%s\n%s\n%q\n%s/%s\n", t.Build.Mod, t.Build.Sum, version, args, runtime.GOOS, runtime.GOARCH))
	for _, name := range slices.Sorted(maps.Keys(t.Build.Files)) {
		key = assay.DigestOf(fmt.Appendf(nil, "%v\n%q\n%s", key, name, t.Build.Files[name]))
	}
	dir := filepath.Join(cache, "tools", fmt.Sprintf("%s-%s-%s", path.Base(t.Build.Package), t.Build.Version, key.Short()))
	return recipe{goCmd, version, args, filepath.Join(dir, t.Bin)}, nil
}

// build returns how the program of t.Build was made, making it if the cache
// has none, or one that is damaged: its digest is kept beside it. Any
// number of processes may call at once, for all of them make the same bytes.
func build(ctx context.Context, t runners.Tool, cache string) (recipe, error) {
	r, err := recipeOf(ctx, t, cache)
	if err != nil {
		return recipe{}, err
	}
	if intact(r.bin) {
		return r, nil
	}
	dir := filepath.Dir(r.bin)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return recipe{}, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".build-")
	if err != nil {
		return recipe{}, err
	}
	defer os.RemoveAll(tmp)
	files := map[string][]byte{"go.mod": t.Build.Mod, "go.sum": t.Build.Sum}
	maps.Copy(files, t.Build.Files)
	if err := install.WriteFiles(tmp, files); err != nil {
		return recipe{}, err
	}
	env, err := install.GoEnv(ctx, r.goCmd, filepath.Dir(filepath.Dir(dir))) // the cache
	if err != nil {
		return recipe{}, err
	}
	if _, err := goOutput(ctx, r.goCmd, tmp, env, r.args...); err != nil {
		return recipe{}, absence{fmt.Sprintf("building %s@%s: %v", t.Build.Package, t.Build.Version, err),
			"check the network and GOPROXY, " + t.Remedy}
	}
	digest, err := filedigest.Of(filepath.Join(tmp, t.Bin))
	if err != nil {
		return recipe{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return recipe{}, err
	}
	if err := os.Rename(filepath.Join(tmp, t.Bin), r.bin); err != nil {
		return recipe{}, err
	}
	return r, renameio.WriteFile(r.bin+digestSuffix, []byte(digest.String()), 0o644)
}

// digestSuffix is what follows a program's name in the name of the file that
// has its digest.
const digestSuffix = ".digest"

// intact reports whether a program is as it was built.
func intact(bin string) bool {
	want, err := os.ReadFile(bin + digestSuffix)
	if err != nil {
		return false
	}
	got, err := filedigest.Of(bin)
	return err == nil && got.String() == string(want)
}

// goOutput runs the go command in dir, in an environment as of install.GoEnv.
func goOutput(ctx context.Context, goCmd, dir string, env []string, args ...string) (string, error) {
	cmd := grouped.Command(ctx, 2*time.Second, goCmd, args...) // with its compilers
	cmd.Dir, cmd.Env = dir, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, firstLine(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
