(module ;; a reactor: its third run traps
  (memory (export "memory") 1)
  (global $n (mut i32) (i32.const 0))
  (func (export "run") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.eq (global.get $n) (i32.const 3)) (then unreachable))
    (i32.const 7)))
