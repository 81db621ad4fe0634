// Package labtest makes archives for tests and benchmarks of package lab.
//
// It measures nothing: its runs are records that real runs could have left.
package labtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// Experiments is how many experiments the runs of Archive answer: "exp-00",
// "exp-01" and so on, in turn.
const Experiments = 50

// Archive adds runs with the numbers [from, to) to the archive of the workspace
// at root, a minute apart. They share a plan, a journal and a trace, of no
// content; so what reads more than the record refuses them. Nothing is synced
// to the disk.
func Archive(ctx context.Context, root string, from, to int) error {
	backend, err := disk.OpenFiles(unsynced{}, filepath.Join(root, ".assay", "store"))
	if err != nil {
		return err
	}
	s := artifacts.New(backend)
	shared := oci.Artifact{Type: "application/vnd.assay.run.v1+json"}
	for _, l := range []oci.Layer{
		{Title: "plan.json", MediaType: "application/vnd.assay.plan.v1+json"},
		{Title: "journal", MediaType: "application/vnd.assay.journal.v1"},
		{Title: "trace.parquet", MediaType: "application/vnd.assay.trace.v1+parquet"},
	} {
		if l.Digest, err = s.PutBytes(ctx, []byte(l.Title)); err != nil {
			return err
		}
		shared.Layers = append(shared.Layers, l)
	}
	var experiments []oci.Layer
	for i := range Experiments {
		b, err := canonical.JSON(experiment(i))
		if err != nil {
			return err
		}
		l := oci.Layer{Title: "experiment.json", MediaType: "application/vnd.assay.experiment.v1+json"}
		if l.Digest, err = s.PutBytes(ctx, b); err != nil {
			return err
		}
		experiments = append(experiments, l)
	}
	var writers errgroup.Group
	writers.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i := from; i < to && ctx.Err() == nil; i++ {
		writers.Go(func() error { return archive(ctx, s, i, shared, experiments[i%Experiments]) })
	}
	return writers.Wait()
}

func archive(ctx context.Context, s *artifacts.Store, i int, shared oci.Artifact, exp oci.Layer) error {
	run := Run(i)
	run.Experiment, run.Plan, run.Trace = exp.Digest, shared.Layers[0].Digest, shared.Layers[2].Digest
	record, err := canonical.JSON(run)
	if err != nil {
		return err
	}
	l := oci.Layer{Title: "run.json", MediaType: shared.Type}
	if l.Digest, err = s.PutBytes(ctx, record); err != nil {
		return err
	}
	a := oci.Artifact{Type: shared.Type, Layers: append([]oci.Layer{l, exp}, shared.Layers...)}
	manifest, err := oci.PutArtifact(ctx, s, a)
	if err != nil {
		return err
	}
	return s.SetRef(ctx, "runs/"+run.ID, manifest.Digest)
}

// Run returns the record of run i, without digests.
func Run(i int) assay.Run {
	started := time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
	return assay.Run{
		Format:   assay.RunFormat,
		ID:       fmt.Sprintf("%s-%06x", started.Format("20060102T150405Z"), i),
		Name:     experiment(i).Name,
		State:    assay.Complete,
		Host:     assay.Host{Name: "local", OS: "linux", Arch: "amd64", Kernel: "Linux 6.18", CPU: "AMD EPYC", Cores: 2},
		Runtimes: []assay.RuntimeVersion{{Name: "wazero", Version: "v1.12.0"}, {Name: "wasmtime", Absent: "not installed"}},
		Version:  "test",
		Started:  started,
		Finished: started.Add(50 * time.Second),
		Segments: 1,
		Outcomes: map[assay.Outcome]int{assay.OK: 30 + i%3, assay.Unsupported: 30},
	}
}

// experiment returns the experiment that run i answers.
func experiment(i int) assay.Experiment {
	return assay.Experiment{
		Name:      fmt.Sprintf("exp-%02d", i%Experiments),
		Workloads: []assay.Workload{{Name: []string{"noop", "crc32", "matmul"}[i%Experiments%3]}},
		Runtimes:  []string{"wazero", "wasmtime"},
		Protocol:  assay.Protocol{Cold: &assay.Cold{Invocations: 30}},
	}
}

// unsynced is a file system without fsync.
type unsynced struct{ disk.System }

func (unsynced) Sync(string) error                  { return nil }
func (unsynced) Volume(string) (disk.Volume, error) { return nil, errors.ErrUnsupported }
