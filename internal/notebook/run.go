package notebook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
	"github.com/assay-notebooks/assay/internal/kernel"
)

// ErrNotStarted is matched when there is no kernel that could execute a
// notebook, or ctx has ended before there was.
var ErrNotStarted = errors.New("the kernel did not start")

// Run executes the code cells of nb in order, in a kernel of its own, and puts
// their outputs into it; what was in it before is taken out first. It stops at
// the first cell that fails, unless that or all may: that is a *CellError.
// Whatever it returns, nb holds what there is; if that matches ErrNotStarted,
// what it held. When ctx ends the cell that is executed is interrupted and
// given time to end. watch is called before and after each cell, and when one
// shows progress, but not more often than each second.
func Run(ctx context.Context, nb *nbformat.Notebook, values Values, o Options, watch func(Step)) (err error) {
	if err := Executable(nb); err != nil {
		return err
	}
	cells := executable(nb)
	if len(cells) == 0 {
		return nil
	}
	env := values.environ()
	if o.Archived {
		env = append(env, "ASSAY_MEASURE=no")
	}
	if o.KeepLock {
		env = append(env, "ASSAY_LOCK=keep")
	}
	k, err := start(ctx, o, env)
	if err != nil {
		return failure.Classed(ErrNotStarted, err)
	}
	defer func() { err = errors.Join(err, k.stop()) }()
	for _, i := range cells {
		nb.Cells[i].Outputs, nb.Cells[i].ExecutionCount = nil, nil
	}
	describe(nb, k.client.Info())
	e := &execution{kernel: k, o: o, outs: newOutputs(o.Overflow)}
	for at, i := range cells {
		c := nb.Cells[i]
		step := Step{Cell: i + 1, K: at + 1, N: len(cells), State: Begins, Line: firstLine(c.Source)}
		watch(step)
		began := time.Now()
		failure := e.cell(ctx, i+1, c, func(says string) {
			step := step
			step.State, step.Says, step.Elapsed = Works, says, time.Since(began)
			watch(step)
		})
		step.State, step.Elapsed = Done, time.Since(began)
		if failure != nil {
			step.State = Raised
			if failure.Cause != nil || !o.AllowErrors && !c.HasTag(tagRaises) {
				step.State = Failed
			}
		}
		watch(step)
		if step.State == Failed {
			return failure
		}
	}
	return nil
}

// describe says what the notebook's language is, if that is not said, as
// programs that show notebooks want it.
func describe(nb *nbformat.Notebook, info protocol.Info) {
	nb.Upgrade()
	if nb.Metadata["kernelspec"] == nil {
		nb.Metadata["kernelspec"] = map[string]any{"name": kernel.Name, "display_name": kernel.DisplayName, "language": kernel.Language}
	}
	if nb.Metadata["language_info"] == nil {
		l := info.Language
		nb.Metadata["language_info"] = map[string]any{"name": l.Name, "mimetype": l.Mimetype, "file_extension": l.Extension}
	}
}

// executable returns the indices of the cells that are executed.
func executable(nb *nbformat.Notebook) []int {
	var list []int
	for i, c := range nb.Cells {
		if c.Type == nbformat.Code && strings.TrimSpace(c.Source) != "" && !c.HasTag(tagSkip) {
			list = append(list, i)
		}
	}
	return list
}

// An execution is a notebook being executed.
type execution struct {
	kernel *running
	o      Options
	outs   *outputs
}

// errTimeout is the cause with which a cell ends that took too long.
var errTimeout = errors.New("")

var (
	errInterrupted = errors.New("interrupted")
	errInput       = errors.New("it asks for input, and nobody is there to give any: make it a parameter")
)

// cell executes the nth cell and puts its outputs into it. It returns how it
// failed, or nil. works is told of its progress.
func (e *execution) cell(ctx context.Context, n int, c *nbformat.Cell, works func(string)) *CellError {
	e.outs.begin(n)
	told := time.Now()
	output := func(m protocol.Message) {
		e.outs.add(m)
		if time.Since(told) >= time.Second && e.outs.progress != "" {
			works(e.outs.progress)
			told, e.outs.progress = time.Now(), ""
		}
	}
	going, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	if e.o.Timeout > 0 {
		timer := time.AfterFunc(e.o.Timeout, func() { interrupt(errTimeout) })
		defer timer.Stop()
	}
	// The kernel has interruptTime to end a cell that shall end.
	patient, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	asked := make(chan struct{})
	stop := context.AfterFunc(going, func() {
		defer close(asked)
		limited, cancel := context.WithTimeout(patient, interruptTime)
		defer cancel()
		_ = e.kernel.client.Interrupt(limited) // if it cannot hear, it is killed
		<-limited.Done()
		giveUp()
	})
	reply, err := e.kernel.client.Execute(patient, protocol.Code{Code: c.Source, Output: output, Input: func(protocol.Message) string {
		interrupt(errInput)
		return ""
	}})
	if !stop() {
		giveUp()
		<-asked
	}
	failure := &CellError{Cell: n, Source: c.Source}
	switch cause := context.Cause(going); {
	case errors.Is(err, protocol.ErrClosed):
		<-e.kernel.exited
		failure.Name, failure.Cause = "DeadKernel", e.kernel.end()
	case errors.Is(cause, errTimeout):
		failure.Name, failure.Cause = "Timeout", fmt.Errorf("it did not end within %v and was %s; give it longer with --timeout", e.o.Timeout, ended(err))
	case errors.Is(cause, errInput):
		failure.Name, failure.Cause = "NoInput", errInput
	case cause != nil:
		failure.Name, failure.Cause = "Interrupted", errInterrupted
	case err != nil:
		failure.Name, failure.Cause = "Protocol", err
	case reply.Status != "ok":
		failure.Name, failure.Value = reply.Name, reply.Value
	default:
		failure = nil
	}
	if err != nil {
		e.kernel.kill()
		e.kernel.client.Close() // nothing comes any more that would be added
		e.outs.failed(failure.Name, failure.Cause.Error(), nil)
	} else if reply.ExecutionCount > 0 {
		c.ExecutionCount = &reply.ExecutionCount
	}
	var kept error
	c.Outputs, kept = e.outs.end()
	if failure != nil {
		failure.Output, failure.Count = plain(c.Outputs), reply.ExecutionCount
	} else if kept != nil {
		failure = &CellError{Cell: n, Source: c.Source, Cause: kept}
	}
	return failure
}

func ended(err error) string {
	if err != nil {
		return "killed, for it did not end when it was interrupted"
	}
	return "interrupted"
}
