// Package wire is what a program that imports kernelext and assay say to each
// other: JSON, one object a line, requests one way and responses the other.
// A request gets any number of progress and display responses and then one that
// is final. It says what is wanted and what came of it, and does neither: work
// is done on assay's side of the line.
package wire

import (
	"fmt"
	"time"

	"github.com/assay-notebooks/assay"
)

// A Request asks for one thing: exactly one of the pointers is set.
type Request struct {
	ID         int64       `json:"id"`
	Show       bool        `json:"show,omitempty"`  // the asker can show pictures: send displays
	Again      bool        `json:"again,omitempty"` // asked by the initialiser of a package-level variable, which every later cell repeats
	Pin        *Pin        `json:"pin,omitempty"`
	Run        *Run        `json:"run,omitempty"`
	Find       *Find       `json:"find,omitempty"`
	Import     *Import     `json:"import,omitempty"`
	Imported   *Imported   `json:"imported,omitempty"`
	Judgements *Judgements `json:"judgements,omitempty"`
	Table      *Table      `json:"table,omitempty"`
	Trace      *Trace      `json:"trace,omitempty"`
	Draw       *Draw       `json:"draw,omitempty"`
	Claim      *Claim      `json:"claim,omitempty"`
	Lint       *Lint       `json:"lint,omitempty"`
	Runtimes   *Runtimes   `json:"runtimes,omitempty"`
	Hosts      *Hosts      `json:"hosts,omitempty"`
	Status     *Status     `json:"status,omitempty"`
	Cancel     *Cancel     `json:"cancel,omitempty"`
}

// Cancel asks to stop the request being answered: what a run has measured is
// kept, and its response says how to go on. It has no response of its own. An
// asker that goes away without it leaves a run at work.
type Cancel struct{}

// Pin asks to pin a workload: a name in assay.lock, a digest, or a path
// relative to Dir.
type Pin struct {
	Ref string `json:"ref"`
	Dir string `json:"dir"`
}

// Run asks for the archived run of an experiment, and to make it if there is
// none, or in any case.
type Run struct {
	Spec  assay.Spec    `json:"spec"`
	Dir   string        `json:"dir"`
	Hosts []string      `json:"hosts,omitempty"` // where; default local
	Rerun bool          `json:"rerun,omitempty"`
	Ready time.Duration `json:"ready_ns,omitempty"` // wait so long at most until the host has little other work, and measure nothing if it has some
}

// Find asks for an archived run by reference: an ID or an experiment's name.
type Find struct {
	Ref string `json:"ref"`
}

// Import asks to import files, unless the archive has them under this name.
type Import struct {
	Name    string       `json:"name"`
	Format  string       `json:"format"`
	Path    string       `json:"path"`              // of a file or folder, relative to Dir
	Mapping string       `json:"mapping,omitempty"` // likewise
	Dir     string       `json:"dir"`
	Facts   []assay.Fact `json:"facts,omitempty"`
	Lenient bool         `json:"lenient,omitempty"`
}

// Imported asks for an archived import by its name.
type Imported struct {
	Name string `json:"name"`
}

// Table asks for columns of a run's trace, or of one of an import's.
type Table struct {
	Run     string   `json:"run,omitempty"`
	Import  string   `json:"import,omitempty"` // in place of a run
	Of      string   `json:"of,omitempty"`     // the name of the import's trace
	Columns []string `json:"columns"`
}

// Draw asks to seal the function Func of the Go package in Dir and to draw a
// figure with it.
type Draw struct {
	Name    string   `json:"name"`
	Dir     string   `json:"dir"`
	Func    string   `json:"func"`
	Tables  []Table  `json:"tables"`
	Formats []string `json:"formats,omitempty"`
	WidthMM float64  `json:"width_mm,omitempty"`
}

// Trace asks for the raw trace of a run: Parquet.
type Trace struct {
	Run string `json:"run"`
}

// Claim asks to judge a claim by a run or an import: one of assay's ledger or the
// workspace's claims.yaml, by its ID, or one that is written in place.
type Claim struct {
	ID       string       `json:"id"`
	Check    *assay.Check `json:"check,omitempty"` // in place of those it has
	Evidence string       `json:"evidence"`        // a run's ID, or imports/NAME
}

// Lint asks what is wrong with runs and imports.
type Lint struct {
	Refs []string `json:"refs"` // as of Claim.Evidence; several are compared
}

// Judgements asks to import the judgements that assay.lock has as a table.
type Judgements struct{}

// Hosts asks which hosts experiments can run on.
type Hosts struct{}

// Status asks how far the runs are that are not archived yet.
type Status struct{}

// Runtimes asks which runtimes this host has.
type Runtimes struct{}

// A Response answers the request with the same ID. With Progress or Display
// set, more follow.
type Response struct {
	ID       int64                  `json:"id"`
	Progress *Progress              `json:"progress,omitempty"`
	Display  *Display               `json:"display,omitempty"`
	Error    string                 `json:"error,omitempty"` // one message, with its remedy
	Workload *assay.Workload        `json:"workload,omitempty"`
	Ran      *Ran                   `json:"ran,omitempty"`
	Import   *assay.Import          `json:"import,omitempty"`
	Table    []byte                 `json:"table,omitempty"` // in the encoding of package table
	Trace    *TraceFile             `json:"trace,omitempty"`
	Drawn    *Drawn                 `json:"drawn,omitempty"`
	Judged   *assay.Judgement       `json:"judged,omitempty"`
	Findings []assay.Finding        `json:"findings,omitempty"`
	Hosts    []assay.Host           `json:"hosts,omitempty"`
	Status   []Live                 `json:"status,omitempty"`
	Runtimes []assay.RuntimeVersion `json:"runtimes,omitempty"`
}

// Progress says how far a run is.
type Progress struct {
	Run     string   `json:"run"`
	Done    int      `json:"done"`
	Total   int      `json:"total"`
	Current string   `json:"current"`           // the trial last finished
	Unready []string `json:"unready,omitempty"` // what of the host is not as one wants it for measuring
	Waits   bool     `json:"waits,omitempty"`   // for that to pass: nothing is begun yet
}

// A Display is something to show in a notebook: a MIME bundle. One with an ID
// takes the place of the last with that ID.
type Display struct {
	ID       string            `json:"id,omitempty"`
	Data     map[string]string `json:"data"` // by MIME type; images in base64, as notebook files have them
	Metadata map[string]any    `json:"metadata,omitempty"`
}

// Facts is the key of a display's metadata that holds what it shows as data,
// so that two displays can be compared: always "kind", and then digests and
// names. docs/notebook.md lists them.
const Facts = "assay"

// A TraceFile is the trace of a run and a file with its bytes. The file is a
// copy, and may be gone tomorrow.
type TraceFile struct {
	Digest assay.Digest `json:"digest"`
	Path   string       `json:"path"`
}

// A Live is a run that is not archived yet.
type Live struct {
	Run   assay.Run `json:"run"`
	Done  int       `json:"done"`  // invocations in its journal
	Total int       `json:"total"` // planned
}

// String says how far the run is.
func (l Live) String() string {
	return fmt.Sprintf("%s %s: %d of %d, %s", l.Run.ID, l.Run.Name, l.Done, l.Total, l.Run.State)
}

// Ran is a run in the archive.
type Ran struct {
	Run      assay.Run     `json:"run"`
	Summary  assay.Summary `json:"summary"`
	Text     string        `json:"text"`     // the summary as a table
	Archived bool          `json:"archived"` // it was there already
}

// Drawn is a sealed figure and where its outputs were written.
type Drawn struct {
	Figure assay.Figure      `json:"figure"`
	Paths  map[string]string `json:"paths"` // by format
}
