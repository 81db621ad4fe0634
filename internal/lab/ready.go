package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
)

// noise says what about a host makes its numbers less certain.
func noise(h assay.Host) []Finding {
	f := []Finding{{Good, "processor", fmt.Sprintf("%s, %d cores, %d MiB, kernel %s", h.CPU, h.Cores, h.Memory>>20, h.Kernel)}}
	if busy := otherWork(h); busy != "" {
		f = append(f, Finding{Noisy, "load", busy})
	} else {
		f = append(f, Finding{Good, "load", h.Load1})
	}
	switch h.Governor {
	case "performance":
		f = append(f, Finding{Good, "governor", h.Governor})
	case "":
		f = append(f, Finding{Noisy, "governor", "not told by the kernel: the clock rate may vary unseen"})
	default:
		f = append(f, Finding{Noisy, "governor", h.Governor + `: "cpupower frequency-set -g performance" holds the clock rate`})
	}
	switch h.Turbo {
	case "on":
		f = append(f, Finding{Noisy, "turbo", "on: the clock rate depends on heat and on what other cores do"})
	case "off":
		f = append(f, Finding{Good, "turbo", h.Turbo})
	}
	switch h.SMT {
	case "":
	case "on":
		f = append(f, Finding{Noisy, "SMT", "on: two processors share a core; name one of each pair as cpus in the protocol"})
	default:
		f = append(f, Finding{Good, "SMT", h.SMT})
	}
	if h.Virtual != "" {
		f = append(f, Finding{Noisy, "virtual machine", h.Virtual + ": neighbours may take processor time"})
	}
	return f
}

// otherWork says that a host has other work, or does not tell; "" if it has
// little.
func otherWork(h assay.Host) string {
	load, err := strconv.ParseFloat(h.Load1, 64)
	if err != nil || math.IsNaN(load) {
		return "not told by the kernel: the machine may have other work"
	}
	if load <= 0.5*float64(h.Cores) {
		return ""
	}
	return fmt.Sprintf("%s on %d cores, over the last minute: other work, or the run before", h.Load1, h.Cores)
}

// unready says what about a host is not as one wants it for measuring.
func unready(h assay.Host) []string {
	var all []string
	for _, f := range noise(h) {
		if f.Mark == Noisy {
			all = append(all, f.What+": "+f.Found)
		}
	}
	return all
}

// readyInterval is how often the load is looked at while it has to fall.
const readyInterval = time.Second

// awaitReady looks at a host until it has little other work, and returns it then. If it still has
// some after patience, the error matches failure.ErrIncomplete.
func awaitReady(ctx context.Context, look func(context.Context) (assay.Host, error), name string, patience time.Duration, watcher Watcher) (assay.Host, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for said := ""; ; {
		host, err := look(ctx)
		busy := otherWork(host)
		if err != nil || busy == "" {
			return host, err
		}
		if watcher != nil && busy != said {
			said = busy
			watcher(Progress{Unready: []string{"load: " + busy}, Waits: true})
		}
		select {
		case <-ctx.Done():
			return host, context.Cause(ctx)
		case <-deadline.C:
			return host, failure.Classed(failure.ErrIncomplete, fmt.Errorf("%s: the host is not ready after %v: load %s; end that, wait longer, or measure as it is, without ready", name, patience, busy))
		case <-tick.C:
		}
	}
}

// measuring reports whether an agent is at work on an experiment.
func (w *Workspace) measuring(ctx context.Context, experiment assay.Digest) bool {
	live, _ := w.live(ctx) // of those that cannot be read nothing is known
	return slices.ContainsFunc(live, func(r assay.Run) bool { return r.Experiment == experiment && r.State == assay.Running })
}
