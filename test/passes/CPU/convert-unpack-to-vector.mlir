// RUN: hgf-opt %s --convert-unpack-to-vector | FileCheck %s

// CHECK-LABEL: @multishift
// CHECK-SAME: (%[[BYTES:.*]]: vector<16xi8>)
func.func @multishift(%bytes: vector<16xi8>) -> vector<16xi8> {
  // CHECK: %[[SOURCE:.*]] = vector.bitcast %[[BYTES]] : vector<16xi8> to vector<2xi64>
  // The first byte stays where it is; only the last shift wraps around.
  // CHECK: %[[FIRST:.*]] = arith.andi %[[SOURCE]], %{{.*}} : vector<2xi64>
  // CHECK-COUNT-7: arith.shrui
  // CHECK: arith.shli %[[SOURCE]]
  // CHECK: vector.bitcast %{{.*}} : vector<2xi64> to vector<16xi8>
  %values = hgf.multishift %bytes by [0, 5, 10, 15, 20, 25, 30, 60] : vector<16xi8>
  return %values : vector<16xi8>
}

// CHECK-LABEL: @lookup
// CHECK-SAME: (%[[TABLE:.*]]: vector<16xi8>, %[[INDICES:.*]]: vector<16xi8>)
func.func @lookup(%table: vector<16xi8>, %indices: vector<16xi8>) -> vector<16xi8> {
  // CHECK: %[[MASK:.*]] = arith.constant dense<15> : vector<16xi8>
  // CHECK: %[[MASKED:.*]] = arith.andi %[[INDICES]], %[[MASK]]
  // CHECK: scf.for %[[LANE:[a-z0-9]+]] =
  // CHECK: %[[INDEX:.*]] = vector.extract %[[MASKED]][%[[LANE]]]
  // CHECK: %[[POSITION:.*]] = arith.index_castui %[[INDEX]]
  // CHECK: vector.extract %[[TABLE]][%[[POSITION]]]
  %codes = hgf.table_lookup %table, %indices : vector<16xi8>, vector<16xi8>
  return %codes : vector<16xi8>
}
