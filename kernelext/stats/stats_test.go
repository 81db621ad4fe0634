package stats

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// A reference is what testdata/reference.py computed with NumPy and SciPy.
type reference struct {
	Samples map[string]struct {
		X         []float64
		Quantiles [][2]float64
		Median    float64
		MAD       float64
		GeoMean   float64                `json:"geometric_mean"`
		MedianCI  map[string]*[2]float64 `json:"median_interval"`
		Mean      float64
		MeanCI    map[string]*[2]float64 `json:"mean_interval"`
		GeoMeanCI map[string]*[2]float64 `json:"geometric_mean_interval"`
	}
	Bootstrap struct {
		X                string
		Y                []float64
		Ratio            float64
		MeanPercentile   [2]float64 `json:"mean_percentile"`
		MeanBCa          [2]float64 `json:"mean_bca"`
		StdBCa           [2]float64 `json:"std_bca"`
		MedianPercentile [2]float64 `json:"median_percentile"`
		RatioPercentile  [2]float64 `json:"ratio_percentile"`
	}
	IncompleteBeta  [][4]float64 `json:"incomplete_beta"`
	StudentQuantile [][3]float64 `json:"student_quantile"`
}

func load(t *testing.T) reference {
	t.Helper()
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// near reports whether two numbers agree to a relative tolerance.
func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Max(math.Abs(want), 1e-300)
}

func TestAgainstReference(t *testing.T) {
	for name, r := range load(t).Samples {
		for _, q := range r.Quantiles {
			if got := Quantile(r.X, q[0]); !near(got, q[1], 1e-14) {
				t.Errorf("%s: Quantile(%v) = %v, want %v", name, q[0], got, q[1])
			}
		}
		for what, pair := range map[string][2]float64{
			"Median":        {Median(r.X), r.Median},
			"MAD":           {MAD(r.X), r.MAD},
			"Mean":          {Mean(r.X), r.Mean},
			"GeometricMean": {GeometricMean(r.X), r.GeoMean},
		} {
			if !near(pair[0], pair[1], 1e-13) {
				t.Errorf("%s: %s = %v, want %v", name, what, pair[0], pair[1])
			}
		}
		for level, want := range r.MedianCI {
			got, ok := MedianInterval(r.X, parse(t, level))
			compare(t, name+": MedianInterval "+level, got, ok, want, 0)
		}
		for level, want := range r.MeanCI {
			got, ok := MeanInterval(r.X, parse(t, level))
			compare(t, name+": MeanInterval "+level, got, ok, want, 1e-11)
		}
		for level, want := range r.GeoMeanCI {
			got, ok := GeometricMeanInterval(r.X, parse(t, level))
			compare(t, name+": GeometricMeanInterval "+level, got, ok, want, 1e-11)
		}
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compare(t *testing.T, what string, got Interval, ok bool, want *[2]float64, tolerance float64) {
	t.Helper()
	if ok != (want != nil) {
		t.Errorf("%s: there is an interval: %v, want %v", what, ok, want != nil)
		return
	}
	if ok && !(near(got.Low, want[0], tolerance) && near(got.High, want[1], tolerance)) {
		t.Errorf("%s = [%v, %v], want %v", what, got.Low, got.High, *want)
	}
}

func TestSpecialFunctions(t *testing.T) {
	r := load(t)
	for _, v := range r.IncompleteBeta {
		if got := incompleteBeta(v[0], v[1], v[2]); !near(got, v[3], 1e-10) && math.Abs(got-v[3]) > 1e-290 {
			t.Errorf("incompleteBeta(%v, %v, %v) = %v, want %v", v[0], v[1], v[2], got, v[3])
		}
	}
	for _, v := range r.StudentQuantile {
		if got := studentQuantile(v[0], v[1]); !near(got, v[2], 1e-10) {
			t.Errorf("studentQuantile(%v, %v) = %v, want %v", v[0], v[1], got, v[2])
		}
	}
}

// No values, one, and values that are no numbers are defined, and give no
// interval.
func TestTooLittle(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, x := range [][]float64{nil, {}, {nan}, {nan, 1, 2, 3, 4, 5, 6, 7}} {
		for name, got := range map[string]float64{"Median": Median(x), "MAD": MAD(x), "Mean": Mean(x), "GeometricMean": GeometricMean(x)} {
			if !math.IsNaN(got) {
				t.Errorf("%s(%v) = %v, want NaN", name, x, got)
			}
		}
	}
	if got := Median([]float64{7}); got != 7 {
		t.Errorf("Median of 7 = %v", got)
	}
	if got := Median([]float64{inf, inf}); got != inf {
		t.Errorf("Median of two infinities = %v", got)
	}
	for _, p := range []float64{-0.1, 1.1, nan} {
		if got := Quantile([]float64{1, 2}, p); !math.IsNaN(got) {
			t.Errorf("Quantile(%v) = %v, want NaN", p, got)
		}
	}
	for _, x := range [][]float64{nil, {1}, {1, 2, 3, 4}, {nan, 1, 2, 3, 4, 5, 6, 7}} {
		if i, ok := MedianInterval(x, 0.95); ok {
			t.Errorf("MedianInterval(%v) = %v, want none", x, i)
		}
		if i, ok := (Bootstrap{}).Percentile(x, SortedMedian); ok {
			t.Errorf("Percentile(%v) = %v, want none", x, i)
		}
		if i, ok := (Bootstrap{}).BCa(x, SortedMedian); ok {
			t.Errorf("BCa(%v) = %v, want none", x, i)
		}
		if _, i, ok := (Bootstrap{}).RatioOfMedians(x, []float64{1, 2, 3, 4, 5, 6}); ok {
			t.Errorf("RatioOfMedians(%v) = %v, want none", x, i)
		}
	}
	for _, x := range [][]float64{nil, {1}, {1, nan}, {1, inf}} {
		if i, ok := MeanInterval(x, 0.95); ok {
			t.Errorf("MeanInterval(%v) = %v, want none", x, i)
		}
	}
	for _, x := range [][]float64{nil, {1}, {1, 0}, {1, -1}, {1, nan}, {1, inf}} {
		if i, ok := GeometricMeanInterval(x, 0.95); ok {
			t.Errorf("GeometricMeanInterval(%v) = %v, want none", x, i)
		}
	}
	same := []float64{3, 3, 3, 3, 3, 3, 3}
	if i, ok := MedianInterval(same, 0.95); !ok || i.Low != 3 || i.High != 3 {
		t.Errorf("MedianInterval of one value seven times = %v, %v; want [3, 3]", i, ok)
	}
	if i, ok := (Bootstrap{}).BCa(same, SortedMedian); ok {
		t.Errorf("BCa of one value seven times = %v; want none, its acceleration is 0/0", i)
	}
}

func TestDoesNotChangeInput(t *testing.T) {
	x := []float64{3, 1, 2, 5, 4, 9}
	Median(x)
	MAD(x)
	MedianInterval(x, 0.9)
	Bootstrap{Resamples: 10}.BCa(x, SortedMedian)
	Bootstrap{Resamples: 10}.RatioOfMedians(x, x)
	for i, want := range []float64{3, 1, 2, 5, 4, 9} {
		if x[i] != want {
			t.Errorf("x[%d] = %v, want %v", i, x[i], want)
		}
	}
}
