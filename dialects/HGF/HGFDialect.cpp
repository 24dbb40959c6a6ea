#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Dialect/HGF/HGFDialect.cpp.inc"
void hgf::HGFDialect::initialize() {}
