package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// days is the value of a flag for a duration, which may be given in days: 36h, 7d.
type days time.Duration

func (d *days) String() string { return time.Duration(*d).String() }

func (d *days) Type() string { return "duration" }

// Set parses a duration that is not negative.
func (d *days) Set(s string) error {
	v, err := time.ParseDuration(s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var count uint64
		count, err = strconv.ParseUint(n, 10, 16) // 179 years
		v = time.Duration(count) * 24 * time.Hour
	}
	if err != nil || v < 0 {
		return errors.New("want a duration, such as 36h or 7d")
	}
	*d = days(v)
	return nil
}
