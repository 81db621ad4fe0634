// Package lab is where the columns meet: it pins workloads, freezes
// experiments into plans, has agents run them, archives what they measured,
// and draws and replays figures. A command, a cell and a web page each call
// one function of it.
//
// It holds no clever part of its own. Measuring is in runners, bytes in
// artifacts, building in images, figure code in internal/seal; what is here is
// the order of the calls and the books that are kept about them.
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
