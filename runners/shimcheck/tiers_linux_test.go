package shimcheck_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/runners/runtimes"
)

// tiers is loaded into Node before the shim of V8. It prints which of V8's
// compilers made the export run: once it is there, and when the process ends.
const tiers = `
const { Instance } = WebAssembly;
let run;
const tell = (when) => process._rawDebug(when,
  %IsUncompiledWasmFunction(run) ? "none" : %IsLiftoffFunction(run) ? "liftoff" : %IsTurboFanFunction(run) ? "turbofan" : "unknown");
WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, imports);
    if (run || !this.exports.run) return;
    run = this.exports.run;
    tell("before");
  }
};
process.on("exit", () => tell("after"));
`

// TestTiers asks V8 whether a mode is what it is called: all is compiled
// before the first call, and by that compiler until the last one.
func TestTiers(t *testing.T) {
	probe := filepath.Join(t.TempDir(), "tiers.cjs")
	if err := os.WriteFile(probe, []byte(tiers), 0o666); err != nil {
		t.Fatal(err)
	}
	shim := runtimes.V8.Shim()
	argv := slices.Insert(command(t, "v8", *shim), 1, "--allow-natives-syntax", "--require", probe)
	for mode, want := range map[string]string{
		"default":  "before none\nafter ", // by either, for it is made anew where it is hot
		"liftoff":  "before liftoff\nafter liftoff\n",
		"turbofan": "before turbofan\nafter turbofan\n",
	} {
		var stderr strings.Builder
		cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], "--mode", mode, "--calls", "5000", filepath.Join("guests", "region.wasm"))...)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if got := stderr.String(); err != nil || string(out) != "7\n" || !strings.HasPrefix(got, want) {
			t.Errorf("mode %s: %v, answer %q, compiled %q, want %q", mode, err, out, got, want)
		}
	}
}
