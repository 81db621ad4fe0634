package lint

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	chance = 0.001 // of a false alarm, over all series and columns of a table and the three tests
	tests  = 3
	effect = 0.05 // a smaller drift is not worth a finding
)

// drift finds series whose samples change their level or follow a trend:
// Pettitt's and Mann and Kendall's tests. Barrett et al., "Virtual machine
// warmup blows hot and cold", OOPSLA 2017, have what it does to conclusions.
func drift(rule string, t *table) (found []assay.Finding) {
	columns := t.sampled()
	for _, v := range columns {
		found = append(found, t.unsteady(rule, numbers(v), chance/tests/float64(len(columns)))...)
	}
	return found
}

// unsteady finds the series of values, by row, that drift, each of the tests
// with that chance of a false alarm over all series.
func (t *table) unsteady(rule string, x []float64, chance float64) (found []assay.Finding) {
	where := t.condition()
	groups := group(t.rows, where...)
	all := make([][]series, len(groups))
	tested := 0
	for i, rows := range groups {
		all[i] = t.samples(rows, x)
		tested += len(all[i])
	}
	for i, rows := range groups {
		var hits []int
		var by []float64
		early := 0
		for _, s := range all[i] {
			n, change, ok := s.drifts(chance / float64(tested))
			if !ok {
				continue
			}
			hits, by = append(hits, s.rows[:n]...), append(by, change)
			if change > 0 && n <= len(s.x)/2 {
				early++
			}
		}
		if len(by) == 0 {
			if hits, by = firsts(all[i], chance/float64(len(groups))); len(by) == 0 {
				continue
			}
			early = len(by)
		}
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return x[row] })
		slices.Sort(by)
		f.Number = plain(stats.SortedMedian(by), "", "median change of level, over the later level", len(by))
		f.Says = fmt.Sprintf("%d of %d series drift, by %s in the middle; in %d the first half or less is slower: warm-up", len(by), len(all[i]), percent(math.Abs(f.Number.Value)), early)
		f.Effect = "the samples are of no one state: their median depends on how many were taken, and they are not independent"
		f.Remedy = "declare the first samples warm-up, or measure until the level stays; report start and steady state apart"
		found = append(found, f)
	}
	return found
}

// drifts returns the number of first samples whose level is another than that
// of the rest, and by what share of it.
func (s series) drifts(chance float64) (n int, change float64, ok bool) {
	if len(s.x) < shortest {
		return 0, 0, false
	}
	x, each := s.thinned()
	at, p := changes(x)
	if at > 0 && p < chance {
		change = stats.Median(x[:at])/stats.Median(x[at:]) - 1
		if math.Abs(change) >= effect {
			return min(at*each, len(s.x)), change, true
		}
	}
	if _, p := stats.MannKendall(x); p < chance {
		third := len(x) / 3
		change = stats.Median(x[:third])/stats.Median(x[len(x)-third:]) - 1
		if math.Abs(change) >= effect {
			return len(s.x), change, true
		}
	}
	return 0, 0, false
}

// changes is Pettitt's test with a p that small samples can reach.
func changes(x []float64) (at int, p float64) {
	at, p = stats.Pettitt(x)
	if at == 0 || len(x) >= exactBelow {
		return at, p
	}
	u := 0 // at the change: values before it that are above one after it, less those below
	for _, a := range x[:at] {
		for _, b := range x[at:] {
			u += cmp.Compare(a, b)
		}
	}
	return at, min(p, changeBound(len(x), max(u, -u)))
}

const exactBelow = 40 // values; of more, Pettitt's approximation is small enough

// changeBound is at least the probability that n values in random order have
// somewhere a change as clear as u: the sum over all places of the exact
// probabilities. Mann and Whitney, "On a test of whether one of two random
// variables is stochastically larger than the other", Annals of Mathematical
// Statistics 18(1), 1947.
func changeBound(n, u int) float64 {
	// ways[k][w]: choices of k of the first values whose ranks are w above the least sum
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, n*n/4+1)
	}
	ways[0][0] = 1
	for rank := range n {
		for k := min(rank+1, n); k >= 1; k-- {
			shift := rank - (k - 1) // of the largest, above what it is at least
			for w := len(ways[k]) - 1; w >= shift; w-- {
				ways[k][w] += ways[k-1][w-shift]
			}
		}
	}
	p := 0.0
	for k := 1; k < n; k++ {
		all, tail := 0.0, 0.0
		for w, count := range ways[k][:k*(n-k)+1] {
			all += count
			if d := 2*w - k*(n-k); max(d, -d) >= u {
				tail += count
			}
		}
		p += tail / all
	}
	return min(1, p)
}

// firsts finds that the first sample is the slowest in more series than chance
// has it: a warm-up too short for a test of one series.
func firsts(all []series, chance float64) (rows []int, by []float64) {
	tried, expected := 0, 0.0
	for _, s := range all {
		if len(s.x) < inOne {
			continue
		}
		tried++
		expected += 1 / float64(len(s.x))
		if rest := s.x[1:]; s.x[0] > slices.Max(rest) {
			rows, by = append(rows, s.rows[0]), append(by, s.x[0]/stats.Median(rest)-1)
		}
	}
	if tried == 0 || atLeast(len(by), tried, expected/float64(tried)) > chance || stats.Median(by) < effect {
		return nil, nil
	}
	return rows, by
}

// atLeast is the probability of k or more successes in n trials.
func atLeast(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k {
		all, _ := math.Lgamma(float64(n + 1))
		some, _ := math.Lgamma(float64(i + 1))
		rest, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - some - rest + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return max(0, 1-sum)
}
