package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/images"
)

// Pin resolves ref to a workload, keeps its bytes, and writes its name into
// assay.lock, unless that is to be kept as it is. ref is one of
//
//	a folder with workload.yaml: it is built
//	a .wasm file
//	LAYOUT@sha256:…: a workload's manifest in an OCI image layout folder
//	sha256:…: a manifest that the archive holds
//	a name in assay.lock
func (w *Workspace) Pin(ctx context.Context, ref string) (assay.Workload, error) {
	wl, err := w.pin(ctx, ref)
	if err != nil {
		return wl, fmt.Errorf("pin %s: %w", ref, err)
	}
	if w.Config.Lock == keepLock {
		return wl, nil
	}
	name := "workloads/" + assay.Filename(wl.Name)
	lock, err := w.Lock()
	if err != nil {
		return wl, err
	}
	if d, err := w.Store.Ref(ctx, name); err == nil && d == wl.Manifest && lock.Workloads[wl.Name] == d {
		return wl, nil // as it is
	}
	if err := w.setRef(ctx, name, wl.Manifest); err != nil {
		return wl, fmt.Errorf("pin %s: %w", ref, err)
	}
	return wl, errors.Join(w.updateLock(ctx, func(l *Lock) { l.Workloads[wl.Name] = wl.Manifest }), w.Upload())
}

func (w *Workspace) pin(ctx context.Context, ref string) (assay.Workload, error) {
	if layout, digest, ok := strings.Cut(ref, "@"); ok {
		if _, err := assay.ParseDigest(digest); err != nil {
			return assay.Workload{}, Usagef("%w", err)
		}
		d, err := oci.ImportLayout(ctx, w.Store, layout, digest)
		if err != nil {
			return assay.Workload{}, err
		}
		return w.imported(ctx, d)
	}
	st, err := os.Stat(ref)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w.pinned(ctx, ref)
	case err != nil:
		return assay.Workload{}, err
	}
	if !st.IsDir() {
		built, err := images.Module(ref, images.ModuleOptions{})
		if err != nil {
			return assay.Workload{}, err
		}
		return w.keep(ctx, built)
	}
	return w.build(ctx, ref)
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
	built, err := images.Build(ctx, dir, images.Options{})
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

// imported reads a workload that came from elsewhere, and refuses one whose
// module no runtime could load.
func (w *Workspace) imported(ctx context.Context, manifest assay.Digest) (assay.Workload, error) {
	wl, err := oci.Workload(ctx, w.Store, manifest)
	if err != nil {
		return wl, err
	}
	module, err := w.Store.ReadAll(ctx, wl.Module, maxRecord)
	if err != nil {
		return wl, err
	}
	// Which modules it may import is its author's business: only what is no
	// module at all is refused.
	err = images.CheckModule(module, nil)
	if errors.Is(err, images.ErrNotWasm) || errors.Is(err, images.ErrComponent) || errors.Is(err, images.ErrMalformed) {
		return wl, err
	}
	return wl, nil
}

// pinned finds a workload that the archive holds, by name or digest.
func (w *Workspace) pinned(ctx context.Context, ref string) (assay.Workload, error) {
	d, err := assay.ParseDigest(ref)
	if err != nil {
		lock, err := w.Lock()
		if err != nil {
			return assay.Workload{}, err
		}
		var ok bool
		if d, ok = lock.Workloads[ref]; !ok {
			if strings.ContainsAny(ref, `/\.`) {
				return assay.Workload{}, Usagef("no such file or folder: give a folder with workload.yaml, a .wasm file, LAYOUT@sha256:…, a digest, or a name in assay.lock")
			}
			return assay.Workload{}, Usagef(`no workload %q: assay.lock has %s; "assay pin FOLDER" adds one`, ref, listed(sortedKeys(lock.Workloads)))
		}
	}
	wl, err := oci.Workload(ctx, w.Store, d)
	if errors.Is(err, fs.ErrNotExist) {
		return wl, fmt.Errorf("%w: the archive lacks it; pin its folder or its OCI layout again", err)
	}
	return wl, err
}

// Workload returns the workload that ref names. A folder or a file is pinned
// by that, under the name it gives itself.
func (w *Workspace) Workload(ctx context.Context, ref string) (assay.Workload, error) {
	if _, err := os.Stat(ref); err == nil && strings.ContainsRune(ref, filepath.Separator) {
		return w.Pin(ctx, ref)
	}
	return w.pinned(ctx, ref)
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// keep stores a workload that was built.
func (w *Workspace) keep(ctx context.Context, b *images.Built) (assay.Workload, error) {
	files := oci.WorkloadFiles{
		Name: b.Name, Args: b.Args, Env: b.Env, Stdin: b.Stdin, Expect: b.Expect, Steady: b.Steady,
		Module: b.Module, Native: b.Native, Images: map[string]oci.Image{},
		Source: b.Source, Facts: b.Facts,
	}
	for platform, c := range b.Images {
		files.Images[platform] = oci.Image(c)
	}
	return oci.PutWorkload(ctx, w.Store, files)
}
