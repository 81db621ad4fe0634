// The reactor of a workload: run does the work once and returns the answer.
#include "bench.h"

__attribute__((export_name("run"))) uint32_t run(void) { return work(); }
