(module ;; a reactor: answers 3000000000 if the start function and _initialize ran once each, and says when the latter does
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "initialized\n")
  (global $answer (mut i32) (i32.const 0))
  (func $start
    (global.set $answer (i32.add (global.get $answer) (i32.const 1000000000))))
  (start $start)
  (func (export "_initialize")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 12))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (global.set $answer (i32.add (global.get $answer) (i32.const 2000000000))))
  (func (export "run") (result i32) (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 1000))))
    (global.get $answer)))
