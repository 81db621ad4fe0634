package stats

// GroupMedians returns the median of the values of each group, in the order in
// which the groups first appear; group says of each value which one it is of.
//
// It is what makes values independent that are not: calls in one process share
// its layout, its compiled code and its moment, so that an interval of all of
// them is far too narrow. The medians of processes are independent, and
// MedianInterval of them is honest: Kalibera and Jones, "Rigorous benchmarking
// in reasonable time", ISMM 2013.
func GroupMedians(x []float64, group []int64) []float64 {
	index := make(map[int64]int)
	var values [][]float64
	for i, v := range x {
		at, ok := index[group[i]]
		if !ok {
			at = len(values)
			index[group[i]], values = at, append(values, nil)
		}
		values[at] = append(values[at], v)
	}
	var medians []float64
	for _, v := range values {
		medians = append(medians, Median(v))
	}
	return medians
}
