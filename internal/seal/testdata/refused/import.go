package main

import (
	"github.com/assay-notebooks/assay/kernelext/figure"
	"math/rand"
	"net/http"
	"os"
	"time"
	"unsafe"

	"example.com/stranger"
)

type page struct{}

func (page) get() { http.Get("http://127.0.0.1/") } // refuse: import

func F(f *figure.Figure, s figure.Table) error {
	page{}.get()
	_ = rand.Int()       // has the seed of the sandbox
	_ = time.Now()       // and its clock
	_ = unsafe.Sizeof(0) // refuse: import
	_ = stranger.Value   // refuse: import
	return file()
}

func file() error {
	_, err := os.ReadFile("data.csv") // refuse: import
	return err
}

func main() {}
