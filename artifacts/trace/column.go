package trace

import (
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/parquet-go/parquet-go"
)

// A column is one field of assay.Sample in a trace.
type column struct {
	Column
	node     parquet.Node
	optional bool
	later    bool                              // traces written before it was added lack it: its values are zero there
	get      func(*assay.Sample) parquet.Value // null where there is none
	set      func(s *assay.Sample, v *Values, row int) error
}

const paramPrefix = "param."

// columnsFor returns the columns of a trace with the given parameters, in the
// order they are written.
func columnsFor(params []string) []column {
	columns := []column{
		integer("seq", "", "planned position of the invocation; its phases share it",
			func(s *assay.Sample) *int64 { return &s.Seq }),
		small("block", "", "the block it was taken in", func(s *assay.Sample) *int32 { return &s.Block }),
		small("trial", "", "index of the trial in the plan", func(s *assay.Sample) *int32 { return &s.Trial }),
		truth("warmup", "taken in a warm-up block, or a warm-up call: not a sample of the result",
			func(s *assay.Sample) *bool { return &s.Warmup }),
		text("workload", "name of the workload", func(s *assay.Sample) *string { return &s.Workload }),
		text("runtime", "what executed it", func(s *assay.Sample) *string { return &s.Runtime }),
		text("host", "what the experiment calls the machine", func(s *assay.Sample) *string { return &s.Host }),
		text("phase", "what the times span", func(s *assay.Sample) *assay.Phase { return &s.Phase }),
		later(count("call", "number of the call in its invocation, from 1; null if it is not a call",
			func(s *assay.Sample) *int32 { return &s.Call })),
		later(note("mode", "how code was executed", labels(), func(s *assay.Sample) *string { return &s.Mode })),
		later(note("cache", "where compiled code came from", labels(), func(s *assay.Sample) *string { return &s.Cache })),
		later(count("compile_threads", "threads that compile; null if none does, or it is not known",
			func(s *assay.Sample) *int32 { return &s.Threads })),
		later(note("engine", "of a shim's process: its engine and that one's version", labels(), func(s *assay.Sample) *string { return &s.Engine })),
		text("outcome", "how the invocation ended", func(s *assay.Sample) *assay.Outcome { return &s.Outcome }),
		note("detail", "why it failed", plain(parquet.String()), func(s *assay.Sample) *string { return &s.Detail }),
		small("exit", "", "exit status, -1 where there is none", func(s *assay.Sample) *int32 { return &s.Exit }),
		note("signal", "what killed it", labels(), func(s *assay.Sample) *string { return &s.Signal }),
		integer("start_ns", "ns", "start, since the segment's agent began; of a call, that of its process; 0 if not run",
			func(s *assay.Sample) *int64 { return &s.StartNS }),
		small("segment", "", "how often the run had been resumed", func(s *assay.Sample) *int32 { return &s.Segment }),
		measured("wall_ns", "ns", "elapsed, monotonic clock; of a call, the guest's own; of what a shim reports, the shim's",
			func(s *assay.Sample) **int64 { return &s.WallNS }),
		measured("cpu_ns", "ns", "processor time, user and system, of the process and its waited-for children",
			func(s *assay.Sample) **int64 { return &s.CPUNS }),
		measured("peak_rss_bytes", "bytes", "highest resident set of one process",
			func(s *assay.Sample) **int64 { return &s.RSSBytes }),
		later(measured("user_ns", "ns", "the part of cpu_ns in user mode, where that is above 100 ms",
			func(s *assay.Sample) **int64 { return &s.UserNS })),
		later(measured("system_ns", "ns", "the part of cpu_ns in the kernel, where that is above 100 ms",
			func(s *assay.Sample) **int64 { return &s.SystemNS })),
		later(measured("pss_bytes", "bytes", "proportional set of the process itself when it ended",
			func(s *assay.Sample) **int64 { return &s.PSSBytes })),
		later(measured("minor_faults", "", "page faults served without I/O, of the process and its waited-for children",
			func(s *assay.Sample) **int64 { return &s.Minor })),
		later(measured("major_faults", "", "page faults with I/O, of the same", func(s *assay.Sample) **int64 { return &s.Major })),
		later(measured("voluntary_switches", "", "context switches because it waited, of the same",
			func(s *assay.Sample) **int64 { return &s.Waits })),
		later(measured("involuntary_switches", "", "context switches because it was preempted, of the same",
			func(s *assay.Sample) **int64 { return &s.Preempts })),
		later(measured("storage_read_bytes", "bytes", "fetched from storage, by the same",
			func(s *assay.Sample) **int64 { return &s.Reads })),
		later(measured("storage_write_bytes", "bytes", "sent to the page cache to be written to storage, by the same",
			func(s *assay.Sample) **int64 { return &s.Writes })),
		later(measured("cycles", "", "of the processor in user mode, by its own counter, of the same",
			func(s *assay.Sample) **int64 { return &s.Cycles })),
		later(measured("instructions", "", "executed in user mode, by the processor's own counter, of the same",
			func(s *assay.Sample) **int64 { return &s.Instrs })),
		later(measured("guest_count", "", "what the runtime counted of the guest, in guest_unit",
			func(s *assay.Sample) **int64 { return &s.Guest })),
		later(note("guest_unit", "unit of guest_count, and what counted", labels(), func(s *assay.Sample) *string { return &s.GuestOf })),
		later(measured("cgroup_cpu_ns", "ns", "processor time of everything in the invocation's control group",
			func(s *assay.Sample) **int64 { return &s.CgroupNS })),
		later(measured("cgroup_peak_memory_bytes", "bytes", "highest memory of everything in the invocation's control group, page cache included",
			func(s *assay.Sample) **int64 { return &s.CgroupMemory })),
		stdout(),
		integer("output_bytes", "bytes", "length of stdout and stderr together",
			func(s *assay.Sample) *int64 { return &s.OutBytes }),
	}
	made := make([]column, len(params))
	for i, name := range params {
		made[i] = param(name)
	}
	host := slices.IndexFunc(columns, func(c column) bool { return c.Name == "host" })
	return slices.Insert(columns, host+1, made...)
}

// plain is a column whose values stand one behind the other.
func plain(node parquet.Node) parquet.Node { return parquet.Encoded(node, &parquet.Plain) }

// labels is a text column of few values, kept as a dictionary.
func labels() parquet.Node { return parquet.Encoded(parquet.String(), &parquet.RLEDictionary) }

func integer(name, unit, meaning string, field func(*assay.Sample) *int64) column {
	return column{
		Column: Column{Name: name, Kind: Int, Unit: unit, Meaning: meaning},
		node:   plain(parquet.Int(64)),
		get:    func(s *assay.Sample) parquet.Value { return parquet.Int64Value(*field(s)) },
		set: func(s *assay.Sample, v *Values, row int) error {
			*field(s) = v.Ints[row]
			return nil
		},
	}
}

func small(name, unit, meaning string, field func(*assay.Sample) *int32) column {
	return column{
		Column: Column{Name: name, Kind: Int, Unit: unit, Meaning: meaning},
		node:   plain(parquet.Int(32)),
		get:    func(s *assay.Sample) parquet.Value { return parquet.Int32Value(*field(s)) },
		set: func(s *assay.Sample, v *Values, row int) error {
			x := v.Ints[row]
			if x < math.MinInt32 || x > math.MaxInt32 {
				return fmt.Errorf("%d is out of range", x)
			}
			*field(s) = int32(x)
			return nil
		},
	}
}

func truth(name, meaning string, field func(*assay.Sample) *bool) column {
	return column{
		Column: Column{Name: name, Kind: Bool, Meaning: meaning},
		node:   plain(parquet.Leaf(parquet.BooleanType)),
		get:    func(s *assay.Sample) parquet.Value { return parquet.BooleanValue(*field(s)) },
		set: func(s *assay.Sample, v *Values, row int) error {
			*field(s) = v.Bools[row]
			return nil
		},
	}
}

func text[T ~string](name, meaning string, field func(*assay.Sample) *T) column {
	return column{
		Column: Column{Name: name, Kind: String, Meaning: meaning},
		node:   labels(),
		get:    func(s *assay.Sample) parquet.Value { return stringValue(string(*field(s))) },
		set: func(s *assay.Sample, v *Values, row int) error {
			*field(s) = T(v.Strings[row])
			return nil
		},
	}
}

// note is a text that most samples have not: null where it is empty.
func note(name, meaning string, node parquet.Node, field func(*assay.Sample) *string) column {
	return column{
		Column:   Column{Name: name, Kind: String, Meaning: meaning + "; null if nothing"},
		node:     node,
		optional: true,
		get: func(s *assay.Sample) parquet.Value {
			if *field(s) == "" {
				return parquet.NullValue()
			}
			return stringValue(*field(s))
		},
		set: func(s *assay.Sample, v *Values, row int) error {
			*field(s) = v.Strings[row]
			return nil
		},
	}
}

func measured(name, unit, meaning string, field func(*assay.Sample) **int64) column {
	return column{
		Column:   Column{Name: name, Kind: Int, Unit: unit, Meaning: meaning + "; null if not measured"},
		node:     plain(parquet.Int(64)),
		optional: true,
		get: func(s *assay.Sample) parquet.Value {
			if *field(s) == nil {
				return parquet.NullValue()
			}
			return parquet.Int64Value(**field(s))
		},
		set: func(s *assay.Sample, v *Values, row int) error {
			x := v.Ints[row]
			*field(s) = &x
			return nil
		},
	}
}

// count is a number that is at least one: null where it is 0.
func count(name, meaning string, field func(*assay.Sample) *int32) column {
	return column{
		Column:   Column{Name: name, Kind: Int, Meaning: meaning},
		node:     plain(parquet.Int(32)),
		optional: true,
		get: func(s *assay.Sample) parquet.Value {
			if *field(s) == 0 {
				return parquet.NullValue()
			}
			return parquet.Int32Value(*field(s))
		},
		set: func(s *assay.Sample, v *Values, row int) error {
			x := v.Ints[row]
			if x < 1 || x > math.MaxInt32 {
				return fmt.Errorf("%d is out of range", x)
			}
			*field(s) = int32(x)
			return nil
		},
	}
}

// later marks a column that traces written before it was added lack.
func later(c column) column {
	c.later = true
	return c
}

func stdout() column {
	return column{
		Column:   Column{Name: "stdout", Kind: String, Meaning: "digest of all of stdout; null if none was taken"},
		node:     labels(),
		optional: true,
		get: func(s *assay.Sample) parquet.Value {
			if s.Stdout.IsZero() {
				return parquet.NullValue()
			}
			return stringValue(s.Stdout.String())
		},
		set: func(s *assay.Sample, v *Values, row int) (err error) {
			s.Stdout, err = assay.ParseDigest(v.Strings[row])
			return err
		},
	}
}

func param(name string) column {
	return column{
		Column:   Column{Name: paramPrefix + name, Kind: String, Meaning: "parameter; null if the trial has none"},
		node:     labels(),
		optional: true,
		get: func(s *assay.Sample) parquet.Value {
			value, ok := s.Params[name]
			if !ok {
				return parquet.NullValue()
			}
			return stringValue(value)
		},
		set: func(s *assay.Sample, v *Values, row int) error {
			if s.Params == nil {
				s.Params = make(map[string]string)
			}
			s.Params[name] = v.Strings[row]
			return nil
		},
	}
}

func stringValue(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }
