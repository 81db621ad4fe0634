package notebook

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
)

//go:embed template
var templates embed.FS

// A Template is a notebook to begin with.
type Template struct {
	Name string `json:"name"`
	Says string `json:"says"`
}

// Templates are the notebooks that New can make.
var Templates = []Template{
	{"empty", "the imports, and one cell"},
	{"experiment", "a workload, an experiment under the cold-start protocol, a figure"},
}

// New returns a notebook made from a template.
func New(name string) (*nbformat.Notebook, error) {
	var names []string
	for _, t := range Templates {
		if t.Name == name {
			b, err := templates.ReadFile(path.Join("template", name+".ipynb"))
			if err != nil {
				return nil, err
			}
			return nbformat.Parse(b)
		}
		names = append(names, t.Name)
	}
	return nil, fmt.Errorf("no template %q: there are %s", name, strings.Join(names, ", "))
}
