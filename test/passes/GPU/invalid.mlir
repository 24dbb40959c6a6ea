// RUN: hgf-opt %s --split-input-file --verify-diagnostics --check-host --check-kernels

func.func @main(%x: memref<8xf32>, %i: index) -> f32 {
  // expected-error @below {{expected work that can be done on the GPU, but 'memref.load' needs the contents of a tensor on the host; compile the model for the CPU}}
  %0 = memref.load %x[%i] : memref<8xf32>
  return %0 : f32
}

// -----

gpu.module @hgf_kernels {
  llvm.func @__nv_fmodf(f32, f32) -> f32
  llvm.func @kernel(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{expected functions that exist on the GPU without the toolkit, but got 'fmodf'; compile the model for the CPU}}
    %0 = llvm.call @__nv_fmodf(%x, %x) : (f32, f32) -> f32
    llvm.return
  }
}
