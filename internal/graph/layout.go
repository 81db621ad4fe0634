package graph

import (
	"cmp"
	"slices"
)

// A box is where a node is drawn. Lengths are in pixels of the picture: whole
// numbers, which come out the same on every processor.
type box struct {
	x, y, width, height int
	layer               int
}

func (b box) middle() int { return b.y + b.height/2 }

const (
	margin    = 24
	layerGap  = 64 // between columns
	boxGap    = 18 // between boxes of a column
	layoutRun = 8  // sweeps: more change nothing that one sees
)

// layout places boxes of known sizes in columns, each node right of all that it
// was made from, and close to the height of its neighbours. It returns the size
// of the picture, with room for top pixels above.
func (g Graph) layout(boxes []box, top int) (width, height int) {
	from, gives := g.neighbours()
	columns := g.layers(boxes, from, gives)
	x := margin
	for _, column := range columns {
		wide := 0
		for _, i := range column {
			wide = max(wide, boxes[i].width)
		}
		y := 0
		for _, i := range column {
			boxes[i].x, boxes[i].width, boxes[i].y = x, wide, y
			y += boxes[i].height + boxGap
		}
		x += wide + layerGap
	}
	for sweep := range layoutRun {
		for n := range columns {
			column, near := columns[n], from
			if sweep%2 == 1 {
				column, near = columns[len(columns)-1-n], gives
			}
			wish := func(i int) int {
				if len(near[i]) == 0 {
					return boxes[i].middle()
				}
				sum := 0
				for _, j := range near[i] {
					sum += boxes[j].middle()
				}
				return sum / len(near[i])
			}
			place(boxes, column, wish)
		}
	}
	lowest, highest := 0, 0
	for i, b := range boxes {
		if i == 0 {
			lowest, highest = b.y, b.y+b.height
		}
		lowest, highest = min(lowest, b.y), max(highest, b.y+b.height)
	}
	for i := range boxes {
		boxes[i].y += top + margin - lowest
	}
	return x - layerGap + margin, top + highest - lowest + 2*margin
}

// layers gives each node a column, and returns the nodes of each. Edges that
// close a cycle count for nothing.
func (g Graph) layers(boxes []box, from, gives [][]int) [][]int {
	waits := make([]int, len(boxes))
	var ready []int
	for i := range boxes {
		waits[i] = len(from[i])
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	done := make([]bool, len(boxes))
	stuck := 0
	for range boxes {
		if len(ready) == 0 { // only cycles are left: break into the first
			for done[stuck] {
				stuck++
			}
			ready = append(ready, stuck)
		}
		i := ready[0]
		ready, done[i] = ready[1:], true
		for _, j := range gives[i] {
			if done[j] {
				continue
			}
			boxes[j].layer = max(boxes[j].layer, boxes[i].layer+1)
			if waits[j]--; waits[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	for i := range boxes { // what comes from nothing stands beside what it gives
		if len(from[i]) == 0 && len(gives[i]) > 0 {
			nearest := len(boxes)
			for _, j := range gives[i] {
				nearest = min(nearest, boxes[j].layer)
			}
			boxes[i].layer = max(0, nearest-1)
		}
	}
	var columns [][]int
	for i, b := range boxes {
		for len(columns) <= b.layer {
			columns = append(columns, nil)
		}
		columns[b.layer] = append(columns[b.layer], i)
	}
	return slices.DeleteFunc(columns, func(c []int) bool { return len(c) == 0 })
}

// place sorts a column by where its boxes wish their middles, and gives them
// the heights that are, in squares, closest to that without touching.
func place(boxes []box, column []int, wish func(int) int) {
	wishes := map[int]int{}
	for _, i := range column {
		wishes[i] = wish(i)
	}
	slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(wishes[a], wishes[b]) })
	// A pile is boxes that stand close together: how many, the sum of where its
	// top would be for each of them, and its height.
	type pile struct {
		boxes        []int
		tops, height int
	}
	top := func(p pile) int { return p.tops / len(p.boxes) }
	var piles []pile
	for _, i := range column {
		p := pile{[]int{i}, wishes[i] - boxes[i].height/2, boxes[i].height + boxGap}
		for len(piles) > 0 && top(piles[len(piles)-1])+piles[len(piles)-1].height > top(p) {
			above := piles[len(piles)-1]
			piles = piles[:len(piles)-1]
			p = pile{append(above.boxes, p.boxes...), above.tops + p.tops - above.height*len(p.boxes), above.height + p.height}
		}
		piles = append(piles, p)
	}
	for _, p := range piles {
		y := top(p)
		for _, i := range p.boxes {
			boxes[i].y = y
			y += boxes[i].height + boxGap
		}
	}
}
