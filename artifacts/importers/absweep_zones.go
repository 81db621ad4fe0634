package importers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// zones compares the time of day in each summary's heading with the window of
// that run: where they differ by whole quarters of an hour, the clock is local.
func (s *sweep) zones() string {
	starts := map[string]int64{}
	for _, windows := range s.windows {
		for _, w := range windows {
			if w.replicate > 0 {
				starts[place(w.conditions, w.load, w.replicate)] = w.start
			}
		}
	}
	const quarter, slack = 15 * time.Minute, 2 * time.Minute
	count := map[time.Duration]int{}
	pairs := 0
	for i := range s.blocks {
		b := &s.blocks[i]
		start, ok := starts[place(b.conditions, b.load, b.replicate)]
		clock, err := time.Parse(time.TimeOnly, b.clock)
		if !ok || err != nil {
			continue
		}
		pairs++
		at := time.Unix(0, start).UTC()
		ahead := time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute + time.Duration(clock.Second())*time.Second - at.Sub(at.Truncate(24*time.Hour))
		zone := ahead.Round(quarter)
		if (ahead - zone).Abs() > slack {
			continue
		}
		if zone <= -12*time.Hour {
			zone += 24 * time.Hour
		} else if zone > 12*time.Hour {
			zone -= 24 * time.Hour
		}
		count[zone]++
	}
	var found []string
	for zone, n := range count {
		if n*20 >= pairs { // fewer are chance
			found = append(found, fmt.Sprintf("UTC%+.4g h in %d", zone.Hours(), n))
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return fmt.Sprintf("beside the timestamps it is %s of %d runs", strings.Join(found, " and "), pairs)
}
