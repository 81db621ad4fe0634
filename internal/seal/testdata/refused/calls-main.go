package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func F(f *figure.Figure, s figure.Table) error {
	main()
	return nil
}

func main() {} // refuse: ambiguous
