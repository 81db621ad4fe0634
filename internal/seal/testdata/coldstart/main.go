// A program as a person writes one: a figure, and what has nothing to do with it.
package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"

	"github.com/assay-notebooks/assay/kernelext/figure"
)

// A Unit is a unit of time.
type Unit int

const (
	Nano  Unit = iota
	Micro      // in between
	Milli
	unused = "not in the figure"
)

// names are what the figure calls units.
var names = map[Unit]string{Nano: "ns", Micro: "us", Milli: "ms"}

var counter int

func (u Unit) String() string { return names[u] }

// ColdStart draws the distribution of start times.
func ColdStart(f *figure.Figure, s figure.Table) error {
	unit := largest(Nano, Milli, Micro) // milliseconds read best
	f.Title(fmt.Sprintf("Process cold start, %d samples in %v", s.Len(), unit))
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In(unit.String()))
}

// largest returns the largest of values.
func largest[T cmp.Ordered](first T, others ...T) T {
	for _, v := range others {
		// a comment inside of a kept function is kept
		first = max(first, v)
	}
	return first
}

func main() {
	counter++
	fmt.Println(counter, unused)
	if _, err := http.Get("http://127.0.0.1/"); err != nil {
		os.Exit(1)
	}
}

// Medians draws the median start time of each runtime.
func Medians(f *figure.Figure, s figure.Table) error {
	f.Title("Process cold start")
	return f.Bar(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}
