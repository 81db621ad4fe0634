package assay

// SealFormat names the encoding of Seal: canonical JSON of that type.
const SealFormat = "assay.seal.v1"

// A Seal is figure code as a thing that can be archived, read and rebuilt: a
// Wasm module, and the source and facts that give the same bytes again.
type Seal struct {
	Format    string   `json:"format"` // SealFormat
	Func      string   `json:"func"`   // "ColdStart"
	Module    Digest   `json:"module"`
	Source    Digest   `json:"source"`    // tar of the extracted program: main.go, go.mod, go.sum
	Kernelext Digest   `json:"kernelext"` // tar of the kernelext source it was built with
	Go        string   `json:"go"`        // "go1.26.8"
	Flags     []string `json:"flags"`     // of go build
}

// FigureFormat names the encoding of Figure: canonical JSON of that type.
const FigureFormat = "assay.figure.v1"

// A Figure is what it takes to draw again, exactly: sealed code, tables, and
// the digests of what came out.
type Figure struct {
	Format  string            `json:"format"` // FigureFormat
	Name    string            `json:"name"`
	Seal    Digest            `json:"seal"` // of the Seal
	Module  Digest            `json:"module"`
	Tables  []FigureTable     `json:"tables"`
	Width   float64           `json:"width_mm"`
	Outputs map[string]Digest `json:"outputs"` // by format: "svg", "png", "pdf", "txt"
}

// OutputType returns the media type of an output's format; "" for what is none.
func OutputType(format string) string {
	switch format {
	case "svg":
		return "image/svg+xml"
	case "png":
		return "image/png"
	case "pdf":
		return "application/pdf"
	case "txt":
		return "text/plain"
	}
	return ""
}

// From names what the table is of: a run by its ID, or a trace of an import,
// "fs23/requests".
func (t FigureTable) From() string {
	if t.Import != "" {
		return t.Import + "/" + t.Of
	}
	return t.Run
}

// A FigureTable is one input of a figure, and the projection that made it.
type FigureTable struct {
	Digest  Digest   `json:"digest"`           // of the table's bytes
	Run     string   `json:"run,omitempty"`    // Run.ID; "" if it is of an import
	Import  string   `json:"import,omitempty"` // Import.Name
	Of      string   `json:"of,omitempty"`     // ImportTrace.Name
	Trace   Digest   `json:"trace"`
	Columns []string `json:"columns"`
}
