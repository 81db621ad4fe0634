// Synthetic writes small archives of the same shape as the published ones that
// the notebooks beside it are about, for whoever does not have those. Nothing
// in them was measured, and all names of files and folders say so. Equal seeds
// give equal bytes.
//
//	go run ./notebooks/published/synthetic
package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	dir := "notebooks/published/synthetic"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for name, text := range files() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			log.Fatal(err)
		}
	}
}

// files returns all archives, by slash path.
func files() map[string]string {
	out := make(map[string]string)
	sweeps(out)
	out["wasmbounds-2022/SYNTHETIC-riscv.csv"] = wide()
	out["long-2020/SYNTHETIC-results.csv"] = means()
	return out
}

// noise returns what multiplies values: within a percentage of 1, the same
// series for equal seeds.
func noise(seed uint64, percent float64) func() float64 {
	r := rand.New(rand.NewPCG(seed, 2026))
	return func() float64 { return 1 + percent/100*(2*r.Float64()-1) }
}

// A campaign is one system measured by ab at several concurrencies.
type campaign struct {
	folder, system string
	suffix         string // of names, behind the workers
	said           string // the same in the head of a summary
	functions      []string
	requests       int
	loads          []int
	times          int
}

var campaigns = []campaign{
	{"20230309 SYNTHETIC/sledge/benchmark_output", "sledgert", "_spinlooppause_false", " | Spinloop Pause: false",
		[]string{"empty_concurrency", "fibonacci_bimodal", "html"}, 150_000, []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, 4},
	{"20230309 SYNTHETIC/faasm/benchmark_output", "faasm", "", "",
		[]string{"noop", "fibonacci", "hello"}, 150_000, []int{2, 8, 32, 128, 512}, 4},
	{"faasm SYNTHETIC", "faasm", "", "",
		[]string{"noop", "fibonacci", "hello"}, 100_000, []int{4, 8, 16, 24, 32, 40, 48}, 1},
}

// sweeps has CSVs, summaries, monitors and their time stamps. As in the
// original, the latency of a row is twice what its rate leaves room for.
func sweeps(out map[string]string) {
	vary := noise(1, 2)
	for k, c := range campaigns {
		for f, function := range c.functions {
			for _, workers := range []int{1, 32} {
				most := []float64{8000, 2000, 500}[f] * []float64{1, 2.5}[min(1, workers/32)] * []float64{1, 0.7, 0.4}[k]
				size := []float64{100, 110, 600_000}[f] // bytes of an answer
				var csv, summary, stamps, monitor strings.Builder
				csv.WriteString("connections,concurrency,ttime,rps,tpr,tpr_all,trate\n")
				now := 1_700_000_000_000_000_000 + 1_000_000_000_000*int64(k)
				for _, load := range c.loads {
					for range c.times {
						rps := most * float64(load) / (float64(load) + 3) * vary()
						taken, each, all := float64(c.requests)/rps, 2000*float64(load)/rps, 2000/rps
						rate := rps * size / 1024
						fmt.Fprintf(&csv, "%d,%d,%.3f,%.2f,%.3f,%.3f,%.2f\n", c.requests, load, taken, rps, each, all, rate)
						fmt.Fprintf(&summary, "08:00:00 - Workers: %d | App: %s%s | Total Requests: %d | Request concurrency: %d\n"+
							"Time taken for tests: %.3f seconds\nRequests per second: %.2f [#/sec]\nTime per request: %.3f [ms]\n"+
							"Time per request (across all concurrent requests): %.3f [ms]\nTransfer rate: %.2f [Kbytes/sec] received\n\n",
							workers, function, c.said, c.requests, load, taken, rps, each, all, rate)
						end := now + int64(taken*1e9)
						fmt.Fprintf(&stamps, "%d %d\n%d %d\n", load, now, load, end)
						for i := range 3 {
							fmt.Fprintf(&monitor, "%d %.1f %.2f %.4f\n", now+int64(i+1)*int64(taken*2.5e8), 60*vary(), 2000*vary(), 50*vary())
						}
						now = end + 5_000_000_000
					}
				}
				name := fmt.Sprintf("%s_%s_workers_%d%s", c.system, function, workers, c.suffix)
				out[fmt.Sprintf("faasm-sledge-2023/%s/csv/%s_ab_data.csv", c.folder, name)] = csv.String()
				base := fmt.Sprintf("faasm-sledge-2023/%s/%s_%s/workers_%d%s/%s_%d_%s", c.folder, c.system, function,
					workers, strings.Replace(c.suffix, "_", "-", 1), c.system, workers, function)
				out[base+"_summary.txt"] = summary.String()
				out[fmt.Sprintf("%s_%d", base, c.requests)] = monitor.String()
				out[fmt.Sprintf("%s_%d_timestamp", base, c.requests)] = stamps.String()
			}
		}
	}
}

// wide has a line a run of a benchmark, of as many samples as were taken, the
// first of them absent.
func wide() string {
	vary := noise(2, 3)
	benchmarks := []string{"2mm", "atax", "cholesky", "gemm", "jacobi-1d", "lu", "mvt", "trisolv"}
	runners := []struct {
		name, bounds string
		times        float64 // of native
	}{
		{"native.gcc", "none", 0.97}, {"native.clang", "none", 1}, {"wasm3.wasm", "mdiscard", 6}, {"nodejs.wasm", "none", 1.1},
		{"nodejs.wasm", "trap", 1.15}, {"nodejs.wasm", "clamp", 1.3}, {"nodejs.wasm", "mdiscard", 1.15}, {"nodejs.wasm", "uffd", 1.2},
	}
	const most = 24
	var b strings.Builder
	b.WriteString("benchid,runid,benchname,runner,nthreads,bounds")
	for i := range most + 1 {
		fmt.Fprintf(&b, ",mus_%d", i)
	}
	b.WriteByte('\n')
	for i, benchmark := range benchmarks {
		for k, r := range runners {
			fmt.Fprintf(&b, "%d,%d,%s,%s,1,%s,", i, k, benchmark, r.name, r.bounds)
			here := r.times * (1 + 0.05*float64((i*7+k*3)%5-2)) // no two benchmarks are alike
			if k == 1 {
				here = 1
			}
			for range 8 + (i*5+k)%(most-7) {
				fmt.Fprintf(&b, ",%.0f", 100_000*float64(i+1)*here*vary())
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// means has a line a program and runtime on a machine: a mean of samples that
// are not there.
func means() string {
	vary := noise(3, 4)
	var b strings.Builder
	b.WriteString("commit,machine,table,program,runtime,mean_s,sd_s\n")
	for _, machine := range []string{`"SYNTHETIC A, 4.2 GHz"`, "SYNTHETIC B"} {
		for _, program := range []string{"nop 0", "cat-sync 0", "nbody-c 50000000", "fannkuch-redux-c 12", "mandelbrot-c 15000", "binary-trees-c 21", "fasta 25000000"} {
			for _, runtime := range []struct {
				name         string
				start, times float64 // s, and of native
			}{{"native", 0.001, 1}, {"docker", 0.5, 1}, {"ssvm", 0.01, 1.1}, {"lucet", 0.008, 1.3}, {"node14", 0.06, 1.2}} {
				mean := runtime.start
				if !strings.HasSuffix(program, " 0") {
					mean += 10 * runtime.times
				}
				text := fmt.Sprintf("%.3f", mean*vary())
				if runtime.name == "lucet" && machine == "SYNTHETIC B" {
					text = "failed"
				}
				fmt.Fprintf(&b, "synthetic,%s,execution time,%s,%s,%s,\n", machine, program, runtime.name, text)
			}
		}
	}
	return b.String()
}
