(module ;; exports neither run nor _start
  (memory (export "memory") 1))
