"""The lit suite: one test file per pass and operation."""

import glob
import os
import shutil

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
# Models that a test compiles do not lie beside the simulator, as hgf-run does.
config.environment["HGF_GPUSIM_LIBRARY"] = os.path.join(config.hgf_binary_dir, "lib", "hgf", "libhgf_gpusim.so")
python = os.path.join(config.hgf_source_dir, ".venv", "bin", "python3")
config.substitutions += [
    ("%python", os.environ.get("HGF_PYTHON", python)),
    ("%hgf_src", config.hgf_source_dir),
    ("%hgf_obj", config.hgf_binary_dir),
]



def find_gpu_tool(name, variable):
    """NVIDIA's program, where lib/Codegen/GpuTools.cpp looks for it."""
    if os.environ.get(variable):
        return os.environ[variable]
    folders = [os.path.join(os.environ[root], "bin") for root in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT") if os.environ.get(root)]
    folders.append("/usr/local/cuda/bin")
    for environment in (os.environ.get("VIRTUAL_ENV"), os.path.join(config.hgf_source_dir, ".venv")):
        if environment:
            folders += glob.glob(os.path.join(glob.escape(environment), "lib", "*", "site-packages", "nvidia", "cu1[34]", "bin"))
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))


# Environment variables do not reach tests by themselves.
gpu_tools = {variable: find_gpu_tool(name, variable) for name, variable in (("ptxas", "HGF_PTXAS"), ("nvdisasm", "HGF_NVDISASM"))}
if all(gpu_tools.values()):
    config.available_features.add("gpu-tools")
    config.environment.update(gpu_tools)
else:
    lit_config.note("without ptxas and nvdisasm, tests of what they make of GPU kernels are left out; tools/dev/setup installs both")

# lit -Droundtrip=1: every module that a test reads is also written and read again, as text and as bytecode.
if lit_config.params.get("roundtrip"):
    # Its resource asks for 64-byte alignment, which --verify-roundtrip's own buffer lacks.
    config.excludes.append("shape.mlir")
    config.substitutions.append((r"\bhgf-opt %s", "hgf-opt --verify-roundtrip %s"))
