package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/seal/source"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// Prepare puts all that a kernel needs into the cache: GoNB, goimports and,
// with editor, gopls; the source that cells import, the modules that needs,
// and both compiled. The first time takes a minute or two and the network;
// after that it is quick and needs none. Without gopls a kernel does all but
// complete and explain, so that it cannot be built is said and no error. say
// gets a line for each step that takes time. Any number of processes may call
// it at once.
func Prepare(ctx context.Context, o Options, editor bool, say func(string)) error {
	t, err := findToolchain(ctx, o)
	if err != nil {
		return err
	}
	if _, err := prepare(ctx, t, o, say); err != nil || !editor {
		return err
	}
	prepareEditor(ctx, o, say)
	return context.Cause(ctx)
}

// A kit is what Prepare prepared: paths in the cache.
type kit struct {
	gonb, goimports string
	gopls           string // "" without an editor
	source          string // the module that cells import
}

// prepare prepares all but the editor.
func prepare(ctx context.Context, t toolchain, o Options, say func(string)) (kit, error) {
	var k kit
	release, err := alone(ctx, filepath.Join(o.Cache, "kernel.lock"), say)
	if err != nil {
		return k, err
	}
	defer release()
	if k.gonb, err = build(ctx, gonb, o, say); err != nil {
		return k, err
	}
	if k.goimports, err = build(ctx, goimports, o, say); err != nil {
		return k, err
	}
	if k.source, err = source.Dir(o.Cache); err != nil {
		return k, err
	}
	return k, compile(ctx, t, o, k.source, say)
}

// prepareEditor builds gopls, or says why not, unless ctx has ended.
func prepareEditor(ctx context.Context, o Options, say func(string)) {
	release, err := alone(ctx, filepath.Join(o.Cache, "gopls.lock"), say)
	if err == nil {
		defer release()
		_, err = build(ctx, gopls, o, say)
	}
	if err != nil && ctx.Err() == nil {
		say(fmt.Sprintf("cells are not completed and explained: %v", err))
	}
}

func build(ctx context.Context, tool runners.Tool, o Options, say func(string)) (string, error) {
	stop := sayLate(say, fmt.Sprintf("building %s %s", tool.Bin, tool.Build.Version))
	defer stop()
	return toolbox.Build(ctx, tool, o.Cache)
}

// imported are the packages of the standard library that cells import, with
// those that they import in turn.
var imported = []string{
	"bufio", "bytes", "context", "encoding/csv", "encoding/json", "errors", "flag", "fmt", "io", "log", "maps", "math", "math/cmplx",
	"math/rand", "math/rand/v2", "net/http", "os", "os/exec", "os/signal", "path/filepath", "regexp", "runtime", "slices", "sort",
	"strconv", "strings", "sync", "sync/atomic", "text/tabwriter", "text/template", "time", "unicode/utf8",
}

// compile downloads the modules of the source in dir and compiles it, for
// cells and as figures are sealed, unless a file in the cache says that this
// was done with this Go and that the modules are still there.
func compile(ctx context.Context, t toolchain, o Options, dir string, say func(string)) error {
	key := assay.DigestOf(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s", filepath.Base(dir), t.version, t.cache, t.modules, imported))
	stamp := filepath.Join(o.Cache, "kernel", key.Short()+".json")
	if compiled(stamp) {
		return nil
	}
	say("downloading the modules that cells import")
	out, err := t.run(ctx, dir, []string{"GOPROXY=" + t.proxy, "GOFLAGS="}, "mod", "download", "-json")
	if err != nil {
		return fmt.Errorf("modules that cells import: %w: check the network and GOPROXY, %s", err, remedy)
	}
	var dirs []string
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var module struct{ Dir string }
		if err := dec.Decode(&module); err != nil {
			return fmt.Errorf("modules that cells import: go mod download: %w", err)
		}
		dirs = append(dirs, module.Dir)
	}
	say("compiling the packages that cells import")
	if _, err := t.run(ctx, dir, nil, append([]string{"build", "./kernelext/..."}, imported...)...); err != nil {
		return fmt.Errorf("packages that cells import: %w", err)
	}
	say("compiling the packages that figures are sealed with")
	if _, err := t.run(ctx, dir, []string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS="}, "build", "-trimpath", "-buildvcs=false", "./kernelext/figure/..."); err != nil {
		return fmt.Errorf("packages that figures are sealed with: %w", err)
	}
	b, err := json.Marshal(dirs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(stamp, b, 0o644)
}

// compiled reports whether stamp is there, and each directory that it lists.
func compiled(stamp string) bool {
	var dirs []string
	b, err := os.ReadFile(stamp)
	if err != nil || json.Unmarshal(b, &dirs) != nil {
		return false
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			return false
		}
	}
	return true
}

// sayLate says line unless stop is called at once: a step that has nothing to
// do is no news. stop waits for it.
func sayLate(say func(string), line string) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ended:
		case <-time.After(300 * time.Millisecond):
			say(line)
		}
	}()
	return func() { close(ended); <-done }
}

// alone keeps other processes out until release is called: two that build at
// once take longer than one after another. It waits until ctx ends.
func alone(ctx context.Context, path string, say func(string)) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for waited := 0; ; waited++ {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if waited == 20 {
			say("waiting for another process that prepares the kernel")
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
