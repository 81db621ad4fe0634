package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
)

// cleanTimeout is for a daemon that ends a container.
const cleanTimeout = time.Minute

// prepare runs the preparations of all trials, in every segment anew: what an
// earlier one prepared may be gone. Those that are the same command run once.
// The invocations of a trial whose preparation failed end as that did.
func (r *run) prepare(ctx context.Context) error {
	r.failed, r.files = make([]failure, len(r.plan.Trials)), make([][]string, len(r.plan.Trials))
	ran := make(map[string]measure.Result) // by command
	for i, t := range r.plan.Trials {
		for _, c := range t.Prepare {
			key, err := json.Marshal(c)
			if err != nil {
				return err
			}
			res, ok := ran[string(key)]
			if !ok {
				if res, err = r.prepareWith(ctx, c); err != nil {
					return err
				}
				ran[string(key)] = res
			}
			if o := r.judges[i].Prepared(res); o != assay.OK {
				r.failed[i] = failure{o, detail("prepare "+strings.Join(c.Argv, " "), t.Command.Chatter, o, res)}
				break
			}
		}
		if err := r.clean(ctx, t); err != nil {
			return err
		}
		if t.Unsupported == "" {
			r.files[i] = filesOf(t.Command) // some of which the preparations may have made
		}
	}
	return nil
}

// A failure is how the preparation of a trial failed.
type failure struct {
	outcome assay.Outcome
	detail  string
}

// prepareWith runs one preparation.
func (r *run) prepareWith(ctx context.Context, c assay.Command) (measure.Result, error) {
	files := filesOf(c)
	limits := assay.Limits{Timeout: runners.PrepareTimeout, Output: r.plan.Limits.Output}
	res, err := r.launcher.Run(ctx, c, measure.Options{Limits: limits})
	if err != nil || res.Killed == "" && res.Started() && res.Exit == 0 {
		return res, err
	}
	return res, present(files)
}

// clean removes what an invocation of t, of this agent or one that was killed,
// has left. There may be nothing, so that its commands may fail.
func (r *run) clean(ctx context.Context, t assay.Trial) error {
	for _, c := range t.Clean {
		limits := assay.Limits{Timeout: cleanTimeout, Output: r.plan.Limits.Output}
		if _, err := r.launcher.Run(ctx, c, measure.Options{Limits: limits}); err != nil {
			return err
		}
	}
	return nil
}

// empty makes a directory of the agent's work that has nothing in it.
func (r *run) empty(name string) error {
	dir := filepath.Join(r.work, name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return fmt.Errorf("empty directory: %w", err)
	}
	return nil
}
