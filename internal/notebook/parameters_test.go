package notebook

import (
	"errors"
	"fmt"
	"go/parser"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/lab"
)

func book(parameters string) *nbformat.Notebook {
	c := nbformat.NewCell(parameters)
	c.Metadata["tags"] = []any{tagParameters}
	return &nbformat.Notebook{Minor: 5, Metadata: map[string]any{}, Cells: []*nbformat.Cell{nbformat.NewCell("import \"time\""), c, nbformat.NewCell("%%\nf()")}}
}

func TestParameters(t *testing.T) {
	for source, want := range map[string]string{
		"var n = 30":                                      "n=30 int",
		"const a, b = 1.5, \"x\"":                         "a=1.5 float64,b=\"x\" string",
		"var (\n\tx = -3\n\ty bool = true\n)":             "x=-3 int,y=true bool",
		"var d = 2 * time.Second":                         "d=2 * time.Second time.Duration",
		"var d time.Duration = 5":                         "d=5 time.Duration",
		"var f float64 = 2":                               "f=2 float64",
		"var r = 1 + 0.5":                                 "r=1 + 0.5 float64",
		"var u = uint8(3)":                                "u=uint8(3) int",
		"var n = assay.Param(\"count\", 7)":               "count=7 int",
		"var n = assay.Param[float64](\"count\", 7.0)":    "count=7.0 float64",
		"%go get\n!ls\nvar n = 1\n%%\nm := 2":             "n=1 int",
		"var list = []int{1}\nvar unset int\nfunc f() {}": "",
	} {
		list, at, err := Parameters(book(source))
		var got []string
		for _, p := range list {
			got = append(got, fmt.Sprintf("%s=%s %s", p.Name, p.Default, p.Kind))
		}
		if s := strings.Join(got, ","); s != want || at != 1 || err != nil {
			t.Errorf("Parameters(%q) = %q at %d, %v; want %q at 1", source, s, at, err, want)
		}
	}
	if _, _, err := Parameters(book("var = 3")); err == nil || !strings.Contains(err.Error(), "cell 2:1") {
		t.Errorf("Parameters of a cell that is no Go: %v, want an error that names the line", err)
	}
}

func TestInject(t *testing.T) {
	nb := book("var n = 30\nconst name string = \"x\"\nvar wait = assay.Param(\"patience\", 2*time.Second)")
	for round := range 2 {
		values, err := Assign(nb, []string{"n=0x10", "name=a\n\"b\"", "patience=90s"}, []string{"ASSAY_PARAM_N=7", "assay_param_Name=z"})
		if err != nil {
			t.Fatal(err)
		}
		values.Inject(nb)
		want := "// Parameters\nvar n = 16\nconst name string = \"a\\n\\\"b\\\"\"\nvar wait = 90 * time.Second"
		if len(nb.Cells) != 4 || nb.Cells[2].Source != want || !nb.Cells[2].HasTag(tagInjected) {
			t.Errorf("round %d: %d cells, the third is %q, want %q", round, len(nb.Cells), nb.Cells[2].Source, want)
		}
	}
	values, err := Assign(nb, nil, []string{"ASSAY_PARAM_N=7"})
	if err != nil {
		t.Fatal(err)
	}
	values.Inject(nb)
	if got := nb.Cells[2].Source; got != "// Parameters\nvar n = 7" {
		t.Errorf("injected again: %q", got)
	}
	before := string(nb.Bytes())
	if none, err := Assign(nb, nil, nil); err != nil || none != nil {
		t.Errorf("Assign of nothing = %v, %v", none, err)
	}
	Values(nil).Inject(nb)
	if string(nb.Bytes()) != before {
		t.Error("no values: the notebook was changed")
	}
	if !Strip(nb) || len(nb.Cells) != 3 || Strip(nb) {
		t.Errorf("Strip left %d cells, want 3, and nothing to do the second time", len(nb.Cells))
	}
}

func TestLiteralRefuses(t *testing.T) {
	for in, kind := range map[string]Kind{
		"1.5": Int, "9223372036854775808": Int, "": Int, "NaN": Float, "inf": Float, "one": Float, "yes": Bool, "5": Duration, "x": Duration,
	} {
		if got, err := (Parameter{Kind: kind}).literal(in); err == nil {
			t.Errorf("%s %q = %s, want an error", kind, in, got)
		}
	}
	if _, err := Assign(book("var n = 1"), []string{"n=x"}, nil); !errors.Is(err, lab.ErrUsage) {
		t.Errorf("Assign: %v, want lab.ErrUsage", err)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("var n = 30")
	f.Add("const (\n\ta, b = 1, \"x\"\n)\nvar d time.Duration = 2*time.Second")
	f.Add("var n = assay.Param[int](\"count\", -7)\n%%\nx")
	f.Fuzz(func(t *testing.T, source string) {
		list, _, err := Parameters(book(source))
		if err != nil {
			return
		}
		for _, p := range list {
			if _, err := parser.ParseExpr(p.Default); err != nil {
				t.Fatalf("%q: the default of %s is %q: %v", source, p.Name, p.Default, err)
			}
		}
	})
}
