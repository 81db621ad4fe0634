// Command bench measures assay beside peers and prints a table: what both
// took, the ratio, and whether the goal is met. Run it with make bench;
// docs/benchmarks.md has a recorded run. Arguments choose suites by name.
//
// A row's numbers are taken in rounds, ours and the peer's in turn within one
// round, so that a busy machine slows both. The table shows medians of the
// rounds, and of the ratios within a round, with 95% intervals by order
// statistics. Bench asserts nothing: a missed goal is a line in the table.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A suite measures the metrics of some rows.
type suite struct {
	name    string
	measure func(context.Context) (samples, error)
}

// suites lists everything that is measured, in order. Each returns its
// samples by the metrics that rows name.
var suites = []suite{
	{"Overhead", goBench("./internal/agent", "Overhead", 20)},
	{"Memory", goBench("./tools/bench", "Memory", 7)},
	{"Wazero", goBench("./tools/bench", "Wazero", 121)},
	{"Replay", replay},
	{"Cell", goBench("./internal/kernel", "Cell", 7)},
	{"Notebook", notebooks},
	{"Rows", goBench("./internal/seal", "Rows", 11)},
	{"Put", goBench("./artifacts/disk", "Put", 9)},
	{"Trace", goBench("./artifacts/trace", "Trace", 7)},
	{"Import", imports},
	{"Registry", goBench("./tools/bench", "Registry", 11)},
	{"Store", goBench("./tools/bench", "Store", 11)},
	{"Listing", goBench("./tools/bench", "Listing", 11)},
}

// rows lists the lines of the table.
var rows = slices.Concat(singles, phases(), transfers())

// phases lists the lines of Wazero.
func phases() []row {
	const plain = "a plain Go benchmark of wazero"
	var all []row
	for _, phase := range []string{"compile", "instantiate", "call"} {
		all = append(all,
			row{title: "Phase " + phase + " as wazero's shim tells it",
				ours: "Wazero " + phase + "-ms", peer: "Wazero plain-" + phase + "-ms", against: plain, goal: nearGoal(1.03)},
			row{title: "The same, processor time",
				ours: "Wazero " + phase + "-cpu-ms", peer: "Wazero plain-" + phase + "-cpu-ms", against: plain, goal: nearGoal(1.03)})
	}
	return all
}

// transfers lists the lines of Registry and Store.
func transfers() []row {
	var all []row
	for _, set := range []struct{ name, what string }{{"big", "512 MiB"}, {"small", "1000 x 64 KiB"}} {
		add := func(suite, verb, what, peer, against string) {
			name, theirs := suite+" "+verb+"-"+set.name, suite+" "+peer+"-"+verb+"-"+set.name
			all = append(all,
				row{title: what + " " + set.what, ours: name + "-s", peer: theirs + "-s", against: against, goal: ratioGoal(1)},
				row{title: "The same, processor time of the client", ours: name + "-cpu-s", peer: theirs + "-cpu-s", against: against, goal: ratioGoal(1)})
		}
		for _, verb := range []string{"push", "pull"} {
			add("Registry", verb, "Registry: "+verb, "oras", "oras "+verb)
		}
		for _, verb := range []string{"put", "get"} {
			add("Store", verb, "MinIO: "+verb, "mc", "mc mirror")
			add("Store", verb, "MinIO: "+verb, "rclone", "rclone copy")
		}
		add("Store", "put", "MinIO: put", "verified", "mc mirror --checksum SHA256")
		add("Store", "get", "MinIO: get", "verified", "mc mirror, sha256sum, sync")
	}
	return all
}

// singles lists the other lines.
var singles = []row{
	{title: "One invocation of /bin/true: mean wall time as measured, the launcher alone (rounds of 200)",
		ours: "Overhead wall-µs", peer: "Overhead hyperfine-wall-µs", against: "hyperfine -N", goal: ratioGoal(1)},
	{title: "The same under the whole agent, which writes its journal between two invocations",
		ours: "Overhead agent-wall-µs", peer: "Overhead hyperfine-wall-µs", against: "hyperfine -N", goal: ratioGoal(1)},
	{title: "The same, all the time that passed, the journal and the start of the agent included",
		ours: "Overhead agent-all-µs", peer: "Overhead hyperfine-all-µs", against: "hyperfine -N", goal: ratioGoal(1)},
	{title: "Peak RSS of a program that touches 256 pages, less that of one that touches none: the memory protocol",
		ours: "Memory touched-KiB", peer: "Memory known-KiB", against: "what it touches", goal: nearGoal(1.03)},
	{title: "Peak RSS of the first",
		ours: "Memory peak-KiB", peer: "Memory hyperfine-KiB", against: "hyperfine -N, which cannot tell what is below its own"},

	{title: "assay replay of a figure (SVG, PNG, PDF), its compiled module cached",
		ours: "Replay warm-s", peer: "Replay native-s", against: "figure.Render in process", goal: valueGoal(0.5)},
	{title: "The same with an empty cache",
		ours: "Replay cold-s", peer: "Replay native-s", against: "figure.Render in process", goal: valueGoal(2)},
	{title: "The same with its compiled module cached, against the referee",
		ours: "Replay warm-s", peer: "Replay node-s", against: "replay --engine node"},

	{title: "A cell that asks assay and shows the answer, warm",
		ours: "Cell assay-ms", peer: "Cell gonb-println-ms", against: "a fmt.Println cell in bare GoNB", goal: ratioGoal(1.3)},
	{title: "The same cell",
		ours: "Cell assay-ms", peer: "Cell println-ms", against: "a fmt.Println cell in the same kernel", goal: ratioGoal(1.3)},
	{title: "assay notebook run of the quickstart, its runs archived",
		ours: "Notebook assay-s", peer: "Notebook nbconvert-s", against: "jupyter nbconvert --execute, same kernel", goal: ratioGoal(1 / 1.5)},
	{title: "The same notebook",
		ours: "Notebook assay-s", peer: "Notebook papermill-s", against: "papermill, same kernel", goal: ratioGoal(1 / 1.5)},
	{title: "assay replay --all: the two figures of the quickstart, as SVG and PNG",
		ours: "Notebook replay-s", peer: "Notebook measured-s", against: "executing the notebook, which measures", goal: ratioGoal(1.0 / 30)},
	{title: "The same",
		ours: "Notebook replay-s", peer: "Notebook assay-s", against: "executing the notebook, its runs archived"},

	{title: "Sealed ECDF of 10,000,000 rows, as SVG",
		ours: "Rows/ColdStart sealed-s", peer: "Rows/ColdStart native-s", against: "the same source, native", goal: ratioGoal(3)},
	{title: "Sealed bars of 10,000,000 rows, as SVG",
		ours: "Rows/Medians sealed-s", peer: "Rows/Medians native-s", against: "the same source, native", goal: ratioGoal(3)},

	{title: "1000 durable puts of 64 KiB, one batch",
		ours: "Put/batch durable-ms", peer: "Put/batch no-fsync-ms", against: "the same without fsync", goal: ratioGoal(2)},
	{title: "1000 durable puts of 64 KiB, one by one",
		ours: "Put/single durable-ms", peer: "Put/single no-fsync-ms", against: "the same without fsync", goal: ratioGoal(2)},

	{title: "Trace of 1,000,000 samples: write",
		ours: "Trace write-ms", peer: "Trace duckdb-write-ms", against: "DuckDB COPY of the same rows"},
	{title: "Trace of 1,000,000 samples: open, every checksum compared",
		ours: "Trace open-ms"},
	{title: "Trace of 1,000,000 samples: project runtime and wall_ns, once open",
		ours: "Trace project-ms", peer: "Trace duckdb-project-ms", against: "DuckDB, same file and columns"},

	{title: "assay import of a published sweep: 252 files, 714,622 rows, into a new workspace",
		ours: "Import all-s", peer: "Import duckdb-s", against: "DuckDB's CSV reader, same files, into a new database", needs: importedFolder, goal: valueGoal(2)},
	{title: "The same, rows a second",
		ours: "Import speed-rows/s", peer: "Import duckdb-rows/s", against: "DuckDB's CSV reader, 712,361 rows", needs: importedFolder},

	{title: "assay runs of one experiment, of 100,000 archived runs",
		ours: "Listing assay-s", peer: "Listing grep-s", against: "grep in the JSON of the same list", goal: valueGoal(0.2)},
	{title: "The same right after another run was archived",
		ours: "Listing changed-s"},
	{title: "assay show of one run by its experiment, the same archive",
		ours: "Listing show-s"},
	{title: "assay config in that workspace",
		ours: "Listing open-s", peer: "Listing open-empty-s", against: "in an empty workspace", goal: ratioGoal(1.1)},
}

// run measures the suites of these names, or all.
func run(ctx context.Context, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.name == name }) {
			return fmt.Errorf("no suite %q: see suites in tools/bench/main.go", name)
		}
	}
	writeMachine(ctx, os.Stdout)
	all := samples{}
	measured := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	for _, s := range suites {
		if !measured(s.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", s.name)
		values, err := s.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for metric, v := range values {
			all[s.name+metric] = v
		}
	}
	fmt.Printf("load     %s at the end\n\n", load())
	of := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !measured(r.suite()) })
	return writeTable(os.Stdout, of, all)
}
