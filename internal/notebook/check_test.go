package notebook

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/lab"
)

func stream(name, s string) nbformat.Output {
	return nbformat.Output{"output_type": "stream", "name": name, "text": s}
}

func display(text string, facts map[string]any) nbformat.Output {
	metadata := map[string]any{}
	if facts != nil {
		metadata["assay"] = facts
	}
	return nbformat.Output{"output_type": "display_data", "data": map[string]any{"text/plain": text}, "metadata": metadata}
}

func TestCompare(t *testing.T) {
	run := func(trace string) map[string]any { return map[string]any{"kind": "run", "trace": trace} }
	figure := func(png, manifest string) map[string]any {
		return map[string]any{"kind": "figure", "manifest": manifest, "outputs": map[string]any{"png": png}}
	}
	moment := map[string]any{"kind": "progress", "run": "1"}
	for name, c := range map[string]struct {
		want, got []nbformat.Output
		says      []string
	}{
		"nothing":                            {nil, nil, nil},
		"the same":                           {[]nbformat.Output{stream("stdout", "a"), display("d", nil)}, []nbformat.Output{stream("stdout", "a"), display("d", nil)}, nil},
		"streams mix as chance has it":       {[]nbformat.Output{stream("stdout", "a"), stream("stderr", "e"), stream("stdout", "b")}, []nbformat.Output{stream("stdout", "ab"), stream("stderr", "e")}, nil},
		"text":                               {[]nbformat.Output{stream("stdout", "a\nb\nc")}, []nbformat.Output{stream("stdout", "a\nx\nc")}, []string{"stdout differs", "- b", "+ x"}},
		"text that ends earlier":             {[]nbformat.Output{stream("stdout", "a\nb\n")}, []nbformat.Output{stream("stdout", "a\n")}, []string{"stdout differs", "- b"}},
		"facts count":                        {[]nbformat.Output{display("1", run("t1"))}, []nbformat.Output{display("1", run("t2"))}, []string{"output 1 differs", `- "trace": "t1"`, `+ "trace": "t2"`}},
		"how facts are said does not":        {[]nbformat.Output{display("now", run("t1"))}, []nbformat.Output{display("then", run("t1"))}, nil},
		"progress does not count":            {[]nbformat.Output{display("1", moment), display("1", run("t"))}, []nbformat.Output{display("1", run("t"))}, nil},
		"a figure's bytes count":             {[]nbformat.Output{display("", figure("p", "m"))}, []nbformat.Output{display("", figure("q", "m"))}, []string{"output 1 differs"}},
		"which assay drew a figure does not": {[]nbformat.Output{display("", figure("p", "m"))}, []nbformat.Output{display("", figure("p", "n"))}, nil},
		"one more, one less":                 {[]nbformat.Output{display("a", nil)}, []nbformat.Output{display("a", nil), display("b", nil)}, []string{"output 2 is new"}},
		"one that does not come":             {[]nbformat.Output{display("a", nil), display("b", run("t"))}, []nbformat.Output{display("a", nil)}, []string{"output 2 does not come"}},
		"of another kind":                    {[]nbformat.Output{display("a", nil)}, []nbformat.Output{display("a", run("t"))}, []string{"output 1 differs", "- display_data", "+ run"}},
		"content of what is not of ours":     {[]nbformat.Output{display("a", nil)}, []nbformat.Output{display("b", nil)}, []string{"output 1 differs", `- "text/plain": "a"`}},
	} {
		var checked Checked
		checked.compare(4, &nbformat.Cell{Type: nbformat.Code, Outputs: c.want}, &nbformat.Cell{Type: nbformat.Code, Outputs: c.got})
		var said strings.Builder
		for _, d := range checked.Differences {
			fmt.Fprintf(&said, "cell %d: %s\n- %s\n+ %s\n", d.Cell, d.What, d.Want, d.Got)
		}
		if (said.Len() == 0) != (c.says == nil) {
			t.Errorf("%s: differences %q", name, said.String())
		}
		for _, s := range c.says {
			if !strings.Contains(said.String(), s) {
				t.Errorf("%s: %q lacks %q", name, said.String(), s)
			}
		}
		if err := checked.Err(); errors.Is(err, lab.ErrMismatch) != (c.says != nil) {
			t.Errorf("%s: Err() = %v", name, err)
		}
	}
}
