package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/install"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// Types of a pinned runtime's artifact and of its files.
const (
	runtimeType     = "application/vnd.assay.runtime.v1+json"
	runtimeFileType = "application/octet-stream"
	runtimeFile     = "runtime.json"
)

// A PinnedRuntime is a program that the archive keeps, and assay.lock names: it
// executes what asks for the runtime where the host has other bits, or none.
// Its paths are those of the artifact's layers. It has none of the Libraries,
// which are those of the host that executes it.
type PinnedRuntime struct {
	assay.RuntimeVersion
	Platform string       `json:"platform"`
	Manifest assay.Digest `json:"manifest,omitzero"` // of the artifact, which does not say it itself
}

// PinRuntime archives the program that a runtime is on this host, and that of
// its shim, if that is there, and notes both in assay.lock.
func (w *Workspace) PinRuntime(ctx context.Context, name string) ([]PinnedRuntime, error) {
	if w.Config.Lock == settings.KeepLock {
		return nil, failure.Usagef("pin runtime %s: the setting lock is keep: assay.lock stays as it is", name)
	}
	tools, err := w.programs().Locate(ctx, []string{name}, false)
	if err != nil {
		return nil, err
	}
	switch found := tools[0].Found; {
	case found.Absent != "":
		return nil, fmt.Errorf("pin runtime: %s", strings.Replace(found.Absent, toolbox.OrDrop(name), "", 1))
	case found.Path == "":
		return nil, failure.Usagef("pin runtime %s: it is %s, which is pinned with the workload", name, found.Origin)
	}
	if tools[0].Runtime.Shim() != nil {
		shims, err := w.programs().Locate(ctx, []string{name}, true)
		if err != nil {
			return nil, err
		}
		if shims[0].Found.Absent == "" {
			tools = append(tools, shims...)
		}
	}
	var pinned []PinnedRuntime
	for _, t := range tools {
		p, err := w.keepRuntime(ctx, t.Found)
		if err != nil {
			return nil, fmt.Errorf("pin runtime %s: %w", t.Found.Name, err)
		}
		pinned = append(pinned, p)
	}
	return pinned, w.updateLock(ctx, func(l *pins.Lock) {
		for _, p := range pinned {
			l.Pinned[p.Name] = p.Manifest
		}
	})
}

// portable returns v with the paths that its files have in an artifact, and the
// files by these.
func (w *Workspace) portable(v assay.RuntimeVersion) (PinnedRuntime, map[string]assay.File, error) {
	p := PinnedRuntime{RuntimeVersion: v, Platform: install.Platform}
	top := filepath.Join(w.Config.Cache, "runtimes") + string(filepath.Separator)
	if below, ok := strings.CutPrefix(v.Path, top); ok {
		key, _, _ := strings.Cut(below, string(filepath.Separator))
		top += key + string(filepath.Separator)
	} else {
		top = filepath.Dir(v.Path) + string(filepath.Separator)
	}
	title := func(file string) string {
		if rel, ok := strings.CutPrefix(file, top); ok {
			return filepath.ToSlash(rel)
		}
		return path.Join("files", filepath.Base(file)) // not where it is here: that may tell who has it
	}
	p.Path, p.Files, p.Libraries, p.Loader = title(v.Path), nil, nil, nil
	files := map[string]assay.File{p.Path: {Path: v.Path, Digest: v.Digest}}
	for _, f := range v.Files {
		name := title(f.Path)
		if other, twice := files[name]; twice && other.Digest != f.Digest {
			return p, nil, fmt.Errorf("two of its files are called %s", name)
		}
		files[name] = f
		p.Files = append(p.Files, assay.File{Path: name, Digest: f.Digest})
	}
	for _, arg := range toolbox.Apart(v).Loader {
		p.Loader = append(p.Loader, mapPaths(arg, func(s string) string {
			if rel, ok := strings.CutPrefix(s, top); ok {
				return here + filepath.ToSlash(rel)
			}
			return s
		}))
	}
	return p, files, nil
}

// keepRuntime archives the files of v.
func (w *Workspace) keepRuntime(ctx context.Context, v assay.RuntimeVersion) (PinnedRuntime, error) {
	p, files, err := w.portable(v)
	if err != nil {
		return p, err
	}
	record, err := canonical.JSON(p)
	if err != nil {
		return p, err
	}
	a := oci.Artifact{Type: runtimeType, Annotations: map[string]string{oci.AnnotationPrefix + "runtime": v.Name}}
	if err := w.addLayer(ctx, &a, runtimeFile, runtimeType, record); err != nil {
		return p, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l, err := w.keepFile(ctx, name, files[name])
		if err != nil {
			return p, err
		}
		a.Layers = append(a.Layers, l)
	}
	d, err := oci.PutArtifact(ctx, w.Store, a)
	if err != nil {
		return p, err
	}
	p.Manifest = d.Digest
	return p, w.setRef(ctx, pinnedRef(p.Name, d.Digest), d.Digest)
}

// keepFile archives one file.
func (w *Workspace) keepFile(ctx context.Context, title string, file assay.File) (oci.Layer, error) {
	f, err := os.Open(file.Path)
	if err != nil {
		return oci.Layer{}, err
	}
	defer f.Close()
	d, size, err := w.Store.Put(ctx, f)
	if err == nil && d != file.Digest {
		err = fmt.Errorf("%s changed while it was read", file.Path)
	}
	return oci.Layer{MediaType: runtimeFileType, Title: title, Digest: d, Size: size}, err
}

// pinnedRef is the name by which the archive keeps a pinned runtime.
func pinnedRef(name string, manifest assay.Digest) string {
	return "runtimes/" + assay.Filename(strings.NewReplacer("/", "-", " ", "-").Replace(name)+"-"+manifest.Short())
}

// here begins an argument of a pinned loader that is a path among its files.
const here = "./"

// mapPaths returns an argument, a path or a list of such, with each replaced.
func mapPaths(arg string, replace func(string) string) string {
	parts := strings.Split(arg, ":")
	for i, p := range parts {
		parts[i] = replace(p)
	}
	return strings.Join(parts, ":")
}

// pinnedRuntime reads what the archive has of a pinned runtime.
func (w *Workspace) pinnedRuntime(ctx context.Context, manifest assay.Digest) (PinnedRuntime, oci.Artifact, error) {
	p := PinnedRuntime{Manifest: manifest}
	a, err := oci.ReadArtifact(ctx, w.Store, manifest)
	if err != nil {
		return p, a, err
	}
	if a.Type != runtimeType {
		return p, a, fmt.Errorf("%v is a %s, not a runtime: %w", manifest, a.Type, oci.ErrInvalid)
	}
	if err := w.readLayer(ctx, a, runtimeType, &p); err != nil {
		return p, a, err
	}
	p.RuntimeVersion = toolbox.Apart(p.RuntimeVersion) // earlier records are of a kind of host
	layers := map[string]assay.Digest{}
	for _, l := range a.Layers {
		if !filepath.IsLocal(filepath.FromSlash(l.Title)) {
			return p, a, fmt.Errorf("%v: layer %q is not a path in it: %w", manifest, l.Title, oci.ErrInvalid)
		}
		layers[l.Title] = l.Digest
	}
	for _, f := range append(p.Files, assay.File{Path: p.Path, Digest: p.Digest}) {
		if layers[f.Path] != f.Digest {
			return p, a, fmt.Errorf("%v: program %s is none of its layers: %w", manifest, f.Path, oci.ErrInvalid)
		}
	}
	return p, a, nil
}

// usePinned puts what assay.lock pins in place of what the host has of it, if
// that is not the same.
func (w *Workspace) usePinned(ctx context.Context, tools []hosts.Tool) error {
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	for i := range tools {
		found := &tools[i].Found
		manifest, ok := lock.Pinned[found.Name]
		if !ok {
			continue
		}
		p, a, err := w.pinnedRuntime(ctx, manifest)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			*found = assay.RuntimeVersion{Name: found.Name, Absent: fmt.Sprintf(
				`%s: assay.lock pins %v, which the archive does not have: run "assay pull", or "assay pin --runtime" to pin what is here`, found.Name, manifest)}
		case err != nil:
			return fmt.Errorf("pinned runtime %s: %w", found.Name, err)
		case p.Platform != install.Platform:
			say := &found.Origin
			if found.Absent != "" {
				say = &found.Absent
			}
			*say += fmt.Sprintf("; what assay.lock pins of it is for %s", p.Platform)
		case w.same(p, *found):
			found.Pinned = manifest
		default:
			if *found, err = w.layOutRuntime(ctx, p, a); err != nil {
				return fmt.Errorf("pinned runtime %s: %w", p.Name, err)
			}
			if *found, err = toolbox.WithLibraries(ctx, *found); ctx.Err() != nil {
				return context.Cause(ctx)
			} else if err != nil {
				*found = assay.RuntimeVersion{Name: p.Name, Absent: fmt.Sprintf(
					`%s: what assay.lock pins does not start on this host (%v): install the library, or "assay pin --runtime" to pin what is here`, p.Name, err)}
				continue
			}
			*found = toolbox.OnThisHost(tools[i].Program().Tool(), *found)
		}
	}
	return nil
}

// same reports whether what the host has of a runtime is what is pinned: the
// program, all files that take part, and how it is started.
func (w *Workspace) same(p PinnedRuntime, found assay.RuntimeVersion) bool {
	if found.Absent != "" {
		return false
	}
	here, _, err := w.portable(found)
	return err == nil && here.Digest == p.Digest && slices.Equal(here.Files, p.Files) && slices.Equal(here.Loader, p.Loader)
}

// layOutRuntime writes the files of a pinned runtime below the cache, unless
// they are there, and returns it with the paths that they have.
func (w *Workspace) layOutRuntime(ctx context.Context, p PinnedRuntime, a oci.Artifact) (assay.RuntimeVersion, error) {
	dir := filepath.Join(w.Config.Cache, "runtimes", "pinned-"+p.Manifest.Hex())
	v := p.RuntimeVersion
	v.Origin, v.Pinned = "pinned; "+p.Origin, p.Manifest
	v.Path = filepath.Join(dir, filepath.FromSlash(p.Path))
	v.Files, v.Loader = nil, nil
	for _, f := range p.Files {
		v.Files = append(v.Files, assay.File{Path: filepath.Join(dir, filepath.FromSlash(f.Path)), Digest: f.Digest})
	}
	for _, arg := range p.Loader {
		v.Loader = append(v.Loader, mapPaths(arg, func(s string) string {
			if rel, ok := strings.CutPrefix(s, here); ok {
				return filepath.Join(dir, filepath.FromSlash(rel))
			}
			return s
		}))
	}
	if laidOut(dir, a) {
		return v, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return v, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".new-pinned-")
	if err != nil {
		return v, err
	}
	defer os.RemoveAll(tmp)
	for _, l := range a.Layers {
		if err := w.writeLayer(ctx, l, filepath.Join(tmp, filepath.FromSlash(l.Title))); err != nil {
			return v, err
		}
	}
	if err := os.RemoveAll(dir); err != nil { // it is damaged
		return v, err
	}
	if err := os.Rename(tmp, dir); err != nil && !laidOut(dir, a) { // else another process was faster
		return v, err
	}
	return v, nil
}

// laidOut reports whether dir has every file of a.
func laidOut(dir string, a oci.Artifact) bool {
	for _, l := range a.Layers {
		d, err := filedigest.Of(filepath.Join(dir, filepath.FromSlash(l.Title)))
		if err != nil || d != l.Digest {
			return false
		}
	}
	return true
}

func (w *Workspace) writeLayer(ctx context.Context, l oci.Layer, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	r, err := w.Store.Open(ctx, l.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
