package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
	"gonum.org/v1/plot/nowhere"
)

func F(f *figure.Figure, s figure.Table) error {
	return nowhere.Go() // refuse: platform
}

func main() {}
