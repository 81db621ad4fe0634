// Package wire is what a program that imports kernelext and assay say to each
// other: JSON, one object a line, requests one way and responses the other.
// A request gets any number of progress responses and then one that is final.
// It refuses to grow: heavy work is done on assay's side of the line.
package wire

import "github.com/assay-notebooks/assay"

// A Request asks for one thing: exactly one of the pointers is set.
type Request struct {
	ID       int64     `json:"id"`
	Pin      *Pin      `json:"pin,omitempty"`
	Run      *Run      `json:"run,omitempty"`
	Find     *Find     `json:"find,omitempty"`
	Table    *Table    `json:"table,omitempty"`
	Draw     *Draw     `json:"draw,omitempty"`
	Runtimes *Runtimes `json:"runtimes,omitempty"`
}

// Pin asks to pin a workload: a name in assay.lock, a digest, or a path
// relative to Dir.
type Pin struct {
	Ref string `json:"ref"`
	Dir string `json:"dir"`
}

// Run asks for the archived run of an experiment, and to make it if there is
// none, or in any case.
type Run struct {
	Spec  assay.Spec `json:"spec"`
	Dir   string     `json:"dir"`
	Rerun bool       `json:"rerun,omitempty"`
}

// Find asks for an archived run by reference: an ID or an experiment's name.
type Find struct {
	Ref string `json:"ref"`
}

// Table asks for columns of a run's trace.
type Table struct {
	Run     string   `json:"run"`
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

// Runtimes asks which runtimes this host has.
type Runtimes struct{}

// A Response answers the request with the same ID. With Progress set, more
// follow.
type Response struct {
	ID       int64                  `json:"id"`
	Progress *Progress              `json:"progress,omitempty"`
	Error    string                 `json:"error,omitempty"` // one message, with its remedy
	Workload *assay.Workload        `json:"workload,omitempty"`
	Ran      *Ran                   `json:"ran,omitempty"`
	Table    []byte                 `json:"table,omitempty"` // in the encoding of package table
	Drawn    *Drawn                 `json:"drawn,omitempty"`
	Runtimes []assay.RuntimeVersion `json:"runtimes,omitempty"`
}

// Progress says how far a run is.
type Progress struct {
	Run     string `json:"run"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Current string `json:"current"` // the trial last finished
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
