# Read by the scripts beside it: where things are, and how a long step shows itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
# Two builds: "dev" is quick to build and keeps header assertions, "release" is what users install.
preset=${HGF_PRESET:-dev}
build=$root/build/$preset
python=$root/.venv/bin/python3
jobs=${HGF_JOBS:-$(nproc)}

say() { printf '\n== %s\n' "$*"; }

# on_terminal: whether somebody watches
on_terminal() { [ -t 1 ]; }
