package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// Exit statuses of a worker, and of node.mjs, besides those of the module.
const (
	exitTrap   = 125 // the module trapped; the last line of stderr says how
	exitEngine = 124 // it did not begin; stderr says why
)

// WorkerArg is the argument by which a program that can be a worker knows that
// it is meant to be one. See Options.Worker.
const WorkerArg = "figure-worker"

// An order is what a worker reads before the module, in one line.
type order struct {
	Engine   Engine `json:"engine"`
	Cache    string `json:"cache,omitempty"`
	Limits   Limits `json:"limits"`
	Module   int    `json:"module_bytes"`
	Protocol int    `json:"protocol"` // workerProtocol
}

const workerProtocol = 1

// Work is the main function of a worker: it runs one module, which has the
// rest of stdin as its input, and returns the exit status. Killing the process
// is the only way to stop it.
func Work(stdin io.Reader, stdout, stderr io.Writer) (status int) {
	in := bufio.NewReader(stdin)
	module, o, err := readOrder(in)
	if err != nil {
		fmt.Fprintln(stderr, "figure worker:", err)
		return exitEngine
	}
	exit, err := runWazero(context.Background(), module, in, stdout, stderr, o)
	if trap, ok := errors.AsType[*trapError](err); ok {
		fmt.Fprintf(stderr, "\n%s\n", trap.message)
		return exitTrap
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitEngine
	}
	return exit
}

func readOrder(in *bufio.Reader) (module []byte, o Options, err error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, o, err
	}
	var order order
	if err := json.Unmarshal(line, &order); err != nil {
		return nil, o, err
	}
	if order.Protocol != workerProtocol {
		return nil, o, fmt.Errorf("protocol %d, want %d", order.Protocol, workerProtocol)
	}
	module = make([]byte, order.Module)
	_, err = io.ReadFull(in, module)
	return module, Options{Engine: order.Engine, Cache: order.Cache, Limits: order.Limits}, err
}

// runWorker has a worker run the module.
func runWorker(ctx context.Context, module, input []byte, stdout, stderr io.Writer, o Options) (exit int, err error) {
	line, err := json.Marshal(order{o.Engine, o.Cache, o.Limits, len(module), workerProtocol})
	if err != nil {
		return 0, err
	}
	stdin := io.MultiReader(bytes.NewReader(append(line, '\n')), bytes.NewReader(module), bytes.NewReader(input))
	return runProcess(ctx, process{argv: o.Worker, stdin: stdin, stdout: stdout, stderr: stderr})
}

// A process runs a module.
type process struct {
	argv           []string
	dir            string // "": this one
	stdin          io.Reader
	stdout, stderr io.Writer
}

// runProcess returns the module's exit status. It kills the process when ctx
// ends; on Linux the process also dies with this one, whatever kills it.
func runProcess(ctx context.Context, p process) (exit int, err error) {
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, []string{"TZ=UTC"} // NODE_OPTIONS, GODEBUG and the like stay out
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.WaitDelay = time.Second
	defer dieTogether(cmd)()
	err = cmd.Run()
	status, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, nil
	case !exited || status.ExitCode() < 0:
		return 0, fmt.Errorf("run %s: %w", p.argv[0], err)
	case status.ExitCode() == exitTrap:
		return 0, &trapError{"the engine says what is on the last line"}
	case status.ExitCode() == exitEngine:
		return 0, errEngine
	default:
		return status.ExitCode(), nil
	}
}

// errEngine says that the reason is on stderr.
var errEngine = errors.New("the engine could not begin")
