package notebook

import (
	"errors"
	"fmt"
	"go/parser"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
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
		"var names = []string{\"a\"}":                     "names=[]string{\"a\"} []string",
		"var n = assay.Param[[]string](\"names\", nil)":   "names=nil []string",
		"var n = assay.Param[float64](\"count\", 7)":      "count=7 float64",
		"var quick = 1 < 2 && true":                       "quick=1 < 2 && true bool",
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

// A value is of the type that the default is of, and means the same in the
// cell that is injected and to assay.Param.
func TestValues(t *testing.T) {
	for _, c := range []struct{ declared, given, literal, environ string }{
		{"var n = 1", "1_000", "var n = 1000", "1000"},
		{"var n = assay.Param(\"x\", 1)", "0x10", "var n = 16", "16"},
		{"var n = int64(1)", "6", "var n = int64(6)", "6"},
		{"const n = -uint8(1)", "255", "const n = uint8(255)", "255"},
		{"var n int64 = int64(1)", "6", "var n int64 = 6", "6"},
		{"var n = assay.Param(\"x\", int64(1))", "6", "var n = int64(6)", "6"},
		{"var n = assay.Param[int64](\"x\", 1)", "6", "var n = int64(6)", "6"},
		{"var n = assay.Param[float64](\"x\", 1)", "2", "var n = 2.0", "2"},
		{"var n = float32(1)", "1e3", "var n = float32(1000.0)", "1000"},
		{"var n = true", "F", "var n = false", "false"},
		{"var n = time.Duration(1)", "90s", "var n = 90 * time.Second", "1m30s"},
		{"var n = []string{\"z\"}", "a, b\"c,", "var n = []string{\"a\", \"b\\\"c\"}", "a, b\"c,"},
		{"var n = assay.Param(\"x\", []string{})", "", "var n = []string{}", ""},
	} {
		nb := book(c.declared)
		list, _, err := Parameters(nb)
		if err != nil || len(list) != 1 {
			t.Errorf("Parameters(%q) = %v, %v", c.declared, list, err)
			continue
		}
		values, err := Assign(nb, []string{list[0].Name + "=" + c.given}, nil)
		if err != nil {
			t.Errorf("%s, %s: %v", c.declared, c.given, err)
			continue
		}
		values.Inject(nb)
		if got, want := nb.Cells[2].Source, "// Parameters\n"+c.literal; got != want {
			t.Errorf("%s, %s: injected %q, want %q", c.declared, c.given, got, want)
		}
		if got, want := values.environ()[0], "ASSAY_PARAM_"+strings.ToUpper(list[0].Name)+"="+c.environ; got != want {
			t.Errorf("%s, %s: environment %q, want %q", c.declared, c.given, got, want)
		}
	}
}

func TestValuesRefused(t *testing.T) {
	for _, c := range []struct {
		given string
		p     Parameter
	}{
		{"1.5", Parameter{Kind: Int}}, {"9223372036854775808", Parameter{Kind: Int}}, {"", Parameter{Kind: Int}}, {"1 ", Parameter{Kind: Int}},
		{"256", Parameter{Kind: Int, convert: "uint8"}}, {"-1", Parameter{Kind: Int, declared: "uint"}}, {"128", Parameter{Kind: Int, declared: "int8"}},
		{"NaN", Parameter{Kind: Float}}, {"inf", Parameter{Kind: Float}}, {"one", Parameter{Kind: Float}},
		{"yes", Parameter{Kind: Bool}}, {"5", Parameter{Kind: Duration}}, {"x", Parameter{Kind: Duration}},
	} {
		if text, literal, err := c.p.value(c.given); err == nil {
			t.Errorf("%+v, %q = %s, %s, want an error", c.p, c.given, text, literal)
		}
	}
	if _, err := Assign(book("var n = 1"), []string{"n=x"}, nil); !errors.Is(err, failure.ErrUsage) {
		t.Errorf("Assign: %v, want failure.ErrUsage", err)
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
