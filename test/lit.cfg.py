"""The lit suite: one test file per pass and operation."""

import os

import lit.formats

config.name = "HGF"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["fixtures", "unit", "Inputs"]
config.test_source_root = os.path.dirname(__file__)

tools = [os.path.join(config.hgf_binary_dir, "bin"), config.llvm_tools_dir]
config.environment["PATH"] = os.pathsep.join(tools + [os.environ["PATH"]])
# Captures must be named by role and may not leak from one function to the next.
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
python = os.path.join(config.hgf_source_dir, ".venv", "bin", "python3")
config.substitutions += [
    ("%python", os.environ.get("HGF_PYTHON", python)),
    ("%hgf_src", config.hgf_source_dir),
    ("%hgf_obj", config.hgf_binary_dir),
]

# lit -Droundtrip=1: every module that a test reads is also written and read again, as text and as bytecode.
if lit_config.params.get("roundtrip"):
    # Its resource asks for 64-byte alignment, which --verify-roundtrip's own buffer lacks.
    config.excludes.append("shape.mlir")
    config.substitutions.append((r"\bhgf-opt %s", "hgf-opt --verify-roundtrip %s"))
