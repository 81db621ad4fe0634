package graph

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/assay-notebooks/assay"
)

const (
	shortHex = 12 // digits of a digest that are shown: enough to find it
	maxDepth = 64 // of the tree
)

// Short returns a digest cut to what people compare.
func Short(d assay.Digest) string { return "sha256:" + d.Hex()[:shortHex] }

// Printable returns s with everything that is not visible escaped: a name of a
// stranger must not move the cursor or end a line.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// WriteText writes g as a tree. It begins at the nodes with these IDs, below
// each what it was made from and what it gave; without any, at all that were
// made from nothing. A node is written out where it is met first. Digests are
// whole if long.
func (g Graph) WriteText(out io.Writer, ids []string, long bool) error {
	from, gives := g.neighbours()
	t := &tree{g: g, out: bufio.NewWriter(out), long: long, seen: make([]bool, len(g.Nodes)), from: way{from, "from "}, gives: way{gives, ""}}
	at := g.index()
	for _, id := range ids {
		if i, ok := at[id]; ok {
			t.root(i)
		}
	}
	if len(ids) == 0 {
		for i := range g.Nodes {
			if len(from[i]) == 0 {
				t.root(i)
			}
		}
		for i := range g.Nodes { // of a cycle that nothing leads into
			if !t.seen[i] {
				t.root(i)
			}
		}
	}
	return t.out.Flush()
}

type tree struct {
	g           Graph
	from, gives way
	out         *bufio.Writer
	long        bool
	seen        []bool
}

// A way is a direction in which edges are followed, and the word for it.
type way struct {
	next [][]int
	word string
}

// A branch is a line below a node, and the node that goes on below that line.
type branch struct {
	line string
	node int // -1: a part, nothing below
	way  way
}

func (t *tree) root(i int) {
	t.out.WriteString(t.line(t.g.Nodes[i]) + "\n")
	if !t.seen[i] {
		t.seen[i] = true
		t.below(t.branches(i, t.from, t.gives), "", 1)
	}
}

// branches returns a node's parts, and where it leads to.
func (t *tree) branches(i int, ways ...way) []branch {
	var out []branch
	for n, p := range t.g.Nodes[i].Parts {
		if n == maxParts {
			out = append(out, branch{line: fmt.Sprintf("and %d more: --json has them all", len(t.g.Nodes[i].Parts)-n), node: -1})
			break
		}
		out = append(out, branch{line: Printable(p.Name) + "  " + t.digest(p.Digest), node: -1})
	}
	for _, w := range ways {
		for _, j := range w.next[i] {
			out = append(out, branch{w.word + t.line(t.g.Nodes[j]), j, w})
		}
	}
	return out
}

func (t *tree) below(branches []branch, prefix string, depth int) {
	for n, b := range branches {
		fork, bar := "├─ ", "│  "
		if n == len(branches)-1 {
			fork, bar = "└─ ", "   "
		}
		t.out.WriteString(prefix + fork + b.line)
		switch {
		case b.node < 0:
			t.out.WriteString("\n")
		case t.seen[b.node]:
			t.out.WriteString("  (above)\n")
		case depth == maxDepth:
			t.out.WriteString("  (deeper than is shown)\n")
		default:
			t.out.WriteString("\n")
			t.seen[b.node] = true
			t.below(t.branches(b.node, b.way), prefix+bar, depth+1)
		}
	}
}

// line returns a node on one line.
func (t *tree) line(n Node) string {
	words := []string{Printable(string(n.Kind))}
	if n.Name != "" {
		words = append(words, Printable(n.Name))
	}
	if !n.Digest.IsZero() {
		words = append(words, "", t.digest(n.Digest))
	}
	var facts []string
	for _, f := range n.Facts {
		facts = append(facts, Printable(f.Label)+": "+Printable(f.Value))
	}
	if len(facts) > 0 {
		words = append(words, "", "("+strings.Join(facts, "; ")+")")
	}
	if n.Problem != "" {
		words = append(words, "", "PROBLEM: "+Printable(n.Problem))
	}
	return strings.Join(words, " ")
}

func (t *tree) digest(d assay.Digest) string {
	if t.long {
		return d.String()
	}
	return Short(d)
}
