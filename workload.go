package assay

import (
	"encoding/hex"
	"strings"
)

// A Form is what kind of file a workload is executed from.
type Form string

// The forms. A workload has a Wasm module, and perhaps the same source built
// differently; or it is a container image that others made, and has no module.
const (
	Wasm   Form = "wasm"   // a module for wasip1
	Native Form = "native" // a static executable of the host's system and processor
	Image  Form = "image"  // a container image
)

// A Variant is a Wasm module of a workload beside its Module, from the same
// source.
type Variant string

// The variants. A reactor exports run, without parameters, which does the
// workload's work once and returns its answer as an i32: what the command
// prints, as an unsigned decimal number and a line end.
const (
	MVP        Variant = "mvp"         // the command without any feature after the first version of WebAssembly, for runtimes that have none
	Reactor    Variant = "reactor"     // for calls of run in one instance
	ReactorMVP Variant = "reactor-mvp" // both
)

// A Workload is a pinned program plus its fixed inputs. Its identity is the
// digest of one OCI manifest, which names the bytes of every form.
type Workload struct {
	Name     string             `json:"name"`               // how tables and figures call it
	Manifest Digest             `json:"manifest"`           // the OCI manifest: the identity
	Module   Digest             `json:"module,omitzero"`    // the Wasm module: a command, or what is its variant Reactor, too; zero: it has none
	Variants map[Variant]Digest `json:"variants,omitempty"` // the same source as other Wasm modules
	Native   map[string]Digest  `json:"native,omitempty"`   // executables by "linux/amd64"
	Image    map[string]Digest  `json:"image,omitempty"`    // container image manifests by "linux/amd64"
	Args     []string           `json:"args,omitempty"`     // without argv[0]
	Env      []string           `json:"env,omitempty"`      // KEY=VALUE, in order
	Stdin    Digest             `json:"stdin,omitzero"`     // zero: empty
	Expect   Expectation        `json:"expect,omitzero"`    // what a right answer is
	Scratch  bool               `json:"scratch,omitempty"`  // it wants an empty directory to write to, as its working directory
	Steady   bool               `json:"steady,omitempty"`   // it makes and reports as many calls as it is asked for: see CallsVariable
	Source   map[string]string  `json:"source,omitempty"`   // source digest, toolchain, licence, for people and reports
}

// An Expectation says what a right answer is. A wrong answer is a failure
// (WrongOutput), however fast it came.
type Expectation struct {
	Stdout Digest `json:"stdout,omitzero"` // digest of the whole of stdout; zero: anything
	Exit   int    `json:"exit,omitempty"`  // exit status
}

// CallsVariable is the environment variable that asks a workload for calls, in
// decimal: it then does its work so many times, one after another, answers
// once, and writes a line of CallReport, a space and nanoseconds for each call,
// in order, to standard error. docs/workload.md has an example.
const (
	CallsVariable = "ASSAY_CALLS"
	CallReport    = "assay-call"
)

// Filename returns name made safe to be one element of a path or a reference:
// what is not a letter, digit, '.', '_' or '-' is hex-escaped with '%'.
func Filename(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && b.Len() > 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}
