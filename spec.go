package assay

// A Spec is an experiment as a person writes it, in a file or a cell:
// workloads by reference, fields left out where the default will do. Resolving
// the references gives an Experiment.
type Spec struct {
	Name      string       `json:"name" yaml:"name"`
	Workloads []string     `json:"workloads" yaml:"workloads"` // names in assay.lock, digests, or paths
	Runtimes  []string     `json:"runtimes" yaml:"runtimes"`
	Params    []Param      `json:"params,omitempty" yaml:"params,omitempty"`
	Protocol  Protocol     `json:"protocol" yaml:"protocol"`
	Limits    SpecLimits   `json:"limits,omitzero" yaml:"limits,omitempty"`
	Figures   []FigureSpec `json:"figures,omitempty" yaml:"figures,omitempty"` // drawn after a run; no part of the experiment
}

// SpecLimits are Limits as a person writes them.
type SpecLimits struct {
	Timeout string `json:"timeout,omitempty" yaml:"timeout,omitempty"` // "60s"
	Memory  string `json:"memory,omitempty" yaml:"memory,omitempty"`   // "512MiB"
	Output  string `json:"output,omitempty" yaml:"output,omitempty"`   // "16MiB"
}

// A FigureSpec says how to draw one figure from an experiment's samples.
type FigureSpec struct {
	Name    string   `json:"name" yaml:"name"`
	Func    string   `json:"func" yaml:"func"`                             // a top-level function of the Go package in Source
	Source  string   `json:"source" yaml:"source"`                         // directory
	Columns []string `json:"columns" yaml:"columns"`                       // of the trace, for the figure's table
	Formats []string `json:"formats,omitempty" yaml:"formats,omitempty"`   // default svg, png
	Width   float64  `json:"width_mm,omitempty" yaml:"width_mm,omitempty"` // default 178
}
