# status.sh STATUS COMMAND...: runs the command, prints its errors, and fails unless it exits with STATUS after one line.
expected=$1
shift
errors=$("$@" 2>&1 >/dev/null)
status=$?
printf '%s\n' "$errors"
[ "$status" -eq "$expected" ] && [ "$(printf '%s\n' "$errors" | wc -l)" -eq 1 ]
