package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/claims"
)

// noiseType is the type of a noise certificate's OCI artifact and of its layer.
const noiseType = "application/vnd.assay.noise.v1+json"

// NoiseOptions say how the noise of a host is measured.
type NoiseOptions struct {
	Workload    string // as in Workload; "": a module that does nothing
	Runtime     string // "": wazero
	Invocations int    // under each of the two labels; 0: DefaultNoise
}

// DefaultNoise is how many invocations each label of an A/A run gets: with a
// module that does nothing they take well below a minute.
const DefaultNoise = 300

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

// MeasureNoise measures how much two equal treatments differ on this host, by a
// run like any other, and archives what it shows as the certificate of the host,
// which verdicts on its runs use from then on.
func (w *Workspace) MeasureNoise(ctx context.Context, opts NoiseOptions, watcher Watcher) (Certified, error) {
	if opts.Invocations == 0 {
		opts.Invocations = DefaultNoise
	}
	if opts.Runtime == "" {
		opts.Runtime = "wazero"
	}
	if opts.Invocations < claims.MinNoise {
		return Certified{}, Usagef("host noise: %d invocations tell nothing: want at least %d", opts.Invocations, claims.MinNoise)
	}
	if opts.Workload == "" {
		d, err := w.nothing(ctx)
		if err != nil {
			return Certified{}, fmt.Errorf("host noise: %w", err)
		}
		opts.Workload = d.String()
	}
	exp, err := w.Resolve(ctx, assay.Spec{
		Name: "host-noise", Workloads: []string{opts.Workload}, Runtimes: []string{opts.Runtime},
		Params:   []assay.Param{{Name: noiseParam, Values: []string{noiseA, noiseB}}},
		Protocol: assay.Protocol{Cold: &assay.Cold{Invocations: opts.Invocations, Warmup: 2}},
	})
	if err != nil {
		return Certified{}, err
	}
	result, err := w.Run(ctx, exp, RunOptions{Rerun: true}, watcher)
	if err != nil {
		return Certified{}, err
	}
	return w.certify(ctx, result.Run, exp.Workloads[0].Name, opts.Runtime)
}

// certify archives what an A/A run shows.
func (w *Workspace) certify(ctx context.Context, run assay.Run, workload, runtime string) (Certified, error) {
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return Certified{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	c := Certified{Noise: assay.Noise{
		Format: assay.NoiseFormat, Host: fingerprint(run.Host), Run: run.ID, Workload: workload, Runtime: runtime,
		Phase: assay.Process, Method: claims.NoiseMethod,
	}}
	if c.Floors, err = claims.Floors(t, noiseParam, noiseA, noiseB); err != nil {
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
	ref, err := noiseRef(run.Host)
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

// noiseRef is the reference to the certificate of a host.
func noiseRef(h assay.Host) (string, error) {
	d, err := canonical.Digest(fingerprint(h))
	return "noise/" + d.Hex()[:16], err
}

// HostNoise returns the certificate of how much equal treatments differ on host,
// the last that was made; ok is false if there is none.
func (w *Workspace) HostNoise(ctx context.Context, host assay.Host) (n assay.Noise, ok bool, err error) {
	n, manifest, err := w.hostNoise(ctx, host)
	return n, !manifest.IsZero(), err
}

// hostNoise is HostNoise with the manifest; zero, if there is none.
func (w *Workspace) hostNoise(ctx context.Context, host assay.Host) (assay.Noise, assay.Digest, error) {
	var none assay.Digest
	ref, err := noiseRef(host)
	if err != nil {
		return assay.Noise{}, none, err
	}
	d, err := w.Store.Ref(ctx, ref)
	if errors.Is(err, fs.ErrNotExist) {
		return assay.Noise{}, none, nil
	}
	if err != nil {
		return assay.Noise{}, none, err
	}
	c, err := w.archivedNoise(ctx, d)
	if err != nil {
		return c.Noise, none, fmt.Errorf("%s: %w", ref, err)
	}
	if c.Host != fingerprint(host) {
		return assay.Noise{}, none, fmt.Errorf("%s: it is of another host: %w", ref, oci.ErrInvalid)
	}
	return c.Noise, d, nil
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

// nothing pins a module that starts and ends.
func (w *Workspace) nothing(ctx context.Context) (assay.Digest, error) {
	d, err := w.Archive.PutBytes(ctx, nothing)
	if err != nil {
		return d, err
	}
	wl, err := oci.PutManifest(ctx, w.Archive, assay.Workload{Name: "nothing", Module: d})
	return wl.Manifest, err
}

// nothing is (module (func (export "_start")) (memory (export "memory") 1)).
var nothing = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // types: () -> ()
	"\x03\x02\x01\x00" + // functions: 0 of type 0
	"\x05\x03\x01\x00\x01" + // memories: 0 of one page
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00" + // exports
	"\x0a\x04\x01\x02\x00\x0b") // code: end
