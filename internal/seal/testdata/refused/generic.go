package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func F[T any](f *figure.Figure, s figure.Table) error { return nil } // refuse: signature

func main() {}
