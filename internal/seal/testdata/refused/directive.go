package main

import (
	_ "embed"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

//go:embed data.csv // refuse: embed
var data string

//go:wasmimport env f // refuse: directive
func host() // refuse: no-body

func F(f *figure.Figure, s figure.Table) error {
	host()
	f.Title(data)
	return nil
}

func main() {}
