package contract

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
)

func TestJudge(t *testing.T) {
	wasmi := runners.CLI{ID: "wasmi"}
	other := runners.CLI{ID: "other"}
	high := Case{Name: "exit 126", Want: assay.Exit, Exit: 126} // wasmi's deviation: a runtime crash
	runc := runners.CLI{ID: "runc"}
	abort := Case{Name: "abort", Want: assay.Trap}
	for exit, want := range map[int]Verdict{134: Deviates, 1: Fails, 127: Fails} {
		if got := abort.judge(runc, outcome{assay.Exit, exit}, ""); got.Verdict != want {
			t.Errorf("runc's abort with status %d: %s, want %s", exit, got.Verdict, want)
		}
	}
	for _, c := range []struct {
		r    runners.CLI
		got  outcome
		want Verdict
		why  string
	}{
		{other, outcome{assay.Exit, 126}, Met, ""},
		{other, outcome{assay.Exit, 1}, Fails, "want exit 126"},
		{other, outcome{assay.RuntimeCrash, 0}, Fails, "want exit 126"},
		{wasmi, outcome{assay.RuntimeCrash, 0}, Deviates, "126 and above"},
		{wasmi, outcome{assay.Trap, 0}, Fails, "Deviations says runtime-crash"},
		{wasmi, outcome{assay.Exit, 126}, Fails, "take its deviation"},
	} {
		got := high.judge(c.r, c.got, "")
		if got.Verdict != c.want || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s ends with %v: %s (%s), want %s (... %s ...)", c.r.ID, c.got, got.Verdict, got.Why, c.want, c.why)
		}
	}
}

func TestJudgeLacks(t *testing.T) {
	ok, unsupported, crash := outcome{Outcome: assay.OK}, outcome{Outcome: assay.Unsupported}, outcome{Outcome: assay.RuntimeCrash}
	for _, c := range []struct {
		runtime string
		got     outcome
		want    Verdict
		why     string
	}{
		{"native", ok, Met, ""},
		{"native", unsupported, Fails, "want ok"},
		{"wazero", unsupported, Met, ""},
		{"wazero", ok, Fails, "out of Lacks"},
		{"wazero", crash, Fails, "want unsupported"},
		{"v8", unsupported, Met, ""},
		{"v8", ok, Met, ""}, // by its version
		{"v8", crash, Fails, "want unsupported"},
	} {
		got := Case{Name: exceptions, Want: assay.OK}.judge(runners.CLI{ID: c.runtime}, c.got, "")
		if got.Verdict != c.want || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s of %s ends with %v: %s (%s), want %s (... %s ...)", exceptions, c.runtime, c.got, got.Verdict, got.Why, c.want, c.why)
		}
	}
}

// TestDeviations holds the tables to cases there are, and to one line for each.
func TestDeviations(t *testing.T) {
	cases := map[string]bool{}
	for _, c := range Cases {
		if cases[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		cases[c.Name] = true
	}
	seen := map[[2]string]bool{}
	line := func(runtimes, names []string, why string) {
		for _, runtime := range runtimes {
			for _, name := range names {
				if key := [2]string{runtime, name}; !cases[name] || seen[key] || why == "" {
					t.Errorf("%s of %s: no such case, or said twice, or without a reason", name, runtime)
				} else {
					seen[key] = true
				}
			}
		}
	}
	for _, d := range Deviations {
		if d.Got == assay.Exit {
			t.Errorf("%q of %q: which status?", d.Cases, d.Runtimes)
		}
		line(d.Runtimes, d.Cases, d.Why)
	}
	for _, l := range Lacks {
		line(l.Runtimes, l.Cases, l.Why)
	}
}

func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "runtimes.md")
	doc := "before\n" + string(Everything) + "all\n" + end + "between\n" + string(Slow) + "old\n" + end + "after\n"
	if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	r := Report{Results: []Result{{Runtime: "lucet", Case: Cases[0].Name, Verdict: Met}}}
	day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	if err := r.Write(file, Slow, day); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if want := strings.Replace(doc, "old\n", r.Markdown(day), 1); err != nil || string(got) != want {
		t.Errorf("the file is %q, want %q (%v)", got, want, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(doc, string(Slow), "", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(file, Slow, day); err == nil || !strings.Contains(err.Error(), "add them") {
		t.Errorf("Write into a file without the part: error %v", err)
	}
}

// TestGuests assembles the guests again.
func TestGuests(t *testing.T) {
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		tooltest.Missing(t, "wat2wasm", err)
	}
	sources, err := filepath.Glob("guests/*.wat")
	if err != nil || len(sources) == 0 {
		t.Fatalf("guests/*.wat: %v, %v", sources, err)
	}
	for _, source := range sources {
		out := filepath.Join(t.TempDir(), "m.wasm")
		if b, err := exec.Command(wat2wasm, "--enable-all", source, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", source, err, b)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(source, ".wat") + ".wasm")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not assembled from its source (%v): run guests/assemble", source, err)
		}
	}
}
