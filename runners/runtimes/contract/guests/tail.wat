;; a million calls in tail position, deeper than any stack
(module
  (memory (export "memory") 1)
  (func $down (param i32)
    (if (i32.eqz (local.get 0)) (then (return)))
    (return_call $down (i32.sub (local.get 0) (i32.const 1))))
  (func (export "_start") (call $down (i32.const 1000000))))
