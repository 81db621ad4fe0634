(module ;; a reactor: its start function traps
  (memory (export "memory") 1)
  (func $start unreachable)
  (start $start)
  (func (export "run") (result i32) (i32.const 7)))
