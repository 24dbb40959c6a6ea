// RUN: hgf-opt %s --pack-weights="target=x86_64-linux-gnu encoding=trits3in5" -verify-diagnostics
// RUN: not hgf-opt %s --pack-weights="target=x86_64-linux-gnu cpu=x86-64-v3 encoding=trits3in5" 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not hgf-opt %s --pack-weights="encoding=planes3" 2>&1 | FileCheck %s --check-prefix=NAME

// CPU: the encoding trits3in5 is not possible for the CPU 'x86-64-v3', because the level avx2 lacks avx512vbmi
// NAME: expected the encoding to be auto, planes2, rowplanes2, trits3in5, tritplanes but got 'planes3'

// expected-error @+1 {{the encoding trits3in5 is not possible for the CPU 'portable', because portable binaries hold planes2 only; name a CPU that has avx512vbmi}}
module {
}
