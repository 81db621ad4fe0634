// Command build puts the programs that the named modules below tools/ pin into
// the cache, and prints where they are: go run ./tools/build oras minio
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/assay-notebooks/assay/internal/gotool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	status := 0
	for _, name := range os.Args[1:] {
		path, err := gotool.Build(ctx, name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "build: without %s: %v\n", name, err)
			status = 1
			continue
		}
		fmt.Println(path)
	}
	os.Exit(status)
}
