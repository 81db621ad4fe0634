package lab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
)

// readyInterval is how often the load is looked at while it has to fall.
const readyInterval = time.Second

// checkReady says what is wrong with a time to wait.
func checkReady(patience time.Duration) error {
	if patience < 0 {
		return failure.Usagef("ready %v: want a time to wait, such as 2m, or none (0)", patience)
	}
	return nil
}

// awaitReady looks at a host until it has little other work, and returns it then. If it still has
// some after patience, the error matches failure.ErrIncomplete.
func awaitReady(ctx context.Context, look func(context.Context) (assay.Host, error), name string, patience time.Duration, watcher Watcher) (assay.Host, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for said := ""; ; {
		host, err := look(ctx)
		busy := hosts.OtherWork(host)
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
