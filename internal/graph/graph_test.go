package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

var update = flag.Bool("update", false, "write golden files")

func made(kind Kind, name string) Node {
	d := assay.DigestOf([]byte(string(kind) + name))
	return Node{ID: d.String(), Kind: kind, Name: name, Digest: d}
}

// example is a figure of two runs of one experiment, the second of which is lost.
func example() ([]Node, []Edge) {
	noop, matmul := made(Workload, "noop"), made(Workload, "matmul")
	noop.Parts = []Part{{"module", assay.DigestOf([]byte("m"))}, {"native linux/amd64", assay.DigestOf([]byte("n"))}}
	matmul.Facts = []Fact{{"licence", "Apache-2.0"}}
	exp := made(Experiment, "coldstart")
	run, rerun := made(Run, "20261124T181530Z-3f9a1c"), made(Run, "20261125T101500Z-77aa01")
	run.Facts = []Fact{{"started", "2026-11-24 18:15:30"}}
	rerun.Problem = "the archive lacks it"
	trace, second := made(Trace, "first"), made(Trace, "second")
	trace.Facts = []Fact{{"invocations", "240 ok, 30 unsupported"}}
	table := made(Table, "")
	table.Facts = []Fact{{"columns", "workload, runtime, outcome, detail, wall_ns, user_ns, system_ns"}}
	figure := made(Figure, "coldstart-ecdf")
	figure.Parts = []Part{{"module", assay.DigestOf([]byte("f"))}, {"svg", assay.DigestOf([]byte("s"))}}
	edge := func(a, b Node) Edge { return Edge{a.ID, b.ID} }
	return []Node{noop, matmul, exp, run, rerun, trace, second, table, figure}, []Edge{
		edge(noop, exp), edge(matmul, exp), edge(exp, run), edge(exp, rerun), edge(run, trace), edge(rerun, second),
		edge(trace, table), edge(second, table), edge(table, figure), edge(run, trace), {"nobody", run.ID},
	}
}

// forms writes g in every form.
func forms(t *testing.T, g Graph, ids ...string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, write := range map[string]func(io.Writer) error{
		"txt": func(w io.Writer) error { return g.WriteText(w, ids, false) },
		"dot": func(w io.Writer) error { return g.WriteDOT(w, "example", true) },
		"svg": func(w io.Writer) error { return g.WriteSVG(w, "example") },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b.Bytes()
	}
	return out
}

func TestGolden(t *testing.T) {
	nodes, edges := example()
	for name, got := range forms(t, New(nodes, edges)) {
		path := filepath.Join("testdata", "example."+name)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs; -update writes it:\n%s", path, got)
		}
	}
}

// TestOrder gives the same things in other orders.
func TestOrder(t *testing.T) {
	nodes, edges := example()
	want := forms(t, New(nodes, edges))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		rng.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		for name, got := range forms(t, New(nodes, edges)) {
			if !bytes.Equal(got, want[name]) {
				t.Fatalf("%s differs:\n%s", name, got)
			}
		}
	}
}

func TestAround(t *testing.T) {
	nodes, edges := example()
	g := New(nodes, edges)
	names := func(g Graph) string {
		var out []string
		for _, n := range g.Nodes {
			out = append(out, string(n.Kind)+" "+n.Name)
		}
		return strings.Join(out, ", ")
	}
	run := made(Run, "20261124T181530Z-3f9a1c").ID
	for _, test := range []struct {
		got  Graph
		want string
	}{
		{g.Around(run), "workload matmul, workload noop, experiment coldstart, run 20261124T181530Z-3f9a1c, trace first, table , figure coldstart-ecdf"},
		{g.Behind(run), "workload matmul, workload noop, experiment coldstart, run 20261124T181530Z-3f9a1c"},
		{g.Around("nobody"), ""},
	} {
		if got := names(test.got); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestTextFromFigure(t *testing.T) {
	nodes, edges := example()
	g := New(nodes, edges)
	got := string(forms(t, g, made(Figure, "coldstart-ecdf").ID)["txt"])
	for _, want := range []string{
		"figure coldstart-ecdf  sha256:", "\n└─ from table  sha256:", "   ├─ from trace first", "   │  └─ from run 2026",
		"from experiment coldstart  sha256:", "(above)", "PROBLEM: the archive lacks it",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// hostile has names that mean something in one of the forms, and a cycle.
func hostile() Graph {
	var nodes []Node
	var edges []Edge
	for i, name := range []string{
		`"; } digraph evil {`, `back\slash\`, `\`, "<script>alert(1)</script>", "a&amp;b", "]]>", "new\nline\r\n", "\x1b[2J", "nul\x00", "bad\xff utf8",
		"\u202egnp.evil", "\ufeff", "\uffff", strings.Repeat("long ", 100), strings.Repeat("宽", 60), "",
	} {
		n := Node{ID: fmt.Sprint(i) + name, Kind: Run, Name: name, Problem: name, Facts: []Fact{{name, name}}, Parts: []Part{{name, assay.DigestOf(nil)}}}
		nodes = append(nodes, n)
		edges = append(edges, Edge{nodes[max(0, i-1)].ID, n.ID}, Edge{n.ID, nodes[0].ID})
	}
	nodes = append(nodes, Node{ID: "x", Kind: "<unknown>", Name: "x"})
	return New(nodes, edges)
}

func TestHostile(t *testing.T) {
	checkForms(t, hostile())
}

// checkForms has every form of g parsed.
func checkForms(t *testing.T, g Graph) {
	t.Helper()
	out := forms(t, g)
	if bytes.ContainsAny(out["txt"], "\x1b\x00\r\u202e\ufeff") {
		t.Errorf("text has control characters: %q", out["txt"])
	}
	dec := xml.NewDecoder(bytes.NewReader(out["svg"]))
	boxes := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("SVG: %v\n%s", err, out["svg"])
		}
		if start, ok := token.(xml.StartElement); ok {
			if !slices.Contains([]string{"svg", "title", "defs", "marker", "path", "rect", "text", "g"}, start.Name.Local) {
				t.Errorf("SVG has an element %s", start.Name.Local)
			}
			if start.Name.Local == "title" {
				boxes++
			}
		}
	}
	if boxes != len(g.Nodes)+1 {
		t.Errorf("SVG has %d titles, want its own and one for each of %d nodes", boxes, len(g.Nodes))
	}
}

// TestGraphviz has dot read what is written for it.
func TestGraphviz(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		tooltest.Missing(t, "dot", err)
	}
	nodes, edges := example()
	for name, g := range map[string]Graph{"example": New(nodes, edges), "hostile": hostile(), "empty": New(nil, nil)} {
		cmd := exec.CommandContext(t.Context(), dot, "-Tplain")
		cmd.Stdin = bytes.NewReader(forms(t, g)["dot"])
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, stderr.Bytes())
			continue
		}
		read := map[string]int{}
		for line := range strings.Lines(string(out)) {
			kind, _, _ := strings.Cut(line, " ")
			read[kind]++
		}
		if read["node"] != len(g.Nodes) || read["edge"] != len(g.Edges) {
			t.Errorf("%s: dot read %d nodes and %d edges, want %d and %d", name, read["node"], read["edge"], len(g.Nodes), len(g.Edges))
		}
	}
}

// TestLayout checks random graphs: boxes are inside of the picture, touch no
// other, and stand right of what they were made from.
func TestLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var nodes []Node
		var edges []Edge
		for i := range 1 + rng.IntN(40) {
			nodes = append(nodes, made(kinds[rng.IntN(len(kinds))], fmt.Sprint(i)))
			for range rng.IntN(3) {
				edges = append(edges, Edge{nodes[rng.IntN(len(nodes))].ID, nodes[i].ID})
			}
		}
		edges = slices.DeleteFunc(edges, func(e Edge) bool { return e.From == e.To })
		g := New(nodes, edges)
		boxes := make([]box, len(g.Nodes))
		for i := range boxes {
			boxes[i].width, boxes[i].height = 50+rng.IntN(100), 20+rng.IntN(100)
		}
		width, height := g.layout(boxes, 30)
		for i, b := range boxes {
			if b.x < margin || b.y < 30 || b.x+b.width > width-margin || b.y+b.height > height-margin/2 {
				t.Fatalf("box %d is at %+v in a picture of %dx%d", i, b, width, height)
			}
			for j, c := range boxes[:i] {
				if b.x < c.x+c.width && c.x < b.x+b.width && b.y < c.y+c.height && c.y < b.y+b.height {
					t.Fatalf("boxes %d and %d overlap: %+v, %+v", i, j, b, c)
				}
			}
		}
		at := g.index()
		for _, e := range g.Edges {
			if a, b := boxes[at[e.From]], boxes[at[e.To]]; a.x+a.width >= b.x {
				t.Fatalf("an edge goes back: %+v to %+v", a, b)
			}
		}
	}
}

func TestSize(t *testing.T) {
	var nodes []Node
	var edges []Edge
	for i := range maxNodes + 1 { // in a chain: the deepest there is
		nodes = append(nodes, Node{ID: fmt.Sprintf("%05d", i), Kind: Run, Name: fmt.Sprint(i)})
		if i > 0 {
			edges = append(edges, Edge{nodes[i-1].ID, nodes[i].ID})
		}
	}
	checkForms(t, New(nodes[:maxNodes], edges))
	g := New(nodes, edges)
	if err := g.WriteSVG(io.Discard, ""); err == nil {
		t.Error("SVG of too many nodes")
	}
	if err := g.WriteDOT(io.Discard, "", false); err == nil {
		t.Error("DOT of too many nodes")
	}
}

func FuzzForms(f *testing.F) {
	for _, n := range hostile().Nodes {
		f.Add(n.Name, n.Name)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		checkForms(t, New([]Node{
			{ID: "a" + a, Kind: Kind(b), Name: a, Facts: []Fact{{a, b}}},
			{ID: "b" + b, Kind: Figure, Name: b, Parts: []Part{{a, assay.DigestOf(nil)}}, Problem: b},
		}, []Edge{{"a" + a, "b" + b}, {"b" + b, "a" + a}}))
	})
}
