// RUN: hgf-opt %s --split-input-file --plan-arena -verify-diagnostics

func.func @main(%count: memref<index>, %y: memref<4xf32>) {
  %size = memref.load %count[] : memref<index>
  // expected-error @below {{expected the size of every intermediate tensor to follow from the dims of the inputs, but this one depends on the contents of a tensor; fix that dimension in the model}}
  %a = memref.alloc(%size) : memref<?xf32>
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%a : memref<?xf32>)
  return
}

// -----

func.func @main(%x: memref<16xf32>) {
  scf.forall (%i) in (16) {
    %zero = arith.constant 0.0 : f32
    // expected-error @below {{expected the allocations inside a parallel loop to take at most 65536 bytes but got 400000}}
    %a = memref.alloc() : memref<100000xf32>
    linalg.fill ins(%zero : f32) outs(%a : memref<100000xf32>)
  }
  return
}
