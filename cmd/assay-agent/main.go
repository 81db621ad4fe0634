// Command assay-agent is put on a host to run a plan there: it starts the
// commands, measures them and writes the journal.
//
//	assay-agent run DIR      run what is missing of DIR/plan.json
//	assay-agent version      print its version
//
// It is small because it shares the machine with what it measures. SIGTERM and
// SIGINT end it after killing the running command; a second run goes on from
// there. Exit status: 0 complete, 1 error, 2 usage, 3 another agent is at work
// in DIR, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/agent"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
)

const usage = "usage: assay-agent run DIR | assay-agent version"

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 1 && args[0] == "launch": // started by the agent itself
		exit(measure.Launch())
	case len(args) == 2 && args[0] == "run":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		exit(agent.Run(ctx, args[1]))
	case len(args) == 1 && args[0] == "version":
		version := "unknown"
		if info, ok := debug.ReadBuildInfo(); ok {
			version = info.Main.Version
		}
		fmt.Println("assay-agent", version)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "assay-agent:", err)
	switch {
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	case errors.Is(err, journal.ErrLocked):
		os.Exit(runners.AgentBusy)
	default:
		os.Exit(1)
	}
}
