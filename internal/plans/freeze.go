// Package plans makes an experiment for a host into its plan: every trial named,
// and put in order by the seed that is the experiment's identity. It knows what
// a protocol may ask, and what it asks of each plan.
//
// It finds no program, reads no workload and starts nothing: what a trial's
// commands are it is told.
package plans

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// Identity is an experiment's digest: of the question alone.
func Identity(exp assay.Experiment) (assay.Digest, error) { return canonical.Digest(exp) }

// seed is the first 64 bits of an experiment's digest.
func seed(experiment assay.Digest) uint64 { return binary.BigEndian.Uint64(experiment[:8]) }

// A Treat makes the commands of one trial: those of the i-th runtime of the
// experiment for a workload whose parameters have been put in, or the reason
// why there are none.
type Treat func(i int, wl assay.Workload) (assay.Trial, error)

// Freeze makes the plan of exp for a host: the full matrix in the order
// workload, parameters, runtime, the first runtime twice if it is to be its own
// control, and for each block a random order of it that follows from the seed.
func Freeze(exp assay.Experiment, host string, trial Treat) (assay.Plan, error) {
	id, err := Identity(exp)
	if err != nil {
		return assay.Plan{}, err
	}
	protocol := exp.Protocol
	how := ShapeOf(protocol)
	plan := assay.Plan{
		Format:      assay.PlanFormat,
		Experiment:  id,
		Name:        exp.Name,
		Host:        host,
		Seed:        fmt.Sprintf("%016x", seed(id)),
		Limits:      exp.Limits,
		Warmup:      how.Warmup,
		Calls:       how.Calls,
		WarmCalls:   how.WarmCalls,
		Changepoint: how.Changepoint,
		Phases:      protocol.Phases != nil,
		Memory:      protocol.Memory != nil,
		Count:       protocol.Count != nil,
		CPUs:        protocol.CPUs,
		Padding:     protocol.Padding,
	}
	for _, wl := range exp.Workloads {
		for _, params := range combinations(exp.Params) {
			asked := substitute(wl, params)
			if protocol.Steady != nil {
				asked = ask(asked, how.Calls)
			}
			for i, runtime := range exp.Runtimes {
				var t assay.Trial
				if protocol.Steady != nil && !wl.Steady {
					t.Unsupported = wl.Name + " does not say that it makes calls and reports them: see steady in docs/workload.md"
				} else if t, err = trial(i, asked); err != nil {
					return plan, fmt.Errorf("plan %s: %s on %s: %w", exp.Name, wl.Name, runtime, err)
				}
				t.Workload, t.Manifest, t.Runtime, t.Params, t.Expect = wl.Name, wl.Manifest, runtime, params, wl.Expect
				plan.Trials = append(plan.Trials, t)
				if i == 0 && protocol.Control {
					t.Runtime, t.Control = runtime+assay.ControlSuffix, true
					plan.Trials = append(plan.Trials, t)
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed(id), 0))
	for range how.Blocks {
		plan.Order = append(plan.Order, rng.Perm(len(plan.Trials)))
	}
	return plan, nil
}

// ask adds to the workload's environment that it shall make so many calls.
func ask(wl assay.Workload, calls int) assay.Workload {
	wl.Env = append(slices.Clone(wl.Env), fmt.Sprintf("%s=%d", assay.CallsVariable, calls))
	return wl
}

// combinations returns every choice of one value a parameter, the last
// parameter varying fastest; one empty choice where there are none.
func combinations(params []assay.Param) []map[string]string {
	all := []map[string]string{nil}
	for _, p := range params {
		var next []map[string]string
		for _, have := range all {
			for _, v := range p.Values {
				m := map[string]string{p.Name: v}
				for k, old := range have {
					m[k] = old
				}
				next = append(next, m)
			}
		}
		all = next
	}
	return all
}

// substitute puts params into the workload's arguments and environment.
func substitute(wl assay.Workload, params map[string]string) assay.Workload {
	if len(params) == 0 {
		return wl
	}
	var pairs []string
	for k, v := range params {
		pairs = append(pairs, "${"+k+"}", v)
	}
	r := strings.NewReplacer(pairs...)
	put := func(ss []string) []string {
		ss = slices.Clone(ss)
		for i := range ss {
			ss[i] = r.Replace(ss[i])
		}
		return ss
	}
	wl.Args, wl.Env = put(wl.Args), put(wl.Env)
	return wl
}
