#!/bin/bash
# Takes the place of guard in plan tests: makes the declared files and notes what was asked, in order.
# These tests are about which jobs run, and when; nothing is converted or measured.
asked="$*"
if [[ -n "${SLOW_JOB:-}" && "$asked" == *"$SLOW_JOB"* ]]; then sleep "${SLOW_SECONDS:-3}"; fi
while (($#)); do
    case "$1" in
        --figures) mkdir -p "$2"; shift ;;
        --artifact) mkdir -p "$(dirname "$2")"; echo '{"status": "ok"}' | tee "$2" > "$(dirname "$2")/build.json"; shift ;;
        --record | --out | --csv | --parquet | --compile-csv | --html | --ok)
            case "$asked" in
                *"scripts.report.report"*"--csv $2"* | *"scripts.report.check"*"--csv $2"* | *"scripts.report.export"*"--csv $2"*) ;;
                *) mkdir -p "$(dirname "$2")"; echo '{"status": "ok"}' > "$2" ;;
            esac
            shift ;;
    esac
    shift
done
printf '%s\n' "$asked" >> "$ORDER_LOG"
