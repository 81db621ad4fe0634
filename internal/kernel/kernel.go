// Package kernel is assay as a Jupyter kernel: GoNB compiles and runs the
// cells, and this package is GoNB's parent. It sees to the programs and
// modules that cells need, serves the cells' requests on a socket, and leaves
// nothing behind when it ends.
//
// It speaks no Jupyter itself, but to say why GoNB cannot run. docs/kernel.md
// shows how it is put together.
package kernel

// Name is the name of the kernelspec; DisplayName is what people see.
const (
	Name        = "assay"
	DisplayName = "Go (assay)"
	Language    = "go"
)

// Options say where things are.
type Options struct {
	Assay    string `json:"assay"`              // path of the assay program: cells start it, kernelspecs name it
	Cache    string `json:"cache"`              // directory for programs and sources
	Headless bool   `json:"headless,omitempty"` // nobody types: no gopls
}
