package assay

// A Finding is a defect of data that is seen without measuring again: of an
// import, of a run, or of several that are compared. Everything that shows
// the same thing in the same place is one Finding.
type Finding struct {
	Rule     string    `json:"rule"`            // "little": docs/lint.md has them all
	Severity Severity  `json:"severity"`        // how much of a conclusion it takes away
	Subject  string    `json:"subject"`         // the reference that was looked at; several are joined by ", "
	Trace    string    `json:"trace,omitempty"` // of an import; several are joined by ", "
	Where    []Fact    `json:"where,omitempty"` // what the rows have in common: system "a", machine "b"
	Rows     int       `json:"rows"`            // that show it
	Of       int       `json:"of"`              // rows there were to look at
	Examples []RowAt   `json:"examples,omitempty"`
	Number   *Estimate `json:"number"` // that shows it; nil where it is no number
	Says     string    `json:"says"`   // what was found, in one sentence
	Effect   string    `json:"effect"` // what it does to conclusions
	Remedy   string    `json:"remedy"` // what would mend it
}

// A Severity says how much a Finding takes away.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // numbers cannot be what they are said to be: conclusions from them are wrong
	SeverityWarning Severity = "warning" // a conclusion that does not account for it is likely to be wrong
	SeverityNote    Severity = "note"    // a reader must know it
)

// A RowAt is a row that shows a Finding.
type RowAt struct {
	Row    int64   `json:"row"`              // in the trace, from 0
	Source string  `json:"source,omitempty"` // path of the file it is from
	Line   int64   `json:"line,omitempty"`   // and its line there, from 1
	Value  float64 `json:"value"`            // what Number says of all, for this row
}
