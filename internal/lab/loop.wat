;; loop draws 100,000 random numbers, as often as ASSAY_CALLS says, and reports
;; the time of each time; without it once, and nothing. It is small, so that a
;; process of it is little but its start. loop.wasm is what wat2wasm makes of this.
(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))

  ;; 0 results, 16 what to write, 64 a text before its end at 96,
  ;; 128 pointers of the environment, 16384 its text, 65536 the times
  (memory (export "memory") 2)
  (data (i32.const 32) "assay-call ")

  (global $random (mut i64) (i64.const 2463534242))

  (func $now (result i64)
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
    (i64.load (i32.const 0)))

  ;; work is Marsaglia's xorshift.
  (func $work (local $left i32) (local $x i64)
    (local.set $x (global.get $random))
    (local.set $left (i32.const 100000))
    (loop $again
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (global.set $random (local.get $x)))

  ;; calls is the number behind ASSAY_CALLS=, or 0.
  (func $calls (result i32) (local $at i32) (local $end i32) (local $text i32) (local $n i32) (local $digit i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (if (i32.or (i32.gt_u (i32.load (i32.const 0)) (i32.const 4000)) (i32.gt_u (i32.load (i32.const 4)) (i32.const 49152)))
      (then unreachable))
    (local.set $at (i32.const 128))
    (local.set $end (i32.add (i32.const 128) (i32.mul (i32.const 4) (i32.load (i32.const 0)))))
    (drop (call $environ (i32.const 128) (i32.const 16384)))
    (block $none
      (loop $next
        (br_if $none (i32.eq (local.get $at) (local.get $end)))
        (local.set $text (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $next (i64.ne (i64.load (local.get $text)) (i64.const 0x41435f5941535341))) ;; ASSAY_CA
        (br_if $next (i32.ne (i32.load offset=8 (local.get $text)) (i32.const 0x3d534c4c))) ;; LLS=
        (local.set $text (i32.add (local.get $text) (i32.const 12)))
        (loop $digits
          (local.set $digit (i32.sub (i32.load8_u (local.get $text)) (i32.const 48)))
          (if (i32.lt_u (local.get $digit) (i32.const 10))
            (then
              (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10)) (local.get $digit)))
              (local.set $text (i32.add (local.get $text) (i32.const 1)))
              (br $digits))))))
    (local.get $n))

  ;; report writes "assay-call NS" to standard error.
  (func $report (param $ns i64) (local $at i32)
    (local.set $at (i32.const 95))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $ns) (i64.const 10)))))
      (local.set $ns (i64.div_u (local.get $ns) (i64.const 10)))
      (br_if $digits (i64.ne (local.get $ns) (i64.const 0))))
    (local.set $at (i32.sub (local.get $at) (i32.const 11)))
    (i64.store (local.get $at) (i64.load (i32.const 32)))
    (i32.store offset=7 (local.get $at) (i32.load (i32.const 39)))
    (i32.store (i32.const 16) (local.get $at))
    (i32.store (i32.const 20) (i32.sub (i32.const 96) (local.get $at)))
    (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 0))))

  (func (export "_start") (local $calls i32) (local $at i32) (local $end i32) (local $start i64)
    (local.set $calls (call $calls))
    (if (i32.eqz (local.get $calls))
      (then
        (call $work)
        (return)))
    (if (i32.gt_u (local.get $calls) (i32.const 8192)) (then unreachable)) ;; there is no room for more times
    (local.set $at (i32.const 65536))
    (local.set $end (i32.add (i32.const 65536) (i32.mul (i32.const 8) (local.get $calls))))
    (loop $again
      (local.set $start (call $now))
      (call $work)
      (i64.store (local.get $at) (i64.sub (call $now) (local.get $start)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (local.set $at (i32.const 65536))
    (loop $next
      (call $report (i64.load (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
