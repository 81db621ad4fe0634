// Package graph is the model of provenance: what was made from what, and the
// forms it is shown in: text, JSON, DOT and SVG. It is pure: who fills a graph
// reads the archive, and it neither reads nor decides anything.
//
// The same graph gives the same bytes in each form. What is in it may come from
// strangers: names are escaped, cycles end, and pictures have a largest size.
package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// maxNodes is how many nodes are drawn at most.
const maxNodes = 10_000

// A Kind says what a node is.
type Kind string

// The kinds, in the order in which evidence comes to be.
const (
	Workload   Kind = "workload"
	Experiment Kind = "experiment"
	Run        Kind = "run"
	Import     Kind = "import"
	Trace      Kind = "trace"
	Table      Kind = "table"
	Figure     Kind = "figure"
	Noise      Kind = "noise"
	Claim      Kind = "claim"
)

var kinds = []Kind{Workload, Experiment, Run, Import, Trace, Table, Figure, Noise, Claim}

// A Node is one thing of the archive.
type Node struct {
	ID      string       `json:"id"` // unique in the graph: the digest, where there is one
	Kind    Kind         `json:"kind"`
	Name    string       `json:"name,omitempty"`
	Digest  assay.Digest `json:"digest,omitzero"`
	Facts   []Fact       `json:"facts,omitempty"`
	Parts   []Part       `json:"parts,omitempty"`
	Problem string       `json:"problem,omitempty"` // why it could not be read: what is here is what others say of it
}

// A Fact is something to know about a node.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// A Part is a thing that belongs to one node alone, or takes part in it.
type Part struct {
	Name   string       `json:"name"`
	Digest assay.Digest `json:"digest"`
}

// An Edge says that the node To was made from the node From.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// A Graph is nodes and edges in a fixed order. New makes one.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// New returns a graph of nodes, each ID once, the first of them, and of the
// edges whose both ends there are.
func New(nodes []Node, edges []Edge) Graph {
	g := Graph{Nodes: []Node{}, Edges: []Edge{}}
	known := map[string]bool{}
	for _, n := range nodes {
		if !known[n.ID] {
			g.Nodes, known[n.ID] = append(g.Nodes, n), true
		}
	}
	slices.SortFunc(g.Nodes, func(a, b Node) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	for _, e := range edges {
		if known[e.From] && known[e.To] {
			g.Edges = append(g.Edges, e)
		}
	}
	order := g.index()
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(order[a.From], order[b.From]), cmp.Compare(order[a.To], order[b.To]))
	})
	g.Edges = slices.Compact(g.Edges)
	return g
}

// index returns the position of each node by its ID.
func (g Graph) index() map[string]int {
	at := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		at[n.ID] = i
	}
	return at
}

// neighbours returns for each node what it was made from, and what was made
// from it, in order.
func (g Graph) neighbours() (from, gives [][]int) {
	at := g.index()
	from, gives = make([][]int, len(g.Nodes)), make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		a, b := at[e.From], at[e.To]
		gives[a] = append(gives[a], b)
		from[b] = append(from[b], a)
	}
	return from, gives
}

// Around returns the nodes with these IDs, all they were made from, and all
// that was made from them.
func (g Graph) Around(ids ...string) Graph {
	from, gives := g.neighbours()
	return g.reached(ids, from, gives)
}

// Behind returns the nodes with these IDs and all they were made from.
func (g Graph) Behind(ids ...string) Graph {
	from, _ := g.neighbours()
	return g.reached(ids, from)
}

// reached returns the nodes that one gets to from ids in any one of directions.
func (g Graph) reached(ids []string, directions ...[][]int) Graph {
	at := g.index()
	keep := make([]bool, len(g.Nodes))
	for _, next := range directions {
		seen := make([]bool, len(g.Nodes))
		var todo []int
		for _, id := range ids {
			if i, ok := at[id]; ok {
				todo = append(todo, i)
			}
		}
		for len(todo) > 0 {
			i := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !seen[i] {
				seen[i], keep[i] = true, true
				todo = append(todo, next[i]...)
			}
		}
	}
	out := Graph{Nodes: []Node{}, Edges: []Edge{}}
	for i, n := range g.Nodes {
		if keep[i] {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, e := range g.Edges {
		if keep[at[e.From]] && keep[at[e.To]] {
			out.Edges = append(out.Edges, e)
		}
	}
	return out
}

// checkSize refuses to draw what nobody could look at.
func (g Graph) checkSize() error {
	if len(g.Nodes) > maxNodes {
		return fmt.Errorf("graph of %d nodes: more than %d are no picture: name one thing, or take text or json", len(g.Nodes), maxNodes)
	}
	return nil
}
