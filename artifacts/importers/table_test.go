package importers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

const fruitMapping = `
trace: fruit
meaning: a row for each fruit
columns:
  kind: {role: system, meaning: what it is}
  took: {name: mean, kind: float, unit: s, role: mean, missing: [n/a], outcomes: {failed: failed, -1: timeout}}
  runs: {kind: int, role: replicate}
  cold: {kind: bool, role: warmup}
`

func TestTable(t *testing.T) {
	const rows = "kind,took,runs,cold,colour\n\"apple, red\",1.5,3,true,red\npear,failed,2,false,\nplum,n/a,1,,blue\n\nfig,-1,,false,\"two\nlines\"\nnut,2,1,true,brown\n"
	for name, text := range map[string]string{
		"a.csv":    rows,
		"crlf.csv": "\uFEFF" + strings.ReplaceAll(rows, "\n", "\r\n"),
		"a.csv.gz": packed(t, rows),
	} {
		out, err := read(t, table, Input{Files: mapFS(map[string]string{name: text}), Mapping: []byte(fruitMapping)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := cells(t, named(t, out, "fruit"), "kind", "mean", "runs", "cold", "outcome", "colour", "line")
		const want = "apple, red 1.5 3 true ok red 2\npear - 2 false failed - 3\nplum - 1 - - blue 4\nfig - - false timeout two\nlines 6\nnut 2 1 true ok brown 8\n"
		if got != want {
			t.Errorf("%s is\n%swant\n%s", name, got, want)
		}
		if colour := col(t, named(t, out, "fruit"), "colour"); colour.Basis != assay.Unknown || colour.Role != "" {
			t.Errorf("a column that the mapping does not explain is %+v", colour.Column)
		}
		if mean := col(t, named(t, out, "fruit"), "mean"); mean.Basis != assay.Given || mean.Unit != "s" || mean.Role != assay.RoleMean {
			t.Errorf("a column that the mapping explains is %+v", mean.Column)
		}
	}
}

func TestTSV(t *testing.T) {
	out, err := read(t, table, Input{Files: mapFS(map[string]string{"a.txt": "load\trps\tnote\r\n1\t10\ta, \"b\"\r\n2\t20\t\r\n"}), Mapping: tidyMapping})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cells(t, named(t, out, "table"), "load", "rps", "note"), "1 10 a, \"b\"\n2 20 -\n"; got != want {
		t.Errorf("the TSV is\n%swant\n%s", got, want)
	}
}

func TestBadTables(t *testing.T) {
	for _, test := range []struct {
		name, text, says string
		rejected         int // 0: --lenient does not help
	}{
		{"too few", tidy + "3\n", "a.csv:4: 1 columns, the header has 2", 1},
		{"no number", tidy + "3,fast\n", `a.csv:4: column rps: "fast" is not a number`, 1},
		{"a unit", tidy + "3,30ms\n4,40\n", `a.csv:4: column rps: "30ms" is not a number`, 1},
		{"a fraction", tidy + "3.5,1\n", `a.csv:4: column load: "3.5" is not a whole number`, 1},
		{"a quote", tidy + "3,\"4\n", "a.csv:4: ", 1},
		{"not UTF-8", tidy + "caf\xe9,4\n", "a.csv:4: not UTF-8", 1},
		{"no such column", "load,rate\n1,2\n", "a.csv:1: there is no column rps, which the mapping has; there are load, rate", 0},
		{"a column twice", "load,rps,rps\n1,2,3\n", `a.csv:1: column 3 is named "rps"`, 0},
		{"a column of ours", "load,rps,line\n1,2,3\n", `a.csv:1: column "line": give it another name`, 0},
		{"only names", "load,rps\n", "not one row", 0},
	} {
		files := mapFS(map[string]string{"a.csv": test.text})
		if _, err := read(t, table, Input{Files: files, Mapping: tidyMapping}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.says)
		}
		out, err := read(t, table, Input{Files: files, Mapping: tidyMapping, Lenient: true})
		switch {
		case test.rejected == 0 && err == nil:
			t.Errorf("%s: --lenient imports it", test.name)
		case test.rejected > 0 && (err != nil || named(t, out, "rejected").rows != test.rejected || named(t, out, "table").rows < 2):
			t.Errorf("%s: --lenient gives %v, want the good rows and %d rejected", test.name, err, test.rejected)
		}
	}
}

func TestBadMappings(t *testing.T) {
	for _, test := range []struct{ yaml, says string }{
		{"", "--mapping FILE"},
		{"columns: {}", "columns: there are none"},
		{"colums: {}", "colums"},
		{"columns: {a: {kind: number}}", `column a: kind "number": want int, float, string or bool`},
		{"columns: {a: {role: latency}}", "role latency: want a column of the kind int or float"},
		{"columns: {a: {role: speed}}", `role "speed": want one of system, `},
		{"columns: {line: {role: system}}", "name: their_line"},
		{"columns: {outcome: {outcomes: {x: y}}}", "give this one another name"},
		{"columns: {a: {missing: [x], outcomes: {x: y}}}", `"x" is both`},
		{"columns: {a: {}, z: {}}", "there is no column z"},
	} {
		_, err := read(t, table, Input{Files: mapFS(map[string]string{"a.csv": "a\n1\n"}), Mapping: []byte(test.yaml)})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want one with %q", test.yaml, err, test.says)
		}
	}
}

// A mapping can give every role of the vocabulary but those of the importer.
func TestRoles(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../import.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(numericRoles, otherRoles, []assay.Role{assay.RoleSource, assay.RoleLine})
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Role") {
			return true
		}
		found++
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(all, assay.Role(value)) {
			t.Errorf("%s is not among the roles that a mapping can give", spec.Names[0].Name)
		}
		return true
	})
	if found != len(all) {
		t.Errorf("%d roles in the vocabulary, %d here", found, len(all))
	}
}
