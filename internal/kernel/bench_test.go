package kernel_test

import (
	"fmt"
	"testing"
)

// BenchmarkCell is the time from the request to the end of a cell, whose source
// is another each time.
func BenchmarkCell(b *testing.B) {
	for _, bm := range []struct{ name, once, cell string }{
		{"fmt", "", "%%%%\nfmt.Println(%d)"},
		{"assay imported once", "import assay \"github.com/assay-notebooks/assay/kernelext\"\n%%\nvar _ assay.Cold", "%%%%\nfmt.Println(assay.Cold{}, %d)"},
		{"assay never imported", "", "%%%%\nfmt.Println(assay.Cold{}, %d)"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := start(b, b.TempDir(), nil)
			if bm.once != "" {
				p.execute(bm.once)
			}
			n := 0
			for b.Loop() {
				n++
				if got, reply := p.execute(fmt.Sprintf(bm.cell, n)); reply.Status != "ok" {
					b.Fatalf("%+v, output %q", reply, got)
				}
			}
		})
	}
}
