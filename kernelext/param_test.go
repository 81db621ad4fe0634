package kernelext

import (
	"reflect"
	"testing"
	"time"
)

func TestParam(t *testing.T) {
	if got := Param("invocations", 30); got != 30 {
		t.Errorf("not set: %v, want the default", got)
	}
	t.Setenv("ASSAY_PARAM_INVOCATIONS", "5")
	t.Setenv("assay_param_wait", "1m30s")
	t.Setenv("ASSAY_PARAM_runtimes", "wazero, native,")
	t.Setenv("ASSAY_PARAM_NAME", "")
	t.Setenv("ASSAY_PARAM_QUICK", "true")
	t.Setenv("ASSAY_PARAM_SHARE", "0.25")
	t.Setenv("ASSAY_PARAM_REPEAT", "1_000")
	for _, c := range []struct{ got, want any }{
		{Param("invocations", 30), 5},
		{Param("Invocations", int64(30)), int64(5)},
		{Param("wait", time.Second), 90 * time.Second},
		{Param("runtimes", []string{"v8"}), []string{"wazero", "native"}},
		{Param("repeat", 1), 1000},
		{Param("name", "x"), ""},
		{Param("quick", false), true},
		{Param("share", 0.5), 0.25},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if v, err := parseParam[float64]("NaN"); err == nil {
		t.Errorf("parseParam[float64](NaN) = %v, want an error", v)
	}
	for _, text := range []string{"", "x", "1.5", "1 "} {
		if v, err := parseParam[int](text); err == nil {
			t.Errorf("parseParam[int](%q) = %v, want an error", text, v)
		}
	}
}
