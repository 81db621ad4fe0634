package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/claims"
	"github.com/assay-notebooks/assay/internal/failure"
)

// noiseType is the type of a noise certificate's OCI artifact and of its layer.
const noiseType = "application/vnd.assay.noise.v1+json"

// NoiseOptions say how the noise of a host is measured.
type NoiseOptions struct {
	Workload    string // as in Workload; "": a loop of a fraction of a millisecond
	Runtime     string // "": wazero
	Invocations int    // under each of the two labels
}

// DefaultNoise is how many invocations each label of an A/A run gets if nobody
// says: with the loop both runs take well below a minute.
const DefaultNoise = 300

// steadyNoise is what each invocation does where calls are measured.
var steadyNoise = assay.Steady{Calls: 10, Warmup: 2}

// A Certified is a noise certificate in the archive.
type Certified struct {
	assay.Noise
	Manifest assay.Digest `json:"manifest"`
}

// The labels of an A/A run, and the parameter that has them. Nothing of a trial
// depends on it.
const (
	noiseParam = "label"
	noiseA     = "A1"
	noiseB     = "A2"
)

// MeasureNoise measures how much two equal treatments differ on this host, by
// runs like any others, and archives what each shows as a certificate of the
// host, which verdicts on its runs use from then on: one of processes and, of a
// workload that makes calls, one of these.
func (w *Workspace) MeasureNoise(ctx context.Context, opts NoiseOptions, watcher Watcher) ([]Certified, error) {
	if opts.Runtime == "" {
		opts.Runtime = "wazero"
	}
	if opts.Invocations < claims.MinNoise {
		return nil, failure.Usagef("host noise: %d invocations tell nothing: want at least %d", opts.Invocations, claims.MinNoise)
	}
	if opts.Workload == "" {
		d, err := w.loop(ctx)
		if err != nil {
			return nil, fmt.Errorf("host noise: %w", err)
		}
		opts.Workload = d.String()
	}
	spec := assay.Spec{
		Name: "host-noise", Workloads: []string{opts.Workload}, Runtimes: []string{opts.Runtime},
		Params:   []assay.Param{{Name: noiseParam, Values: []string{noiseA, noiseB}}},
		Protocol: assay.Protocol{Cold: &assay.Cold{Invocations: opts.Invocations, Warmup: 2}},
	}
	processes, steady, err := w.noiseOf(ctx, spec, assay.Process, watcher)
	if err != nil || !steady {
		return []Certified{processes}, err
	}
	s := steadyNoise
	s.Invocations = opts.Invocations
	spec.Name, spec.Protocol = "host-noise-calls", assay.Protocol{Steady: &s}
	calls, _, err := w.noiseOf(ctx, spec, assay.Call, watcher)
	return []Certified{processes, calls}, err
}

// noiseOf measures the noise of a phase by an A/A run. Steady says of its
// workload that it makes calls.
func (w *Workspace) noiseOf(ctx context.Context, spec assay.Spec, phase assay.Phase, watcher Watcher) (c Certified, steady bool, err error) {
	exp, err := w.Resolve(ctx, spec)
	if err != nil {
		return c, false, err
	}
	result, err := w.Run(ctx, exp, RunOptions{Rerun: true}, watcher)
	if err != nil {
		return c, false, err
	}
	wl := exp.Workloads[0]
	c, err = w.certify(ctx, result.Run, assay.Noise{Workload: wl.Name, Runtime: spec.Runtimes[0], Phase: phase})
	return c, wl.Steady, err
}

// certify archives what an A/A run shows of what noise says that it is of.
func (w *Workspace) certify(ctx context.Context, run assay.Run, noise assay.Noise) (Certified, error) {
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return Certified{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	c := Certified{Noise: noise}
	c.Format, c.Host, c.Load1, c.Run, c.Method = assay.NoiseFormat, fingerprint(run.Host), run.Host.Load1, run.ID, claims.NoiseMethod
	if c.Floors, err = claims.Floors(t, c.Phase, noiseParam, noiseA, noiseB); err != nil {
		return c, fmt.Errorf("host noise: run %s: %w", run.ID, err)
	}
	if err := checkFloors(c.Floors); err != nil {
		return c, fmt.Errorf("host noise: run %s: %w: measure again when the host has less to do", run.ID, err)
	}
	record, err := canonical.JSON(c.Noise)
	if err != nil {
		return c, err
	}
	manifest, err := w.runManifest(ctx, run.ID)
	if err != nil {
		return c, err
	}
	subject, err := oci.Describe(ctx, w.Store, manifest)
	if err != nil {
		return c, err
	}
	a := oci.Artifact{Type: noiseType, Subject: &subject, Annotations: map[string]string{oci.AnnotationPrefix + "noise": run.Host.Name}}
	if err := w.addLayer(ctx, &a, "noise.json", noiseType, record); err != nil {
		return c, fmt.Errorf("host noise: %w", err)
	}
	d, err := oci.PutArtifact(ctx, w.Store, a)
	if err != nil {
		return c, fmt.Errorf("host noise: %w", err)
	}
	c.Manifest = d.Digest
	ref, err := noiseRef(run.Host, c.Phase)
	if err != nil {
		return c, err
	}
	return c, w.setRef(ctx, ref, d.Digest)
}

// fingerprint is what of a host stays from run to run: a certificate is of that.
func fingerprint(h assay.Host) assay.Host {
	h.Name, h.Load1 = "", ""
	return h
}

// noiseRef is the reference to the certificate of a host for a phase.
func noiseRef(h assay.Host, phase assay.Phase) (string, error) {
	d, err := canonical.Digest(fingerprint(h))
	ref := "noise/" + d.Hex()[:16]
	if phase != assay.Process {
		ref += "." + string(phase)
	}
	return ref, err
}

// hostNoise returns the certificates of how much equal treatments differ on
// host, the last that was made for each phase; none, if there is none.
func (w *Workspace) hostNoise(ctx context.Context, host assay.Host) ([]claims.Certificate, error) {
	var all []claims.Certificate
	for _, phase := range []assay.Phase{assay.Process, assay.Call} {
		ref, err := noiseRef(host, phase)
		if err != nil {
			return nil, err
		}
		d, err := w.Store.Ref(ctx, ref)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := w.archivedNoise(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		if c.Host != fingerprint(host) || c.Phase != phase {
			return nil, fmt.Errorf("%s: it is of another host or phase: %w", ref, oci.ErrInvalid)
		}
		all = append(all, claims.Certificate{Noise: c.Noise, Manifest: d})
	}
	return all, nil
}

// maxFloor is above every share of a value that is the noise of one.
const maxFloor = 10

// archivedNoise reads a certificate. Whoever wrote it may be a stranger.
func (w *Workspace) archivedNoise(ctx context.Context, d assay.Digest) (Certified, error) {
	c := Certified{Manifest: d}
	a, err := oci.ReadArtifact(ctx, w.Store, d)
	if err != nil {
		return c, lacking(err)
	}
	if err := w.readLayer(ctx, a, noiseType, &c.Noise); err != nil {
		return c, lacking(err)
	}
	if c.Format != assay.NoiseFormat {
		return c, fmt.Errorf("noise certificate %v: format %q, this assay reads %q", d, c.Format, assay.NoiseFormat)
	}
	if err := checkFloors(c.Floors); err != nil {
		return c, fmt.Errorf("noise certificate %v: %w: %w", d, err, oci.ErrInvalid)
	}
	return c, nil
}

func checkFloors(floors []assay.NoiseFloor) error {
	for _, f := range floors {
		if !(f.Floor >= 0 && f.Floor < maxFloor) {
			return fmt.Errorf("the noise of %s is %g of its value, not in [0, %d)", f.Metric, f.Floor, maxFloor)
		}
	}
	return nil
}

//go:embed loop.wasm
var loop []byte

// loop pins a module that draws random numbers.
func (w *Workspace) loop(ctx context.Context) (assay.Digest, error) {
	d, err := w.Archive.PutBytes(ctx, loop)
	if err != nil {
		return d, err
	}
	wl, err := oci.PutManifest(ctx, w.Archive, assay.Workload{Name: "loop", Module: d, Steady: true})
	return wl.Manifest, err
}
