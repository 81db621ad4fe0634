// The guest is a module that does what a figure should not: the first format
// of its request says what.
package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

func main() {
	in := tar.NewReader(os.Stdin)
	if _, err := in.Next(); err != nil {
		panic(err)
	}
	var request struct{ Formats []string }
	if err := json.NewDecoder(in).Decode(&request); err != nil {
		panic(err)
	}
	switch request.Formats[0] {
	case "world":
		answer(request.Formats[0], world(in))
	case "refuse":
		fmt.Fprintln(os.Stderr, "no column wall_ns")
		os.Exit(1)
	case "exit":
		os.Exit(3)
	case "panic":
		draw(nil)
	case "endless":
		for i := 0; ; i++ {
			_ = i
		}
	case "flood":
		for {
			os.Stdout.Write(make([]byte, 1<<20))
		}
	case "hog":
		var hoard [][]byte
		for {
			hoard = append(hoard, make([]byte, 64<<20))
		}
	case "print":
		fmt.Println("hello")
	case "nothing":
		answer("other", nil)
	}
}

// world says everything the guest can observe.
func world(in *tar.Reader) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "time %s\n", time.Now().UTC().Format(time.RFC3339Nano))
	begin := time.Now()
	time.Sleep(time.Hour)
	fmt.Fprintf(&b, "slept %v until %s\n", time.Since(begin), time.Now().UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "random %x\n", rand.Uint64())
	order := map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}
	for key := range order {
		fmt.Fprintf(&b, "%d ", key)
	}
	fmt.Fprintf(&b, "\nargs %d env %d\n", len(os.Args), len(os.Environ()))
	for _, name := range []string{".", "/", "/tmp", "/etc/passwd"} {
		_, err := os.Stat(name)
		fmt.Fprintf(&b, "%s: seen %t\n", name, err == nil)
	}
	fmt.Fprintf(&b, "written %t\n", os.WriteFile("/tmp/x", nil, 0o600) == nil)
	done := make(chan int)
	for i := range 3 {
		go func() { done <- i }()
	}
	fmt.Fprintf(&b, "goroutines %d%d%d\n", <-done, <-done, <-done)
	for {
		head, err := in.Next()
		if err == io.EOF {
			return []byte(b.String())
		}
		if err != nil {
			panic(err)
		}
		data, _ := io.ReadAll(in)
		fmt.Fprintf(&b, "%s %q\n", head.Name, data)
	}
}

func answer(format string, data []byte) {
	w := tar.NewWriter(os.Stdout)
	w.WriteHeader(&tar.Header{Name: "figure." + format, Size: int64(len(data)), Mode: 0o644})
	w.Write(data)
	w.Close()
}

func draw(values []float64) {
	fmt.Println(values[len(os.Args)])
}
