package display

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Workload shows a pinned workload: name, digest, what it was built as.
func Workload(w assay.Workload) wire.Display {
	forms := "Wasm"
	if w.Module.IsZero() {
		forms = "no Wasm module"
	}
	facts := []fact{{"manifest", digest(w.Manifest)}, {"Wasm module", digest(w.Module)}}
	var also []string
	for _, v := range slices.Sorted(maps.Keys(w.Variants)) {
		also = append(also, string(v))
		facts = append(facts, fact{"module " + string(v), digest(w.Variants[v])})
	}
	if len(also) > 0 {
		forms += " (also " + strings.Join(also, ", ") + ")"
	}
	native, image := slices.Sorted(maps.Keys(w.Native)), slices.Sorted(maps.Keys(w.Image))
	switch {
	case len(native) > 0 && slices.Equal(native, image):
		forms += ", native and container image for " + strings.Join(native, ", ")
	default:
		forms += prefixed(", native for ", strings.Join(native, ", ")) + prefixed(", container image for ", strings.Join(image, ", "))
	}
	for _, p := range slices.Sorted(maps.Keys(w.Native)) {
		facts = append(facts, fact{"native " + p, digest(w.Native[p])})
	}
	for _, p := range slices.Sorted(maps.Keys(w.Image)) {
		facts = append(facts, fact{"image " + p, digest(w.Image[p])})
	}
	facts = append(facts, fact{"arguments", strings.Join(w.Args, " ")}, fact{"environment", strings.Join(w.Env, " ")}, fact{"standard input", digest(w.Stdin)},
		fact{"right answer", joined(prefixed("stdout ", digest(w.Expect.Stdout)), fmt.Sprintf("exit status %d", w.Expect.Exit))})
	for _, k := range slices.Sorted(maps.Keys(w.Source)) {
		facts = append(facts, fact{k, w.Source[k]})
	}
	v := workloadView{Name: clean(w.Name), Manifest: short(w.Manifest), Forms: clean(forms), Card: card(facts...)}
	return bundle(KindWorkload, v, fmt.Sprintf("%s %v: %s", v.Name, w.Manifest, v.Forms), map[string]any{"name": w.Name, "manifest": digest(w.Manifest)})
}

type workloadView struct {
	Name, Manifest, Forms string
	Card                  []fact
}
