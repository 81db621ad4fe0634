(module ;; imports a bench.start of another type
  (import "bench" "start" (func $start (param i32)))
  (memory (export "memory") 1)
  (func (export "run") (result i32)
    (call $start (i32.const 1))
    (i32.const 7)))
