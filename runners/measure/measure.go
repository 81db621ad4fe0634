// Package measure runs one command and says what it cost and how it ended:
// wall time, processor time, memory, counters, status, output.
// docs/measuring.md states what each number spans and where it deceives.
//
// Commands are not started by the caller but by a launcher: a separate process
// that stays small, because Linux hands the parent's peak memory on to its
// children. The package knows no runtime and no plan; a command that fails is
// a Result, and an error means that we could not find out.
package measure

import (
	"errors"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/shimwire"
)

// ErrNeedsLinux reports that this system cannot measure.
var ErrNeedsLinux = errors.New("measuring needs Linux 5.4 or later: run it on such a host")

// TailSize is how many last bytes of each output stream a Result keeps.
const TailSize = 16 << 10

// HeadSize is how many first bytes of stderr it keeps as well: what says that a
// guest trapped comes before a trace of any length.
const HeadSize = 4 << 10

// Options say how one command is run and what is taken of it.
type Options struct {
	Limits assay.Limits // all but Memory set
	Calls  int          // that it is asked for and must report (assay.CallsVariable); 0: none
	Shim   bool         // it is a shim, which reports on descriptor 3 (docs/shim-protocol.md), with Calls and Count
	Count  bool         // the shim counts what the guest executes
	Memory bool         // hold it at its exit and read its memory: its times mean nothing then
	CPUs   string       // processors it may run on, a list that CheckCPUs has let through; "": those that the launcher may
	Group  []string     // directories of its control group, one a hierarchy: see Groups; nil: that of the launcher
}

// A Result is what one command cost and how it ended.
type Result struct {
	StartNS     int64           // Now when it was started; 0 if it was not
	WallNS      int64           // from just before the fork until its end was seen
	FirstByteNS int64           // from just before the fork until the first byte of stdout, less assay.Command.Chatter, was read; 0: there was none
	Usage       Usage           // zero if it was not started
	RSSBytes    *int64          // peak resident set of the largest single process; nil at or below FloorBytes; with Options.Memory of the process itself, exact
	PSSBytes    *int64          // with Options.Memory: proportional set of the process itself at its exit; nil if that could not be read
	FloorBytes  int64           // what the launcher itself had held by then
	Exit        int             // status; -1 if it died by a signal or did not start
	Signal      string          // "SIGSEGV"; "" if it exited
	Killed      assay.Outcome   // assay.Timeout or assay.Limit if we ended it, else ""
	Reason      string          // why it was killed or could not be started
	Stdout      assay.Digest    // of all of stdout, less assay.Command.Chatter; zero if something that outlived the command kept it open
	StdoutTail  []byte          // last TailSize bytes
	StderrHead  []byte          // first HeadSize bytes, without reports of calls
	StderrTail  []byte          // last TailSize bytes, without reports of calls
	OutBytes    int64           // stdout and stderr together
	Calls       Calls           // what it reported, if it was asked to
	Report      shimwire.Report // what the shim reported, of Options.Shim
}

// Started reports whether the command could be started at all.
func (r Result) Started() bool { return r.StartNS != 0 }

// Wrong says what is wrong with what the command reported of itself; "":
// nothing, or nothing was asked for.
func (r Result) Wrong() string {
	if r.Calls.Wrong != "" {
		return r.Calls.Wrong
	}
	return r.Report.Wrong
}

// A Usage is what a process and the children it waited for used.
type Usage struct {
	UserNS, SystemNS int64  // their sum is exact, the split is made of ticks
	Minor, Major     int64  // page faults without and with I/O
	Waits, Preempts  int64  // context switches: it waited, it was preempted
	Reads, Writes    int64  // bytes from storage, and to the page cache to be written there
	Cycles, Instrs   *int64 // in user mode; nil: the host has no counters, or they were shared
}

// CPUNS returns user and system time together.
func (u Usage) CPUNS() int64 { return u.UserNS + u.SystemNS }
