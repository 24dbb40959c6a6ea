import pathlib
import sys

# The models beside the tests.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
