package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/measure"
)

// Columns of the trace that a host may not be able to fill.
const (
	cycles        = "cycles"
	instructions  = "instructions"
	storageReads  = "storage_read_bytes"
	storageWrites = "storage_write_bytes"
	pss           = "pss_bytes"
	groupTime     = "cgroup_cpu_ns"
	groupMemory   = "cgroup_peak_memory_bytes"
)

// calibrate finds out what starting a process takes here, and what cannot be
// measured.
func (r *run) calibrate(ctx context.Context) error {
	r.unmeasured = make(map[string]string)
	missing := func(err error, columns ...string) {
		for _, c := range columns {
			if err != nil {
				r.unmeasured[c] = err.Error()
			}
		}
	}
	missing(r.launcher.Counters(), cycles, instructions)
	missing(measure.StorageCounted(), storageReads, storageWrites)
	if slices.ContainsFunc(r.plan.Trials, func(t assay.Trial) bool { return t.Group }) {
		var cpu, memory error
		r.groups, cpu, memory = measure.FindGroups()
		missing(cpu, groupTime)
		missing(memory, groupMemory)
	}
	path := filepath.Join(r.dir, "nothing")
	// A killed agent's may be running still, and cannot be written then.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("calibrate: %w", err)
	}
	if err := os.WriteFile(path, measure.Nothing, 0o755); err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	return errors.Join(r.calibrateWith(ctx, path, missing), os.Remove(path))
}

// launches is how many launches the estimate is made of. Its interval is from
// the 6th to the 15th of them: 95.9% by order statistics.
const launches = 20

// calibrateWith does it with a program that ends at once. Where that cannot be
// executed, there is no estimate.
func (r *run) calibrateWith(ctx context.Context, program string, missing func(error, ...string)) error {
	c := assay.Command{Argv: []string{program}}
	opts := measure.Options{Limits: r.plan.Limits, CPUs: r.plan.CPUs}
	if r.plan.Memory {
		opts.Memory = true
		res, err := r.launcher.Run(ctx, c, opts)
		if err != nil {
			return err
		}
		if res.PSSBytes == nil {
			missing(fmt.Errorf("a process held at its exit shows no proportional set: is ptrace allowed, and is there /proc/PID/smaps_rollup? %s", res.Reason), pss)
		}
		return nil
	}
	var took []float64
	for range launches {
		res, err := r.launcher.Run(ctx, c, opts)
		if err != nil {
			return err
		}
		if !res.Started() || res.Exit != 0 {
			return nil
		}
		took = append(took, float64(res.WallNS))
	}
	slices.Sort(took)
	r.launch = &assay.Estimate{
		Value: (took[launches/2-1] + took[launches/2]) / 2, Low: &took[5], High: &took[14], Unit: "ns", N: launches,
		Confidence: 0.95, Statistic: "median", Interval: "order statistics",
	}
	return nil
}
