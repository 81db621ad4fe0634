;; what its table is to begin with does not fit
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 1) $f)
  (func $f)
  (func (export "_start")))
