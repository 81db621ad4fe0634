(module ;; a command: overflows its stack
  (memory (export "memory") 1)
  (global $n (mut i32) (i32.const 0))
  (func $f (param i32) (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (global.get $n)))
  (func (export "_start") (drop (call $f (i32.const 1)))))
