package measure

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestReady(t *testing.T) {
	good := assay.Host{Cores: 4, Load1: "0.80", Governor: "performance", Turbo: "off", SMT: "notsupported", Clock: "tsc"}
	for _, c := range []struct {
		name string
		edit func(h *assay.Host, swap *int64)
		want string // "": ready
	}{
		{"good", func(*assay.Host, *int64) {}, ""},
		{"silent", func(h *assay.Host, _ *int64) { *h = assay.Host{Cores: 1} }, ""},
		{"load", func(h *assay.Host, _ *int64) { h.Load1 = "0.81" }, "load 0.81 on 4 processors: stop other work and wait until it is below 0.8"},
		{"governor", func(h *assay.Host, _ *int64) { h.Governor = "powersave" }, "governor is powersave"},
		{"turbo", func(h *assay.Host, _ *int64) { h.Turbo = "on" }, "turbo is on"},
		{"SMT", func(h *assay.Host, _ *int64) { h.SMT = "on" }, "SMT is on"},
		{"virtual", func(h *assay.Host, _ *int64) { h.Virtual = "hypervisor KVM" }, "virtual (hypervisor KVM)"},
		{"swap", func(_ *assay.Host, swap *int64) { *swap = 4096 }, "1 MiB of swap"},
		{"clock", func(h *assay.Host, _ *int64) { h.Clock = "hpet" }, "clock source is hpet"},
	} {
		host, swap := good, int64(0)
		c.edit(&host, &swap)
		got := unready(host, swap)
		if (c.want == "") != (len(got) == 0) || len(got) > 1 || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
