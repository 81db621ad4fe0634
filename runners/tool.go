package runners

import "github.com/assay-notebooks/assay"

// A Tool says which program a runtime is, and how a host comes by it.
type Tool struct {
	Bin     string   // its name in PATH, or of what Build makes; "": the workload is the program
	Probe   []string // arguments that make it print its version
	Least   int      // lowest major version that will do; 0: any
	Series  string   // "0.14": the versions whose command line is known; "": all
	Remedy  string   // what a person does to get it: "install Node.js 20 or later"
	Build   *Build   // how it is built with Go, at its first use; nil: it is installed, or looked for in PATH
	Package string   // the name in runtimes.lock of what `assay runtimes install` installs it from; "": it cannot
	Script  *Script  // a file of ours that it runs; becomes RuntimeVersion.Files[0]
	Unified bool     // it knows no host with both versions of control groups: there it is shown the second alone
	Module  string   // an npm package that Script imports: its entry becomes Files[1]; "": none
}

// A Build is a Go program built at a pinned version, outside of any checkout.
type Build struct {
	Package string            // import path of the main package, the tool of Mod
	Version string            // of the module that holds it
	Mod     []byte            // go.mod
	Sum     []byte            // go.sum: what is downloaded is checked against it
	Files   map[string][]byte // of the program's own module, by path, "main.go", where Mod is that; nil: Package is another's
}

// A Script is a file that assay brings along.
type Script struct {
	Name string // "v8.mjs"
	Data []byte
}

// A Package is something that can be installed: what is fetched, by digest,
// and what is done with it. runtimes.lock has one for each name and version.
// Exactly one of the pointers is set.
type Package struct {
	Name    string `yaml:"name" json:"name"`       // "wasmtime"; what several runtimes share: "wasmer"
	Version string `yaml:"version" json:"version"` // of the program, as it says it itself
	Program string `yaml:"program" json:"program"` // path of the program in what is installed

	Wheel   *Wheel   `yaml:"wheel,omitempty" json:"wheel,omitempty"`
	Crate   *Crate   `yaml:"crate,omitempty" json:"crate,omitempty"`
	Go      *GoShim  `yaml:"go,omitempty" json:"go,omitempty"`
	Debian  *Debian  `yaml:"debian,omitempty" json:"debian,omitempty"`
	Archive *Archive `yaml:"archive,omitempty" json:"archive,omitempty"`
	Lucet   *Lucet   `yaml:"lucet,omitempty" json:"lucet,omitempty"`
}

// A Wheel is files of a wheel of the Python Package Index.
type Wheel struct {
	Project string                  `yaml:"project" json:"project"`
	Version string                  `yaml:"version" json:"version"`
	Files   map[string]assay.Digest `yaml:"files" json:"files"` // wheels by platform ("linux/amd64"), with their digests
	Keep    []string                `yaml:"keep" json:"keep"`   // files and directories in the wheel that are kept, and may execute
}

// A Crate is a Rust program that cargo builds with a Cargo.lock.
type Crate struct {
	Name     string       `yaml:"name,omitempty" json:"name,omitempty"`         // on crates.io; "": Source
	Version  string       `yaml:"version,omitempty" json:"version,omitempty"`   // on crates.io
	Digest   assay.Digest `yaml:"digest,omitempty" json:"digest,omitzero"`      // of the .crate file, which holds the Cargo.lock
	Source   string       `yaml:"source,omitempty" json:"source,omitempty"`     // a folder of shims/, ours, with its Cargo.lock
	Features []string     `yaml:"features,omitempty" json:"features,omitempty"` // besides the default ones
	Needs    []string     `yaml:"needs,omitempty" json:"needs,omitempty"`       // commands and Debian packages that the build wants, "cmake", "libclang-14-dev"
	Shares   string       `yaml:"shares,omitempty" json:"shares,omitempty"`     // what is compiled, with all packages that name the same here; "": nothing
}

// Lucet is two crates of 2020 that only the Rust of their time compiles.
type Lucet struct {
	Compiler Crate  `yaml:"compiler" json:"compiler"`
	Runtime  Crate  `yaml:"runtime" json:"runtime"`
	Rust     string `yaml:"rust" json:"rust"` // version of the toolchain, which rustup fetches
}

// A GoShim is a program of ours in a module of its own.
type GoShim struct {
	Source string `yaml:"source" json:"source"`                   // a folder of shims/: shims.Source has its files
	Wheel  *Wheel `yaml:"wheel,omitempty" json:"wheel,omitempty"` // whose kept files, libraries, lie beside the program; nil: none
}

// Debian is packages of a Debian release, extracted beside the system with all
// that they depend on, the C library and its loader included, or without.
type Debian struct {
	Release  string                  `yaml:"release" json:"release"` // "trixie"
	Packages []string                `yaml:"packages" json:"packages"`
	Alone    bool                    `yaml:"alone,omitempty" json:"alone,omitempty"` // without what they depend on, which the host has: of a program that starts its own file again, where the loader would be
	Files    map[string]assay.Digest `yaml:"files" json:"files"`                     // every .deb, by its file's name, which has version and architecture
}

// An Archive is a release archive (.tar.gz, .tar.xz, .zip) at its upstream.
type Archive struct {
	URL    map[string]string       `yaml:"url" json:"url"`       // by platform
	Digest map[string]assay.Digest `yaml:"digest" json:"digest"` // by platform
}
