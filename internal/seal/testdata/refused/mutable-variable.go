package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

var calls = 0 // refuse: mutable-variable

var sizes = map[string]int{"a": 1} // refuse: mutable-variable

var point struct{ x, y int } // refuse: mutable-variable

var array [3]int // refuse: mutable-variable

var counter tally // refuse: mutable-variable

var calm = 3

type tally int

func (t *tally) add() { *t++ }

func F(f *figure.Figure, s figure.Table) error {
	_ = calls + sizes["a"] + point.x + array[0] + int(counter) + calm
	return nil
}

func elsewhere() {
	calls++
	delete(sizes, "a")
	p := &point.x
	_ = p
	_ = array[:]
	counter.add()
}

func main() {}
