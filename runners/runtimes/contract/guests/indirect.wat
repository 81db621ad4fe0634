(module ;; calls through a table a function of another type
  (type $unary (func (param i32)))
  (memory (export "memory") 1)
  (table funcref (elem $f))
  (func $f)
  (func (export "_start") (call_indirect (type $unary) (i32.const 1) (i32.const 0))))
