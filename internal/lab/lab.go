// Package lab is where the columns meet: it pins workloads, freezes
// experiments into plans, has agents run them, archives what they measured,
// and draws and replays figures. A command, a cell and a web page each call
// one function of it.
//
// It holds no clever part of its own. Measuring is in runners, bytes in
// artifacts, building in images, figure code in internal/seal, programs of this
// host in internal/hosts, plans in internal/plans, assay.lock in internal/pins,
// what samples come to in internal/summary; what is here is the order of the calls
// and the books that are kept about them.
//
// Its files, by what they are about:
//
//	workspace ref live catalogue show         the books of a workspace, and names in them
//	pin check adopt                           workloads
//	host pin_runtime                          runtimes on this host, and their bits in the archive
//	experiment                                a question; internal/plans makes it a plan
//	run runs begin watch follower ready       from the plan to an agent
//	resume settle archive                     after it: going on, or into the archive
//	traces projection draw replay             from the archive to figures, again
//	import* lint noise claim*                 other people's samples, what is wrong with them, what they prove
//	graph* push fetch publish store pull_store   what was made from what, and where else it is
package lab

import (
	"errors"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/runners/install"
)

// Corrupt reports whether err is that archived bytes are not what they were.
func Corrupt(err error) bool {
	return errors.Is(err, artifacts.ErrCorrupt) || errors.Is(err, trace.ErrCorrupt) || errors.Is(err, journal.ErrCorrupt) || errors.Is(err, install.ErrDigest)
}
