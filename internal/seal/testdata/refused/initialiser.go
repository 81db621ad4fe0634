package main

import (
	"errors"
	"github.com/assay-notebooks/assay/kernelext/figure"
	"time"
)

var errNone = errors.New("none") // refuse: initialiser

var begun = time.Now() // refuse: initialiser

var less = func(a, b int) bool { return a < b } // refuse: func-literal

var fine = time.Duration(len("abc")) * time.Second

func F(f *figure.Figure, s ...figure.Table) error {
	if less(1, 2) || fine > time.Since(begun) {
		return errNone
	}
	return nil
}

func main() {}
