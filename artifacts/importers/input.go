package importers

import (
	"io/fs"

	"github.com/assay-notebooks/assay"
)

// An Input is what is imported, and how.
type Input struct {
	Files   fs.FS        // what was found; a single file is an FS with that file in its root
	Mapping []byte       // of the format "table": what its columns mean, YAML (docs/import.md)
	Facts   []assay.Fact // that no file says; each becomes a column of every trace
	Lenient bool         // rows that cannot be read go into the trace "rejected"

	// Keep is called with each file's path and bytes, once, before they are
	// read: it archives them and returns their digest. It may be called by
	// several goroutines at once.
	Keep func(path string, b []byte) (assay.Digest, error)
}
