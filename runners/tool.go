package runners

// A Tool says which program a runtime is, and how a host comes by it.
type Tool struct {
	Bin     string   // its name in PATH, or of what Build makes; "": the workload is the program
	Probe   []string // arguments that make it print its version
	Least   int      // lowest major version that will do; 0: any
	Remedy  string   // what a person does to get it: "install Node.js 20 or later"
	Build   *Build   // how it is built; nil: it is looked for in PATH
	Script  *Script  // a file of ours that it runs; becomes RuntimeVersion.Files[0]
	Package string   // a package that Script imports: its entry becomes Files[1]; "": none
}

// A Build is a Go program built at a pinned version, outside of any checkout.
type Build struct {
	Package string // import path of the main package, the tool of Mod
	Version string // of the module that holds it
	Mod     []byte // go.mod
	Sum     []byte // go.sum: what is downloaded is checked against it
	Main    []byte // its main.go, if Mod is the program's own module; nil: Package is another's
}

// A Script is a file that assay brings along.
type Script struct {
	Name string // "v8.mjs"
	Data []byte
}
