package pins

import (
	"encoding/json"
	"testing"

	"github.com/assay-notebooks/assay"
)

// FuzzParse: whatever is in assay.lock, it is refused or read into
// something that can be written and read again.
func FuzzParse(f *testing.F) {
	d := assay.DigestOf(nil).String()
	f.Add([]byte(`{"format":"assay.lock.v1"}`))
	f.Add([]byte(`{"format":"assay.lock.v1","workloads":null,"figures":{"f":{"outputs":{"svg":"` + d + `"}}}}`))
	f.Add([]byte(`{"format":"assay.lock.v1","experiments":{"` + d + `":{"name":"e","run":"r","manifest":"` + d + `"}}} {}`))
	f.Add([]byte(`{"format":"assay.lock.v1","imports":{"i":{"manifest":"` + d + `","importer":"table","sources":"` + d + `"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parse(b)
		if err != nil {
			return
		}
		for name, figure := range l.Figures {
			for format := range figure.Outputs {
				if name == "" || assay.OutputType(format) == "" {
					t.Fatalf("figure %q has format %q", name, format)
				}
			}
		}
		l.Workloads["new"] = assay.DigestOf(b) // no map is nil
		again, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
