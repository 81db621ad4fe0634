package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
)

// Build builds the workload in dir. The source is copied first, so that what
// is built is exactly what Built.Source holds.
//
// A workload that has no source names its module in workload.yaml; it has
// no native form.
func Build(ctx context.Context, dir string, o Options) (*Built, error) {
	src, spec, err := readWorkload(dir)
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", dir, err)
	}
	b, err := build(ctx, src, spec, o)
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", dir, err)
	}
	return b, nil
}

// Rebuild builds the workload whose source archive, a Built.Source, is given.
func Rebuild(ctx context.Context, archive []byte, o Options) (*Built, error) {
	src, err := readTar(archive)
	if err != nil {
		return nil, fmt.Errorf("source archive: %w", err)
	}
	spec, err := src.spec()
	if err != nil {
		return nil, fmt.Errorf("source archive: %w", err)
	}
	b, err := build(ctx, src, spec, o)
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", spec.Name, err)
	}
	return b, nil
}

func build(ctx context.Context, src source, spec Spec, o Options) (*Built, error) {
	var err error
	b := &Built{Name: spec.Name, Args: spec.Args, Env: spec.Env, Steady: spec.steady(), Scratch: spec.Scratch, Facts: map[string]string{}}
	if b.Expect, err = spec.Expect.expectation(src); err != nil {
		return nil, err
	}
	if spec.Stdin != "" {
		if b.Stdin, err = src.read(spec.Stdin); err != nil {
			return nil, fmt.Errorf("stdin: %w", err)
		}
	}
	if b.Source, err = src.tar(); err != nil {
		return nil, err
	}
	b.addFact("licence", spec.Licence)
	b.addFact("url", spec.URL)
	if spec.Module != "" {
		if err := b.takeModules(src, spec); err != nil {
			return nil, err
		}
		return b, nil
	}
	b.addFact("features", strings.Join(spec.Features, " "))
	if err := b.compile(ctx, src, spec, o); err != nil {
		return nil, err
	}
	if err := CheckModule(b.Module, spec.Imports); err != nil {
		return nil, err
	}
	for v, module := range b.Variants {
		check := CheckModule
		if v == assay.Reactor || v == assay.ReactorMVP {
			check = CheckReactor
		}
		if err := check(module, spec.Imports); err != nil {
			return nil, fmt.Errorf("variant %s: %w", v, err)
		}
	}
	return b, nil
}

// takeModules takes the ready modules that spec names.
func (b *Built) takeModules(src source, spec Spec) error {
	module, err := src.read(spec.Module)
	if err != nil {
		return fmt.Errorf("module: %w", err)
	}
	if err := b.takeModule(module, spec.Imports); err != nil {
		return fmt.Errorf("module %s: %w", spec.Module, err)
	}
	if spec.ReactorModule == "" {
		return nil
	}
	if b.Variants != nil {
		return fmt.Errorf("module %s is a reactor, and so is reactor_module; leave one out", spec.Module)
	}
	if module, err = src.read(spec.ReactorModule); err != nil {
		return fmt.Errorf("reactor_module: %w", err)
	}
	b.Variants = map[assay.Variant][]byte{assay.Reactor: module}
	if err := CheckReactor(module, spec.Imports); err != nil {
		return fmt.Errorf("reactor_module %s: %w", spec.ReactorModule, err)
	}
	return nil
}

// takeModule takes a ready module: a command, or a reactor by its export run.
func (b *Built) takeModule(module []byte, imports []string) error {
	b.Module = module
	if shape, err := ReadShape(module); err == nil && shape.Run && !shape.Start {
		b.Variants = map[assay.Variant][]byte{assay.Reactor: module}
		return CheckReactor(module, imports)
	}
	return CheckModule(module, imports)
}

// readWorkload reads a workload's directory, and what comes with assay for it.
func readWorkload(dir string) (source, Spec, error) {
	src, err := readSource(dir)
	if err != nil {
		return nil, Spec{}, err
	}
	spec, err := src.spec()
	if err == nil && spec.Language == C {
		err = src.addBench()
	}
	return src, spec, err
}

// spec reads the workload.yaml in s.
func (s source) spec() (Spec, error) {
	text, ok := s[SpecFile]
	if !ok {
		return Spec{}, failure.Usagef("no %s; write one with at least a name: docs/workload.md shows one", SpecFile)
	}
	return ParseSpec(text)
}

func (b *Built) addFact(key, value string) {
	if value != "" {
		b.Facts[key] = value
	}
}

// A toolchain builds a workload from source in one language.
type toolchain interface {
	// facts says what builds, for Built.Facts.
	facts() map[string]string
	// variants lists the modules built besides the command.
	variants() []assay.Variant
	// module returns the command, or the variant if v is not "", which is
	// written at out.
	module(ctx context.Context, v assay.Variant, out string) ([]byte, error)
	// native returns the executable for a platform, which is written at out.
	native(ctx context.Context, platform, out string) ([]byte, error)
}

// compile builds every form of src.
func (b *Built) compile(ctx context.Context, src source, spec Spec, o Options) error {
	tmp, err := os.MkdirTemp("", "assay-workload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var tool toolchain
	switch spec.Language {
	case C:
		tool, err = newZig(ctx, src, spec, o, tmp)
	case Rust:
		tool, err = newRust(src, spec, o, tmp)
	default:
		tool, err = newGo(ctx, src, spec, o, tmp)
	}
	if err != nil {
		return err
	}
	for k, v := range tool.facts() {
		b.addFact(k, v)
	}
	if b.Module, err = tool.module(ctx, "", filepath.Join(tmp, "module")); err != nil {
		return err
	}
	for _, v := range tool.variants() {
		if b.Variants == nil {
			b.Variants = map[assay.Variant][]byte{}
		}
		if b.Variants[v], err = tool.module(ctx, v, filepath.Join(tmp, string(v))); err != nil {
			return err
		}
	}
	platforms := o.Platforms
	if platforms == nil {
		platforms = DefaultPlatforms
	}
	b.Native, b.Images = map[string][]byte{}, map[string]Container{}
	for _, p := range platforms {
		if err := checkPlatform(p); err != nil {
			return err
		}
		if b.Native[p], err = tool.native(ctx, p, filepath.Join(tmp, "native")); err != nil {
			return err
		}
		if b.Images[p], err = container(p, b.Native[p], b.Args, b.Env); err != nil {
			return fmt.Errorf("container image for %s: %w", p, err)
		}
	}
	return nil
}

var platformGrammar = regexp.MustCompile(`^[a-z0-9]{1,16}/[a-z0-9]{1,16}$`)

func checkPlatform(p string) error {
	if !platformGrammar.MatchString(p) {
		return fmt.Errorf("platform %q: want system/processor, such as linux/amd64", p)
	}
	return nil
}

// orReactor are the variants of a toolchain that has none without features.
func orReactor(reactor bool) []assay.Variant {
	if reactor {
		return []assay.Variant{assay.Reactor}
	}
	return nil
}

// ours returns the named variables of this process, those that are set.
func ours(names ...string) (env []string) {
	for _, k := range names {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// tool runs a compiler and returns its standard output. It dies, with what it
// started, when the context of cmd ends. The error has what it said, after name.
func tool(ctx context.Context, cmd *exec.Cmd, name string) ([]byte, error) {
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	said := strings.TrimSpace(stderr.String())
	if said == "" {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if errors.As(err, new(*exec.ExitError)) {
		return nil, fmt.Errorf("%s: %s", name, said)
	}
	return nil, fmt.Errorf("%s: %w: %s", name, err, said)
}
