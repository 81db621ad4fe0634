package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
)

import "C" // refuse: cgo

func F(f *figure.Figure, s figure.Table) error {
	C.puts(nil)
	return nil
}

func main() {}
