package images_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// suite lists the workloads that come with assay.
func suite(t *testing.T) []string {
	t.Helper()
	specs, err := filepath.Glob(filepath.Join("workloads", "*", images.SpecFile))
	if err != nil || len(specs) < 29 {
		t.Fatalf("%d workloads, %v", len(specs), err)
	}
	var names []string
	for _, s := range specs {
		names = append(names, filepath.Base(filepath.Dir(s)))
	}
	return names
}

// zig returns the compiler for C, which is installed if it is not there.
func zig(t testing.TB) images.Zig {
	t.Helper()
	z, err := hosts.Zig(t.Context(), cache(t))
	if err != nil {
		tooltest.Missing(t, "zig", err)
	}
	return z
}

// cache returns assay's cache directory.
func cache(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("ASSAY_CACHE"); dir != "" {
		return dir
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(user, "assay")
}

// rust returns the toolchain for Rust, as pinning a workload installs it. It
// takes minutes to get and to build with, so only ASSAY_SLOW=1 asks for it.
func rust(t testing.TB) images.Rustup {
	t.Helper()
	if os.Getenv("ASSAY_SLOW") == "" && !tooltest.Required("rust") {
		t.Skip("rust: takes minutes; ASSAY_SLOW=1 runs it")
	}
	r, err := hosts.Rust(t.Context(), cache(t))
	if err != nil {
		tooltest.Missing(t, "rust", err)
	}
	return r
}

// TestSuite runs every workload in every form, and compares with what its
// workload.yaml expects.
func TestSuite(t *testing.T) {
	o := images.Options{Zig: zig(t)}
	for _, name := range suite(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("workloads", name)
			language, err := images.LanguageOf(dir)
			if err != nil {
				t.Fatal(err)
			}
			o := o
			if language == images.Rust {
				o.Rust = rust(t)
			}
			b := build(t, dir, o)
			if b.Name != name || b.Expect.Stdout.IsZero() {
				t.Errorf("name %q, expectation %+v", b.Name, b.Expect)
			}
			right := func(form string, stdout []byte, exit int) {
				t.Helper()
				if assay.DigestOf(stdout) != b.Expect.Stdout || exit != b.Expect.Exit {
					t.Errorf("%s: stdout %q, exit %d, not what is expected", form, stdout, exit)
				}
			}
			if native, ok := b.Native[runtime.GOOS+"/"+runtime.GOARCH]; ok {
				stdout, exit := runNative(t, b, native)
				right("native", stdout, exit)
			}
			stdout, exit := runWasm(t, b, b.Module, wazero.NewRuntimeConfig())
			right("wazero", stdout, exit)
			first := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV1)
			for v, module := range b.Variants {
				config := wazero.NewRuntimeConfig()
				if v == assay.MVP || v == assay.ReactorMVP {
					config = first
				}
				if v == assay.MVP {
					stdout, exit = runWasm(t, b, module, config)
				} else {
					stdout, exit = callReactor(t, module, config), 0
				}
				right(string(v), stdout, exit)
			}
			if language == images.C && b.Variants[assay.MVP] == nil {
				t.Error("no variant mvp")
			}
		})
	}
}

func runNative(t *testing.T, b *images.Built, executable []byte) (stdout []byte, exit int) {
	t.Helper()
	cmd := executableIn(t, executable, b.Args...)
	cmd.Env, cmd.Stdin = b.Env, bytes.NewReader(b.Stdin)
	stdout, err := cmd.Output()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return stdout, cmd.ProcessState.ExitCode()
}

// runAsked runs a native workload that is asked for calls.
func runAsked(t *testing.T, executable []byte, calls string) (stdout, stderr string, exit int) {
	t.Helper()
	var out, said bytes.Buffer
	cmd := executableIn(t, executable)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{assay.CallsVariable + "=" + calls}, &out, &said
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// executableIn makes a command of an executable, in a directory of its own.
func executableIn(t *testing.T, executable []byte, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "workload")
	if err := os.WriteFile(path, executable, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = filepath.Dir(path)
	return cmd
}

// instantiate runs a command, or makes an instance of a reactor. What it prints
// goes to stdout.
func instantiate(t *testing.T, r wazero.Runtime, b *images.Built, module []byte, stdout *bytes.Buffer) (api.Module, error) {
	t.Helper()
	wasi_snapshot_preview1.MustInstantiate(t.Context(), r)
	c := wazero.NewModuleConfig().WithStdout(stdout).WithStdin(bytes.NewReader(b.Stdin)).
		WithArgs(append([]string{b.Name}, b.Args...)...).WithStartFunctions("_initialize", "_start").
		WithFSConfig(wazero.NewFSConfig().WithDirMount(t.TempDir(), "."))
	for _, kv := range b.Env {
		k, v, _ := strings.Cut(kv, "=")
		c = c.WithEnv(k, v)
	}
	return r.InstantiateWithConfig(t.Context(), module, c)
}

func runWasm(t *testing.T, b *images.Built, module []byte, config wazero.RuntimeConfig) (stdout []byte, exit int) {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), config)
	defer r.Close(context.WithoutCancel(t.Context()))
	var out bytes.Buffer
	_, err := instantiate(t, r, b, module, &out)
	var status *sys.ExitError
	switch {
	case errors.As(err, &status):
		return out.Bytes(), int(status.ExitCode())
	case err != nil:
		t.Fatal(err)
	}
	return out.Bytes(), 0
}

// callReactor calls run twice in one instance, and returns what a command would
// print.
func callReactor(t *testing.T, module []byte, config wazero.RuntimeConfig) []byte {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), config)
	defer r.Close(context.WithoutCancel(t.Context()))
	var out bytes.Buffer
	m, err := instantiate(t, r, &images.Built{}, module, &out)
	if err != nil {
		t.Fatal(err)
	}
	var answers [2]uint32
	for i := range answers {
		got, err := m.ExportedFunction("run").Call(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = api.DecodeU32(got[0])
	}
	if answers[0] != answers[1] || out.Len() > 0 {
		t.Errorf("reactor answers %v and prints %q", answers, &out)
	}
	return fmt.Appendf(nil, "%d\n", answers[0])
}

// TestAnswers has Python compute what the workloads must print: most by the same
// definition, of whose results testdata/verify.py then checks what is known of
// them in another way.
func TestAnswers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		tooltest.Missing(t, "python3", err)
	}
	for _, name := range suite(t) {
		dir := filepath.Join("workloads", name)
		text, err := os.ReadFile(filepath.Join(dir, images.SpecFile))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := images.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		if want := *spec.Expect.Stdout; want == "" || want == "hello, world\n" {
			continue // nothing is computed
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "verify.py"), dir).Output()
			if err != nil {
				var failed *exec.ExitError
				if errors.As(err, &failed) {
					t.Logf("%s", failed.Stderr)
				}
				t.Fatal(err)
			}
			if want := *spec.Expect.Stdout; string(out) != want {
				t.Errorf("verify.py prints %q, workload.yaml expects %q", out, want)
			}
		})
	}
}
