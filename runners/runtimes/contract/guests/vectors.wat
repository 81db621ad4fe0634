;; adds vectors
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (if (i32.ne (i32x4.extract_lane 3 (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 38)))) (i32.const 42)) (then unreachable))))
