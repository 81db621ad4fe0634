package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func F(f *figure.Figure, s figure.Table) error {
	return f.NoSuchMethod() // refuse: compile
}

func other() { undefined() }

func main() {}
