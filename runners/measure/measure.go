// Package measure runs one command and says what it cost and how it ended:
// wall time, processor time, peak memory, status, output. docs/measuring.md
// states what each number spans and where it deceives.
//
// Commands are not started by the caller but by a launcher: a separate process
// that stays small, because Linux hands the parent's peak memory on to its
// children. The package knows no runtime and no plan; a command that fails is
// a Result, and an error means that we could not find out.
package measure

import (
	"errors"

	"github.com/assay-notebooks/assay"
)

// ErrNeedsLinux reports that this system cannot measure.
var ErrNeedsLinux = errors.New("measuring needs Linux 5.4 or later: run it on such a host")

// TailSize is how many last bytes of each output stream a Result keeps.
const TailSize = 16 << 10

// A Result is what one command cost and how it ended.
type Result struct {
	StartNS    int64         // Now when it was started; 0 if it was not
	WallNS     int64         // from just before the fork until its end was seen
	CPUNS      int64         // user + system, its own and that of children it waited for
	RSSBytes   *int64        // peak resident set of the largest single process; nil at or below FloorBytes
	FloorBytes int64         // what the launcher itself had held by then
	Exit       int           // status; -1 if it died by a signal or did not start
	Signal     string        // "SIGSEGV"; "" if it exited
	Killed     assay.Outcome // assay.Timeout or assay.Limit if we ended it, else ""
	Reason     string        // why it was killed or could not be started
	Stdout     assay.Digest  // of all of stdout; zero if something that outlived the command kept it open
	StdoutTail []byte        // last TailSize bytes
	StderrTail []byte        // last TailSize bytes, without reports of calls
	OutBytes   int64         // stdout and stderr together
	Calls      Calls         // what it reported, if it was asked to
}

// Started reports whether the command could be started at all.
func (r Result) Started() bool { return r.StartNS != 0 }
