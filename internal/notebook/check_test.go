package notebook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
)

func streamed(name, s string) nbformat.Output {
	return nbformat.Output{"output_type": "stream", "name": name, "text": s}
}

func displayed(text string, facts map[string]any) nbformat.Output {
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
	hosts := map[string]any{"kind": "hosts", "names": []any{"local"}}
	moment := map[string]any{"kind": "progress", "run": "1"}
	for name, c := range map[string]struct {
		want, got []nbformat.Output
		says      []string
	}{
		"nothing":                                 {nil, nil, nil},
		"the same":                                {[]nbformat.Output{streamed("stdout", "a"), displayed("d", nil)}, []nbformat.Output{streamed("stdout", "a"), displayed("d", nil)}, nil},
		"streams mix as chance has it":            {[]nbformat.Output{streamed("stdout", "a"), streamed("stderr", "e"), streamed("stdout", "b")}, []nbformat.Output{streamed("stdout", "ab"), streamed("stderr", "e")}, nil},
		"text":                                    {[]nbformat.Output{streamed("stdout", "a\nb\nc")}, []nbformat.Output{streamed("stdout", "a\nx\nc")}, []string{"stdout differs", "- b", "+ x"}},
		"text that ends earlier":                  {[]nbformat.Output{streamed("stdout", "a\nb\n")}, []nbformat.Output{streamed("stdout", "a\n")}, []string{"stdout differs", "- b"}},
		"facts count":                             {[]nbformat.Output{displayed("1", run("t1"))}, []nbformat.Output{displayed("1", run("t2"))}, []string{"output 1 differs", `- "trace": "t1"`, `+ "trace": "t2"`}},
		"what is said of facts counts":            {[]nbformat.Output{displayed("n = 3", run("t1"))}, []nbformat.Output{displayed("n = 4", run("t1"))}, []string{"output 1 differs", "- n = 3", "+ n = 4"}},
		"how a run came about does not":           {[]nbformat.Output{displayed("run (measured now)", run("t1"))}, []nbformat.Output{displayed("run (from the archive)", run("t1"))}, nil},
		"what a host says of itself does not":     {[]nbformat.Output{displayed("load 1", hosts)}, []nbformat.Output{displayed("load 2", hosts)}, nil},
		"where text is that is left out does not": {[]nbformat.Output{streamed("stderr", fmt.Sprintf(leftOut, 7, "a.txt"))}, []nbformat.Output{streamed("stderr", fmt.Sprintf(leftOut, 7, "b.txt"))}, nil},
		"how much is left out does":               {[]nbformat.Output{streamed("stderr", fmt.Sprintf(leftOut, 7, "a.txt"))}, []nbformat.Output{streamed("stderr", fmt.Sprintf(leftOut, 8, "a.txt"))}, []string{"stderr differs"}},
		"progress does not count":                 {[]nbformat.Output{displayed("1", moment), displayed("1", run("t"))}, []nbformat.Output{displayed("1", run("t"))}, nil},
		"a figure's bytes count":                  {[]nbformat.Output{displayed("", figure("p", "m"))}, []nbformat.Output{displayed("", figure("q", "m"))}, []string{"output 1 differs"}},
		"which assay drew a figure does not":      {[]nbformat.Output{displayed("", figure("p", "m"))}, []nbformat.Output{displayed("", figure("p", "n"))}, nil},
		"one more, one less":                      {[]nbformat.Output{displayed("a", nil)}, []nbformat.Output{displayed("a", nil), displayed("b", nil)}, []string{"output 2 is new"}},
		"one that does not come":                  {[]nbformat.Output{displayed("a", nil), displayed("b", run("t"))}, []nbformat.Output{displayed("a", nil)}, []string{"output 2 does not come"}},
		"of another kind":                         {[]nbformat.Output{displayed("a", nil)}, []nbformat.Output{displayed("a", run("t"))}, []string{"output 1 differs", "- display_data", "+ run"}},
		"content of what is not of ours":          {[]nbformat.Output{displayed("a", nil)}, []nbformat.Output{displayed("b", nil)}, []string{"output 1 differs", `- "text/plain": "a"`}},
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
		if err := checked.Err(); errors.Is(err, failure.ErrMismatch) != (c.says != nil) {
			t.Errorf("%s: Err() = %v", name, err)
		}
	}
}

func TestPictured(t *testing.T) {
	const png = "a picture\n"
	facts := map[string]any{"png": assay.DigestOf([]byte(png)).String(), "svg": assay.DigestOf([]byte("<svg/>")).String()}
	for _, c := range []struct {
		mime, data string
		want       bool
	}{
		{"image/png", base64.StdEncoding.EncodeToString([]byte(png)), true},
		{"image/png", "YSBwaWN0\ndXJlCg==\n", true}, // as Python breaks lines
		{"image/png", "YSBwaWN0dXJl", false},
		{"image/png", "*", false},
		{"text/html", `<img src="data:image/svg&#43;xml;base64,PHN2Zy8&#43;">`, true},
		{"text/html", `<img src="data:image/svg&#43;xml;base64,PHN2Zz4=">`, false},
		{"text/html", "<p>a caption</p>", true},
		{"text/plain", "a text", true},
	} {
		if _, got, ok := pictured(nbformat.Output{"data": map[string]any{c.mime: c.data}}, facts); ok != c.want {
			t.Errorf("pictured(%s %q) = %s, %v; want %v", c.mime, c.data, got, ok, c.want)
		}
	}
}
