package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

// PinOptions say what a reference alone cannot.
type PinOptions struct {
	PlainHTTP bool // as in registry.Options

	// What is known about a .wasm file, which cannot say it; "": not known.
	Name      string // of the workload; "": that of the file
	Source    string // URL of the source
	Toolchain string // "rustc 1.90.0"
	Licence   string // SPDX expression

	Progress func(stores.Transfer) `json:"-"`
}

// ofModule reports whether the options are those of a .wasm file.
func (o PinOptions) ofModule() bool { return o.Name+o.Source+o.Toolchain+o.Licence != "" }

// Pin resolves ref to a workload, keeps its bytes, and writes its name into
// assay.lock, unless that is to be kept as it is. ref is one of
//
//	a folder with workload.yaml: it is built
//	a .wasm file: a command, or a reactor that exports run
//	an OCI image layout: FOLDER, FOLDER:TAG or FOLDER@sha256:…
//	REGISTRY/REPOSITORY:TAG or @sha256:…: the lock notes it and what it is now;
//	http:// before it is PlainHTTP
//	sha256:…: a manifest that the archive holds
//	a name in assay.lock
//
// In a layout or a registry it is a Wasm module in any of the known dialects,
// or a container image.
func (w *Workspace) Pin(ctx context.Context, ref string, opts PinOptions) (assay.Workload, error) {
	return w.pinAs(ctx, ref, opts, true)
}

// PinOnce is Pin, but a reference to a registry is what assay.lock has it for,
// if it has it: nothing is asked of the registry that the archive can answer.
func (w *Workspace) PinOnce(ctx context.Context, ref string) (assay.Workload, error) {
	wl, err := w.pinAs(ctx, ref, PinOptions{}, false)
	if errors.Is(err, registry.ErrPlainHTTP) {
		err = fmt.Errorf("%w; for a cell, that is %s%s", err, plainPrefix, ref)
	}
	return wl, err
}

// plainPrefix before a reference to a registry allows it to have no TLS.
const plainPrefix = "http://"

func (w *Workspace) pinAs(ctx context.Context, ref string, opts PinOptions, again bool) (assay.Workload, error) {
	named, plain := strings.CutPrefix(ref, plainPrefix)
	r, err := parseRef("", named)
	switch {
	case err != nil:
		return assay.Workload{}, fmt.Errorf("pin: %w", err)
	case plain && r.kind != ociRef:
		return assay.Workload{}, failure.Usagef("pin %s: want %sHOST/REPOSITORY:TAG", ref, plainPrefix)
	case plain:
		opts.PlainHTTP = true
	}
	if r.kind == ociRef && !again {
		if wl, ok, err := w.sameAgain(ctx, r.oci, opts); ok || err != nil {
			return wl, err
		}
	}
	if r.kind == ociRef && !opts.ofModule() {
		return w.fetchWorkload(ctx, r.oci, opts, w.lockWorkload)
	}
	wl, origin, err := w.resolve(ctx, ref, r, opts)
	if err != nil {
		return wl, fmt.Errorf("pin %s: %w", ref, err)
	}
	return wl, w.lockWorkload(ctx, wl, origin)
}

// sameAgain finds the workload that assay.lock has a reference for. What the
// archive lacks of it is fetched by digest.
func (w *Workspace) sameAgain(ctx context.Context, ref registry.Reference, opts PinOptions) (assay.Workload, bool, error) {
	lock, err := w.Lock()
	if err != nil {
		return assay.Workload{}, false, err
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Origins)) { // a merge can have left two
		o := lock.Origins[name]
		d, pinned := lock.Workloads[name]
		if o.Reference != ref.String() || !pinned {
			continue
		}
		wl, err := oci.Workload(ctx, w.Store, d)
		if errors.Is(err, fs.ErrNotExist) {
			ref.Digest = o.Digest
			if wl, err = w.fetchWorkload(ctx, ref, opts, nil); err == nil && wl.Manifest != d {
				err = fmt.Errorf("assay.lock has %v, what %v gives is %v; pin it again", d, ref, wl.Manifest)
			}
		}
		return wl, true, err
	}
	return assay.Workload{}, false, nil
}

// lockWorkload names a workload in the archive and in assay.lock.
func (w *Workspace) lockWorkload(ctx context.Context, wl assay.Workload, origin *pins.Origin) error {
	if w.Config.Lock == settings.KeepLock {
		return nil
	}
	name := "workloads/" + assay.Filename(wl.Name)
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	was, had := lock.Origins[wl.Name]
	same := origin == nil && !had || origin != nil && had && was == *origin
	if d, err := w.Archive.Ref(ctx, name); err == nil && d == wl.Manifest && lock.Workloads[wl.Name] == d && same {
		return nil // as it is
	}
	if err := w.setRef(ctx, name, wl.Manifest); err != nil {
		return fmt.Errorf("pin %s: %w", wl.Name, err)
	}
	return w.updateLock(ctx, func(l *pins.Lock) { l.SetWorkload(wl.Name, wl.Manifest, origin) })
}

// resolve keeps the bytes of what a reference names, but for one to a registry.
// A workload that is pinned by name or digest keeps its origin.
func (w *Workspace) resolve(ctx context.Context, written string, r ref, opts PinOptions) (assay.Workload, *pins.Origin, error) {
	if opts.ofModule() && r.kind != pathRef {
		return assay.Workload{}, nil, failure.Usagef("name, source, toolchain and licence can be said of a .wasm file only")
	}
	switch r.kind {
	case layoutRef:
		d, err := oci.ImportLayout(ctx, w.Archive, r.path, r.version)
		if err != nil {
			return assay.Workload{}, nil, err
		}
		wl, err := w.adopt(ctx, d, filepath.Base(r.path))
		return wl, nil, err
	case pathRef:
		wl, err := w.pinPath(ctx, r.path, opts)
		return wl, nil, err
	}
	wl, err := w.pinned(ctx, written, r)
	if err != nil {
		return wl, nil, err
	}
	lock, err := w.Lock()
	if err != nil {
		return wl, nil, err
	}
	if o, ok := lock.Origins[wl.Name]; ok && lock.Workloads[wl.Name] == wl.Manifest {
		return wl, &o, nil
	}
	return wl, nil, nil
}

func (w *Workspace) pinPath(ctx context.Context, path string, opts PinOptions) (assay.Workload, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return assay.Workload{}, failure.Usagef("no such file or folder: give a folder with workload.yaml, a .wasm file, an OCI image layout, REGISTRY/REPOSITORY:TAG, a digest, or a name in assay.lock")
	case err != nil:
		return assay.Workload{}, err
	case !st.IsDir():
		if name := strings.TrimSuffix(filepath.Base(path), ".wasm"); opts.Name == "" && images.CheckName(name) != nil {
			return assay.Workload{}, failure.Usagef("%w; give the workload a name with --name", images.CheckName(name))
		}
		built, err := images.Module(path, images.ModuleOptions{Name: opts.Name})
		if err != nil {
			return assay.Workload{}, err
		}
		for fact, said := range map[string]string{"url": opts.Source, "toolchain": opts.Toolchain, "licence": opts.Licence} {
			if said != "" {
				built.Facts[fact] = said
			}
		}
		return w.keep(ctx, built)
	case opts.ofModule():
		return assay.Workload{}, failure.Usagef("name, source, toolchain and licence of a folder are what its workload.yaml says")
	}
	return w.build(ctx, path)
}

// build builds the workload in a folder, unless the archive has what the same
// source gives with the same Go: a cell that begins by pinning its workloads,
// and every later cell with it, must not take a build's time.
func (w *Workspace) build(ctx context.Context, dir string) (assay.Workload, error) {
	note := ""
	if input, err := images.Input(dir); err == nil { // else Build says what is wrong
		note = w.path(builtDir, assay.DigestOf([]byte(Version+"\n"+input)).Hex())
		if b, err := os.ReadFile(note); err == nil {
			if d, err := assay.ParseDigest(string(b)); err == nil {
				if wl, err := oci.Workload(ctx, w.Store, d); err == nil {
					return wl, nil
				}
			}
		}
	}
	language, err := images.LanguageOf(dir)
	if err != nil {
		return assay.Workload{}, fmt.Errorf("workload %s: %w", dir, err)
	}
	opts, err := hosts.BuildOptions(ctx, w.Config.Cache, language)
	if err != nil {
		return assay.Workload{}, fmt.Errorf("workload %s: %w", dir, err)
	}
	built, err := images.Build(ctx, dir, opts)
	if err != nil {
		return assay.Workload{}, err
	}
	wl, err := w.keep(ctx, built)
	if err != nil || note == "" {
		return wl, err
	}
	if err := os.MkdirAll(filepath.Dir(note), 0o777); err != nil {
		return wl, err
	}
	return wl, renameio.WriteFile(note, []byte(wl.Manifest.String()), 0o666)
}

// fetchWorkload gets a workload from a registry, and nothing that is about it.
// Keep, unless nil, sets the reference.
func (w *Workspace) fetchWorkload(ctx context.Context, ref registry.Reference, opts PinOptions, keep func(context.Context, assay.Workload, *pins.Origin) error) (assay.Workload, error) {
	if ref.Tag == "" && ref.Digest.IsZero() {
		return assay.Workload{}, failure.Usagef("pin %v: name a version: :TAG or @sha256:…", ref)
	}
	var wl assay.Workload
	_, err := registry.Pull(ctx, w.Archive, ref, registry.PullOptions{
		Options: registry.Options{PlainHTTP: opts.PlainHTTP}, Alone: true, Skip: unusable, Progress: asTransfer(opts.Progress),
		Keep: func(p registry.Pulled) (err error) {
			if wl, err = w.adoptPulled(ctx, ref, p); err != nil || keep == nil {
				return err
			}
			return keep(ctx, wl, &pins.Origin{Reference: ref.String(), Digest: p.Root.Digest})
		},
	})
	if err != nil {
		return wl, fmt.Errorf("pin: %w", err)
	}
	return wl, nil
}

// asTransfer shows how far a registry is as other transfers are shown.
func asTransfer(show func(stores.Transfer)) func(registry.Progress) {
	if show == nil {
		return nil
	}
	return func(p registry.Progress) {
		show(stores.Transfer{Done: p.Blobs, Total: p.OfBlobs, Unit: "blobs", Bytes: p.Bytes})
	}
}

// pinned finds a workload that the archive holds, by name or digest.
func (w *Workspace) pinned(ctx context.Context, written string, r ref) (assay.Workload, error) {
	d := r.digest
	if r.kind != digestRef {
		lock, err := w.Lock()
		if err != nil {
			return assay.Workload{}, err
		}
		var ok bool
		if d, ok = lock.Workloads[written]; !ok {
			return assay.Workload{}, failure.Usagef(`no workload %q: assay.lock has %s; "assay pin FOLDER" adds one`, written, failure.Listed(slices.Sorted(maps.Keys(lock.Workloads))))
		}
	}
	wl, err := oci.Workload(ctx, w.Store, d)
	if errors.Is(err, fs.ErrNotExist) {
		return wl, fmt.Errorf("%w: the archive lacks it; pin its folder, its OCI layout or its reference again, or pull it", err)
	}
	return wl, err
}

// Workload returns the workload that ref names. What is not in the archive yet
// is pinned by that, under the name it gives itself; a bare word is rather a
// name in assay.lock than a file.
func (w *Workspace) Workload(ctx context.Context, ref string) (assay.Workload, error) {
	r, err := parseRef("", ref)
	if err != nil {
		return assay.Workload{}, err
	}
	if r.bare {
		lock, err := w.Lock()
		if err != nil {
			return assay.Workload{}, err
		}
		if _, named := lock.Workloads[ref]; named {
			r.kind = nameRef
		}
	}
	if r.kind == nameRef || r.kind == digestRef {
		return w.pinned(ctx, ref, r)
	}
	return w.PinOnce(ctx, ref)
}

// keep stores a workload that was built.
func (w *Workspace) keep(ctx context.Context, b *images.Built) (assay.Workload, error) {
	return oci.PutWorkload(ctx, w.Archive, workloadFiles(b))
}

func workloadFiles(b *images.Built) oci.WorkloadFiles {
	files := oci.WorkloadFiles{
		Name: b.Name, Args: b.Args, Env: b.Env, Stdin: b.Stdin, Expect: b.Expect, Steady: b.Steady, Scratch: b.Scratch,
		Module: b.Module, Variants: b.Variants, Native: b.Native, Images: map[string]oci.Image{},
		Source: b.Source, Facts: maps.Clone(b.Facts),
	}
	for platform, c := range b.Images {
		files.Images[platform] = oci.Image(c)
	}
	return files
}
