package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

var F = func(f *figure.Figure, s figure.Table) error { return nil } // refuse: func-literal

func main() {}
