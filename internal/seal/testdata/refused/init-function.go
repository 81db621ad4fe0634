package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/assay-notebooks/assay/kernelext/figure"
)

var steps = 3 // refuse: mutable-variable

var seen = map[string]bool{}

func init() { // what the rest of the program needs is its own business
	fmt.Println("hello")
	seen["a"] = true
	os.Args = nil
}

func init() {
	steps = 4
	time.Local = time.UTC // refuse: init-function
	prepare()
}

func prepare() {
	p := &base64.StdEncoding // refuse: init-function
	_ = p
	again()
}

func again() { prepare() }

func F(f *figure.Figure, s figure.Table) error {
	_ = steps
	return nil
}

func main() { time.Local = time.UTC }
