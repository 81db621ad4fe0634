package main

import (
	_ "embed"
	"github.com/assay-notebooks/assay/kernelext/figure"

	. "example.com/dots"   // refuse: dot-import
	_ "example.com/driver" // refuse: blank-import
)

func F(f *figure.Figure, s figure.Table) error { return nil }

func main() {}
