// RUN: hgf-opt %s --approximate-math | FileCheck %s

// Multiply-adds may become one instruction, and no step branches.
// CHECK-LABEL: func.func @exponential
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>
func.func @exponential(%x: vector<8xf32>) -> vector<8xf32> {
  // CHECK: arith.cmpf ogt, %[[X]]
  // CHECK: %[[PRODUCT:.*]] = arith.mulf {{.*}} fastmath<contract> : vector<8xf32>
  // CHECK: arith.addf %[[PRODUCT]], {{.*}} fastmath<contract> : vector<8xf32>
  // CHECK: arith.shli {{.*}} : vector<8xi32>
  // CHECK-NOT: math.
  %y = math.exp %x : vector<8xf32>
  return %y : vector<8xf32>
}

// CHECK-LABEL: func.func @tangent_of_scalar
func.func @tangent_of_scalar(%x: f32) -> f32 {
  // CHECK: math.absf
  // CHECK: arith.divf
  // CHECK: %[[Y:.*]] = math.copysign
  // CHECK: return %[[Y]]
  %y = math.tanh %x : f32
  return %y : f32
}

// CHECK-LABEL: func.func @error_function
func.func @error_function(%x: vector<4xf32>) -> vector<4xf32> {
  // CHECK-NOT: math.erf
  // CHECK: math.copysign
  %y = math.erf %x : vector<4xf32>
  return %y : vector<4xf32>
}

// CHECK-LABEL: func.func @keeps_other_types_and_functions
func.func @keeps_other_types_and_functions(%x: f64, %z: f32) -> (f64, f32) {
  // CHECK: math.exp %{{.*}} : f64
  // CHECK: math.log %{{.*}} : f32
  %y = math.exp %x : f64
  %w = math.log %z : f32
  return %y, %w : f64, f32
}
