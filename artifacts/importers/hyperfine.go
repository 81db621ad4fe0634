package importers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// hyperfine reads what hyperfine's --export-json writes.
var hyperfine = Format{Name: "hyperfine", Title: "hyperfine --export-json", Revision: 2, read: readHyperfine}

func readHyperfine(ctx context.Context, in *Input, out *Output) error {
	h := newHyperfineTraces(out)
	return in.each(ctx, out, "JSON of hyperfine: an object with \"results\"", func(f *file) {
		if !strings.HasPrefix(strings.TrimSpace(f.text), "{") || !strings.Contains(f.text, `"results"`) {
			return
		}
		f.kind = "hyperfine results"
		j := f.json()
		j.end(j.object(func(key string) error {
			if key != "results" {
				return j.skip()
			}
			return j.array(func() error { return h.result(j) })
		}))
	})
}

// hyperfineTraces are the traces of hyperfine's results.
type hyperfineTraces struct {
	runs                     *Trace
	run                      hyperfineCommand
	number, memory, exitCode column[int64]
	time                     column[float64]
	outcome                  column[string]
	counted                  map[string]int64 // runs so far, by command and parameters

	summaries *Trace
	summary   hyperfineCommand
	count     column[int64]
	times     [len(hyperfineTimes)]column[float64] // in their order
}

// hyperfineCommand are the columns that say what was run.
type hyperfineCommand struct {
	command, scope column[string]
	params         *textColumns
}

// hyperfineTimes are the times that a result has once.
var hyperfineTimes = [7]string{"mean", "stddev", "median", "min", "max", "user", "system"}

func newHyperfineCommand(t *Trace) hyperfineCommand {
	return hyperfineCommand{
		command: t.text(known("command", "", assay.RoleSystem, "command line, as hyperfine compares them")),
		scope:   t.text(known("scope", "", assay.RoleScope, "what the time spans: a process from its start to its end; hyperfine takes off the start of the shell")),
		params:  t.textColumns("param.", assay.RoleFactor, "parameter of the command line"),
	}
}

func newHyperfineTraces(out *Output) *hyperfineTraces {
	runs := out.trace("runs", "the timed runs of each command, without warm-up")
	h := &hyperfineTraces{runs: runs, run: newHyperfineCommand(runs), counted: make(map[string]int64)}
	h.number = runs.int(known("run", "", assay.RoleReplicate, "number of the run of its command, from 1, in order of time; each is a process"))
	h.time = runs.float(known("time", "s", assay.RoleSample, "elapsed time of the run"))
	h.memory = runs.int(known("peak_memory", "bytes", assay.RoleMemory, "highest memory use of the run's process; null before hyperfine 1.20"))
	h.exitCode = runs.int(known("exit_code", "", "", "exit status of the run; null if a signal ended it"))
	h.outcome = runs.text(known("outcome", "", assay.RoleOutcome, "ok if the exit status is 0, exit if it is another, signal if there is none"))

	h.summaries = out.trace("summaries", "one row a command: statistics that hyperfine computed")
	h.summary = newHyperfineCommand(h.summaries)
	h.count = h.summaries.int(known("runs", "", "", "number of times in the trace runs; null if the file has none"))
	roles := [...]assay.Role{assay.RoleMean, assay.RoleSpread, "", "", "", assay.RoleCPU, assay.RoleCPU}
	meanings := [...]string{"mean of the elapsed times", "sample standard deviation of the elapsed times; null of one run",
		"median of the elapsed times", "shortest elapsed time", "longest elapsed time",
		"mean processor time in user mode", "mean processor time in the kernel"}
	for i, name := range hyperfineTimes {
		h.times[i] = h.summaries.float(known(name, "s", roles[i], meanings[i]))
	}
	return h
}

// result reads the results of one command.
func (h *hyperfineTraces) result(j *jsonText) error {
	line := j.line()
	var (
		command string
		params  map[string]string
		times   []located[*float64]
		memory  []*int64
		exits   []*int64
		single  [len(hyperfineTimes)]*float64
	)
	why := ""
	seen := map[string]bool{}
	err := j.object(func(key string) error {
		if seen[key] {
			why = firstOf(why, fmt.Sprintf("%.100q stands there twice", key))
		}
		seen[key] = true
		switch at := slices.Index(hyperfineTimes[:], key); {
		case at >= 0:
			return j.field(key, &single[at], &why)
		case key == "command":
			return j.field(key, &command, &why)
		case key == "parameters":
			return j.field(key, &params, &why)
		case key == "memory_usage_byte":
			return j.field(key, &memory, &why)
		case key == "exit_codes":
			return j.field(key, &exits, &why)
		case key == "times":
			return j.array(func() error {
				time := located[*float64]{line: j.line()}
				err := j.field(key, &time.value, &why)
				if time.value == nil {
					why = firstOf(why, "times: one is null")
				} else if err := negative(h.time.v.Column, *time.value); err != nil {
					why = firstOf(why, "times: "+err.Error())
				}
				times = append(times, time)
				return err
			})
		}
		return j.skip()
	})
	if err != nil {
		return err
	}
	for _, list := range [][]*int64{memory, exits} {
		if list != nil && len(list) != len(times) && times != nil && why == "" {
			why = "the lists of times, memory and exit codes are not equally long"
		}
	}
	for i, x := range single {
		if x == nil {
			continue
		}
		if err := negative(h.times[i].v.Column, *x); err != nil {
			why = firstOf(why, hyperfineTimes[i]+": "+err.Error())
		}
	}
	if why == "" {
		why = firstOf(h.runs.full(len(times)), h.run.params.check(params), tooLong("command", command))
	}
	if why != "" {
		j.f.reject(line, command, why)
		return nil
	}
	key := command + "\x00" + fmt.Sprint(params)
	for i, time := range times {
		h.runs.row(j.f.path, time.line)
		h.run.set(command, params)
		h.counted[key]++
		h.number.set(h.counted[key])
		h.time.set(*time.value)
		if memory != nil {
			maybe(h.memory, memory[i])
		}
		if exits != nil {
			maybe(h.exitCode, exits[i])
			h.outcome.set(string(outcomeOf(exits[i])))
		}
	}
	h.summaries.row(j.f.path, line)
	h.summary.set(command, params)
	if times != nil {
		h.count.set(int64(len(times)))
	}
	for i, x := range single {
		maybe(h.times[i], x)
	}
	return nil
}

func (c hyperfineCommand) set(command string, params map[string]string) {
	c.command.set(command)
	c.scope.set(string(assay.Process))
	c.params.set(params)
}

// outcomeOf is how a process ended that had the exit status, nil for none.
func outcomeOf(exit *int64) assay.Outcome {
	switch {
	case exit == nil:
		return assay.Signal
	case *exit != 0:
		return assay.Exit
	}
	return assay.OK
}
