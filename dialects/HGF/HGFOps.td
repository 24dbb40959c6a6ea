include "mlir/IR/OpBase.td"
def HGF_Dialect : Dialect {
  let name = "hgf";
  let cppNamespace = "::hgf";
}
