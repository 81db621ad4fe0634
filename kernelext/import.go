package kernelext

import (
	"maps"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Files are files of other programs, to be imported.
type Files struct {
	Format  string            // what they are: "ab-sweep"; docs/import.md lists the formats
	Path    string            // of a file or folder, relative to the notebook
	Mapping string            // for the format "table": path of the file that says what the columns mean
	Facts   map[string]string // that no file says: "machine": "c220g5"
	Lenient bool              // keep rows that cannot be read as rejected, and import the others
}

// An Imported is the name of an archived import: assay.Imported("fs23"). Its
// methods ask for what it means.
type Imported string

// Import turns files into traces, archives both under a name, and shows what the
// columns mean and how that is known. Files that the archive has under this name
// are not imported again; where there is no such path any more, the archived
// ones will do.
func Import(name string, files Files) Imported {
	var facts []assay.Fact
	for _, f := range slices.Sorted(maps.Keys(files.Facts)) {
		facts = append(facts, assay.Fact{Name: f, Value: files.Facts[f]})
	}
	imp := ask(wire.Request{Import: &wire.Import{
		Name: name, Format: files.Format, Path: files.Path, Mapping: files.Mapping, Dir: workingDir(), Facts: facts, Lenient: files.Lenient,
	}}).Import
	return Imported(imp.Name)
}

// Record returns everything about the import that is not in its traces.
func (i Imported) Record() assay.Import {
	return *ask(wire.Request{Imported: &wire.Imported{Name: string(i)}}).Import
}

// Samples names columns of one of the import's traces; where the import was
// made, they are listed.
func (i Imported) Samples(trace string, columns ...string) Samples {
	return Samples{wire.Table{Import: string(i), Of: trace, Columns: columns}}
}

func (i Imported) ref() string { return "imports/" + string(i) }
