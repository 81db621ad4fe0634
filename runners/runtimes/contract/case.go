package contract

import (
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
)

// A Case is a workload and how it must end.
type Case struct {
	Name   string
	Guest  string // the module in guests/, or goGuest
	Script string // the same for a POSIX shell, for runtimes that accept no modules; "": it is about modules
	Args   []string
	Env    []string
	Stdin  string
	Mount  Mount
	Memory int64        // runners.Invocation.Memory
	Limits assay.Limits // zero fields: a minute, 1 MiB of output, no limit of memory
	Killed bool         // from outside, after a second of processor time

	Status int // that the workload is expected to end with
	Want   assay.Outcome
	Native assay.Outcome // in place of Want, of runtimes that accept no modules; "": Want
	Exit   int           // status, where Want is assay.Exit
	Stdout func() string // all of it, where it ends well; nil: anything
	File   string        // what the file out of the mounted directory then holds; "": none is expected
}

// A Mount says which directory a case has as its first and only one: with the
// file in, which holds a line.
type Mount string

// The mounts.
const (
	ReadWrite Mount = "read-write"
	ReadOnly  Mount = "read-only"
)

const mounted = "mounted\n"

func says(s string) func() string { return func() string { return s } }

const (
	mib   = 1 << 20
	echo  = `printf '%s\0' "$@"`
	grows = `x=0123456789abcdef; while [ ${#x} -lt 67108864 ]; do x=$x$x; done` // to 64 MiB and more
	say   = `printf %s "$1"; printf %s "$2" >&2; exit "$3"`

	// What programs say of themselves, as runtimes do.
	words = "error: no such file\nError: failed to read input.txt\nError: failed to open directory\n"
	usage = "error: unexpected argument '--nope' found\n\nUsage: guest [FILE]\n\nFor more information, try '--help'.\n"
)

// flood is what the guest of that name writes.
func flood() string { return strings.Repeat("\x00", 1600*65520) }

var lines = strings.Repeat("0123456789abcde\n", mib/16)

// slow is for what is compiled with LLVM before it runs.
var slow = assay.Limits{Timeout: 10 * time.Minute}

// Cases is the contract.
var Cases = []Case{
	{Name: "stdout", Guest: "hello", Script: "echo hello", Want: assay.OK, Stdout: says("hello\n")},
	{Name: "exit 0", Guest: "exit", Script: `exit "$1"`, Args: []string{"0"}, Want: assay.OK, Stdout: says("")},
	{Name: "exit 1", Guest: "exit", Script: `exit "$1"`, Args: []string{"1"}, Want: assay.Exit, Exit: 1},
	{Name: "exit 3", Guest: "exit", Script: `exit "$1"`, Args: []string{"3"}, Want: assay.Exit, Exit: 3},
	{Name: "exit 42", Guest: "exit", Script: `exit "$1"`, Args: []string{"42"}, Want: assay.Exit, Exit: 42},
	{Name: "exit 126", Guest: "exit", Script: `exit "$1"`, Args: []string{"126"}, Want: assay.Exit, Exit: 126},
	{Name: "exit 134", Guest: "exit", Script: `exit "$1"`, Args: []string{"134"}, Want: assay.Exit, Exit: 134},
	{Name: "exit 255", Guest: "exit", Script: `exit "$1"`, Args: []string{"255"}, Want: assay.Exit, Exit: 255},

	{Name: "exit 3 in the start function", Guest: "start-exit", Want: assay.Exit, Exit: 3},
	{Name: "exit 256", Guest: "exit", Args: []string{"256"}, Want: assay.RuntimeCrash}, // a process has no such status

	{Name: "trap: unreachable", Guest: "trap", Script: "kill -ILL $$", Want: assay.Trap, Native: assay.Signal},
	{Name: "trap: out of bounds", Guest: "bounds", Script: "kill -SEGV $$", Want: assay.Trap, Native: assay.Signal},
	{Name: "trap: division by zero", Guest: "divide", Script: "kill -FPE $$", Want: assay.Trap, Native: assay.Signal},
	{Name: "trap: type of an indirect call", Guest: "indirect", Want: assay.Trap},
	{Name: "trap: in the start function", Guest: "start-trap", Want: assay.Trap},
	{Name: "trap: in the start function, after words without a line end", Guest: "start-says", Want: assay.Trap},
	{Name: "trap: a segment that does not fit", Guest: "segment", Want: assay.Trap},
	{Name: "trap: elements that do not fit", Guest: "elements", Want: assay.Trap},
	{Name: "trap: an exception that nobody catches", Guest: "throw", Want: assay.Trap},
	{Name: "trap: after the answer", Guest: "says", Args: []string{"answer\n", "", ""}, Script: `printf %s "$1"; kill -ILL $$`, Status: 1, Want: assay.Trap, Native: assay.Signal,
		Stdout: says("answer\n")},
	{Name: "trap: after words without a line end", Guest: "says", Args: []string{"answer", "words", ""}, Script: `printf %s "$1"; printf %s "$2" >&2; kill -ILL $$`, Want: assay.Trap, Native: assay.Signal},
	{Name: "a guest's words beside the answer", Guest: "says", Args: []string{"answer\n", words, "1"}, Script: say, Status: 1, Want: assay.OK, Stdout: says("answer\n")},
	{Name: "a guest's words alone", Guest: "says", Args: []string{"", words, "1"}, Script: say, Want: assay.Exit, Exit: 1},
	{Name: "a guest's words of its arguments", Guest: "says", Args: []string{"", usage, "2"}, Script: say, Want: assay.Exit, Exit: 2},
	{Name: "trap: stack overflow", Guest: "recursion", Want: assay.Trap, Limits: assay.Limits{Memory: 512 * mib}},
	{Name: "abort", Guest: "c", Args: []string{"abort"}, Script: "kill -ABRT $$", Want: assay.Trap, Native: assay.Signal},
	{Name: "killed", Guest: "endless", Script: "while :; do :; done", Killed: true, Want: assay.RuntimeCrash, Native: assay.Signal},

	{Name: "missing import", Guest: "missing-import", Want: assay.RuntimeCrash},
	{Name: "missing WASI function", Guest: "missing-function", Want: assay.RuntimeCrash},
	{Name: "not Wasm", Guest: "not-wasm", Want: assay.RuntimeCrash},
	{Name: "component", Guest: "component", Want: assay.RuntimeCrash},
	{Name: "nothing to start", Guest: "mute", Want: assay.RuntimeCrash},

	{Name: "feature: vectors", Guest: "vectors", Want: assay.OK},
	{Name: "feature: tail calls", Guest: "tail", Want: assay.OK},
	{Name: "feature: threads", Guest: "threads", Want: assay.OK},
	{Name: "feature: exceptions", Guest: "exceptions", Want: assay.OK},
	{Name: "feature: garbage collection", Guest: "objects", Want: assay.OK},
	{Name: "feature: several memories", Guest: "memories", Want: assay.OK},
	{Name: "feature: 64-bit memory", Guest: "memory64", Want: assay.OK},

	{Name: "arguments", Guest: "args", Script: echo, Args: []string{"a", "two words", "", "-v"}, Want: assay.OK,
		Stdout: says("a\x00two words\x00\x00-v\x00")},
	{Name: "one argument", Guest: "args", Script: echo, Args: []string{"a"}, Want: assay.OK, Stdout: says("a\x00")},
	{Name: "dashes first", Guest: "args", Script: echo, Args: []string{"--", "--help"}, Want: assay.OK, Stdout: says("--\x00--help\x00")},
	{Name: "only dashes", Guest: "args", Script: echo, Args: []string{"--"}, Want: assay.OK, Stdout: says("--\x00")},
	{Name: "an option first", Guest: "args", Script: echo, Args: []string{"--version", "-h"}, Want: assay.OK, Stdout: says("--version\x00-h\x00")},
	{Name: "arguments beyond ASCII", Guest: "args", Script: echo, Args: []string{"größer", "日本"}, Want: assay.OK, Stdout: says("größer\x00日本\x00")},
	{Name: "environment", Guest: "c", Script: `printf 'A=%s\nB=%s\nC=%s\n' "$A" "$B" "$C"`, Args: []string{"env"}, Env: []string{"A=1", "B=a=b c", "C=3"}, Want: assay.OK,
		Stdout: says("A=1\nB=a=b c\nC=3\n")},
	{Name: "a variable without a value", Guest: "c", Script: `printf 'A=%s\nB=%s\nC=%s\n' "${A-none}" "$B" "$C"`, Args: []string{"env"}, Env: []string{"A=", "B=2", "C=3"}, Want: assay.OK,
		Stdout: says("A=\nB=2\nC=3\n")},
	{Name: "nothing else in the environment", Guest: "env", Script: `printf %s "$ASSAY_CONTRACT"`, Want: assay.OK, Stdout: says("")},

	{Name: "directory: read", Guest: "c", Args: []string{"read"}, Script: "cat in", Mount: ReadWrite, Want: assay.OK, Stdout: says(mounted)},
	{Name: "directory: write", Guest: "c", Args: []string{"write"}, Script: `echo written >out && echo written`, Mount: ReadWrite, Want: assay.OK,
		Stdout: says("written\n"), File: "written\n"},
	{Name: "directory: write, by Go", Guest: goGuest, Args: []string{"write"}, Mount: ReadWrite, Limits: slow, Want: assay.OK,
		Stdout: says("written\n"), File: "written\n"},
	{Name: "directory: seek", Guest: "seek", Mount: ReadWrite, Want: assay.OK, Stdout: says(mounted)},
	{Name: "directory: remove", Guest: "remove", Mount: ReadWrite, Want: assay.OK, Stdout: says("removed\n")},
	{Name: "no directory", Guest: "open", Want: assay.OK, Stdout: says("refused\n")},
	{Name: "read-only directory: read", Guest: "c", Args: []string{"read"}, Script: "cat in", Mount: ReadOnly, Want: assay.OK, Stdout: says(mounted)},
	{Name: "read-only directory: write", Guest: "c", Args: []string{"write"}, Script: `(echo written >out) 2>&- && echo written || echo refused`, Mount: ReadOnly, Want: assay.OK, Stdout: says("refused\n")},

	{Name: "1 MiB of stdin", Guest: "stdin", Script: "cat", Stdin: lines, Limits: assay.Limits{Output: 2 * mib}, Want: assay.OK, Stdout: says(lines)},
	{Name: "100 MB of stdout", Guest: "flood", Script: "head -c 104832000 /dev/zero", Limits: assay.Limits{Output: 101 * mib}, Want: assay.OK, Stdout: flood},
	{Name: "stdout beyond a limit", Guest: "flood", Script: "head -c 104832000 /dev/zero", Want: assay.Limit},
	{Name: "endless", Guest: "endless", Script: "while :; do :; done", Limits: assay.Limits{Timeout: time.Second}, Want: assay.Timeout},
	{Name: "memory that grows", Guest: "grow", Script: grows, Want: assay.OK},
	{Name: "memory beyond the runtime's limit", Guest: "growth", Script: grows, Memory: 16 * mib, Want: assay.OK, Native: assay.Signal, Stdout: says("refused\n")},
	{Name: "memory beyond the process's limit", Guest: "large", Limits: assay.Limits{Memory: 384 * mib}, Want: assay.Limit,
		Script: `x=0123456789abcdef; while [ ${#x} -lt 536870912 ]; do x=$x$x; done; while :; do :; done`},

	{Name: "C", Guest: "c", Script: "echo two+words", Args: []string{"two", "words"}, Want: assay.OK, Stdout: says("two+words\n")},
	{Name: "Go", Guest: goGuest, Script: "echo two+words", Args: []string{"two", "words"}, Limits: slow, Want: assay.OK, Stdout: says("two+words\n")},
}
