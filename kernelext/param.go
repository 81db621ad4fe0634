package kernelext

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// paramEnv begins the names of the variables that hold parameters.
const paramEnv = "ASSAY_PARAM_"

// A ParamValue is what a notebook's parameter may be.
type ParamValue interface {
	int | int64 | float64 | string | bool | time.Duration | []string
}

// Param returns the notebook's parameter of that name: the value of the
// environment variable ASSAY_PARAM_NAME, or def if it is not set. Case does not
// matter. It is what makes
//
//	var invocations = assay.Param("invocations", 30)
//
// a number that "assay notebook run -p invocations=5" can set. Whole numbers
// may be written as Go has them, 0x10 or 1_000; a list of strings is written
// with commas. A value that is not of def's type ends the cell.
func Param[T ParamValue](name string, def T) T {
	text, ok := lookupParam(name)
	if !ok {
		return def
	}
	v, err := parseParam[T](text)
	if err != nil {
		fail(fmt.Errorf("parameter %s: %q is not %w: give another value to -p or %s%s", name, text, err, paramEnv, strings.ToUpper(name)))
	}
	return v
}

func lookupParam(name string) (value string, ok bool) {
	for _, kv := range os.Environ() {
		if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, paramEnv+name) {
			return v, true
		}
	}
	return "", false
}

// parseParam reads text as a T. Its error says what a T looks like.
func parseParam[T ParamValue](text string) (T, error) {
	var value T
	var err error
	switch v := any(&value).(type) {
	case *int:
		var n int64
		if n, err = strconv.ParseInt(text, 0, strconv.IntSize); err != nil {
			err = errors.New("a whole number")
		}
		*v = int(n)
	case *int64:
		if *v, err = strconv.ParseInt(text, 0, 64); err != nil {
			err = errors.New("a whole number")
		}
	case *float64:
		if *v, err = strconv.ParseFloat(text, 64); err != nil || *v-*v != 0 {
			err = errors.New("a number")
		}
	case *bool:
		if *v, err = strconv.ParseBool(text); err != nil {
			err = errors.New("true or false")
		}
	case *time.Duration:
		if *v, err = time.ParseDuration(text); err != nil {
			err = errors.New(`a time such as "1m30s"`)
		}
	case *[]string:
		for e := range strings.SplitSeq(text, ",") {
			if e = strings.TrimSpace(e); e != "" {
				*v = append(*v, e)
			}
		}
	case *string:
		*v = text
	}
	return value, err
}
