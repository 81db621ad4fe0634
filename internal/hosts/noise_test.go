package hosts

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestUnready(t *testing.T) {
	good := assay.Host{Cores: 2, Load1: "0.10", Governor: "performance", Turbo: "off", SMT: "off"}
	if got := Unready(good); len(got) != 0 {
		t.Errorf("%+v: %q, want nothing", good, got)
	}
	bad := assay.Host{Cores: 2, Load1: "1.01", Governor: "powersave", Turbo: "on", SMT: "on", Virtual: "kvm"}
	var first []string
	for _, what := range Unready(bad) {
		word, _, _ := strings.Cut(what, ":")
		first = append(first, word)
	}
	if want := []string{"load", "governor", "turbo", "SMT", "virtual machine"}; !slices.Equal(first, want) {
		t.Errorf("%+v: %q, want %q", bad, first, want)
	}
}
