(module ;; writes its first argument to stdout and its second to stderr; exits with its third, decimal, or traps if that is empty
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $say (param $fd i32) (param $p i32) (local $end i32)
    (local.set $end (local.get $p))
    (loop $again
      (if (i32.load8_u (local.get $end)) (then
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $again))))
    (i32.store (i32.const 16) (local.get $p))
    (i32.store (i32.const 20) (i32.sub (local.get $end) (local.get $p)))
    (drop (call $w (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 32))))
  (func (export "_start") (local $p i32) (local $n i32)
    (drop (call $get (i32.const 1024) (i32.const 4096)))
    (call $say (i32.const 1) (i32.load (i32.const 1028)))
    (call $say (i32.const 2) (i32.load (i32.const 1032)))
    (local.set $p (i32.load (i32.const 1036)))
    (if (i32.eqz (i32.load8_u (local.get $p))) (then (unreachable)))
    (loop $again
      (if (i32.load8_u (local.get $p)) (then
        (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10)) (i32.sub (i32.load8_u (local.get $p)) (i32.const 48))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $again))))
    (call $exit (local.get $n))))
