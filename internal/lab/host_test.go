package lab

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// Which module a runtime gets, of a workload that has all and one that has one.
func TestModules(t *testing.T) {
	d := func(name string) assay.Digest { return assay.DigestOf([]byte(name)) }
	all := assay.Workload{Name: "all", Module: d("command"), Variants: map[assay.Variant]assay.Digest{
		assay.MVP: d("mvp"), assay.Reactor: d("reactor"), assay.ReactorMVP: d("reactor-mvp")}}
	one := assay.Workload{Name: "one", Module: d("command")}
	for _, c := range []struct {
		wl        assay.Workload
		mvp, shim bool
		want      string
	}{
		{all, false, false, "command"}, {all, true, false, "mvp"}, {all, false, true, "reactor"}, {all, true, true, "reactor-mvp"},
		{one, false, false, "command"}, {one, true, false, "command"}, {one, false, true, "command"}, {one, true, true, "command"},
	} {
		got, err := blob(c.wl, assay.Wasm, modules(c.mvp, c.shim))
		if got != d(c.want) || err != nil {
			t.Errorf("%s, MVP alone %t, shim %t: %v, %v; want the %s", c.wl.Name, c.mvp, c.shim, got, err, c.want)
		}
		if is := isReactor(c.wl, got); is != strings.HasPrefix(c.want, "reactor") {
			t.Errorf("%s: that the %s is a reactor is %t", c.wl.Name, c.want, is)
		}
	}
}
