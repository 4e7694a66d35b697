#!/bin/sh
# Runs the Celery workers for all queues of the reference project:  celery_workers.sh start|stop|restart|status
#
# May be called twice, and from anywhere. Touches only processes whose pid file it finds and whose command line
# names that same file, so that a recycled pid or another checkout's workers are left alone.
#
# Environment: PYTHON (default: the project's .venv, else python3), VAR_DIR (pid files in VAR_DIR/run, logs in
# VAR_DIR/log), START_SECONDS (30) and STOP_SECONDS (120) to wait, BROKER_URL, DATABASE_URL, REDIS_URL as the project.
set -u

example=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
VAR_DIR=${VAR_DIR:-$example/../var}
mkdir -p "$VAR_DIR/run" "$VAR_DIR/log"
VAR_DIR=$(CDPATH='' cd -- "$VAR_DIR" && pwd)
export VAR_DIR
run=$VAR_DIR/run
log=$VAR_DIR/log
START_SECONDS=${START_SECONDS:-30}
STOP_SECONDS=${STOP_SECONDS:-120}
if [ -z "${PYTHON:-}" ]; then
    PYTHON=$example/../.venv/bin/python
    [ -x "$PYTHON" ] || PYTHON=python3
fi

# A worker per kind of work: what is urgent never queues behind a report, and what needs much memory dies alone.
workers="urgent general heavy"
queues_of() {
    case $1 in
        urgent) echo "critical,high_priority" ;;
        general) echo "reports,maintenance,celery" ;;
        heavy) echo "heavy_reports" ;;
    esac
}
concurrency_of() {
    case $1 in
        heavy) echo 1 ;;
        *) echo 2 ;;
    esac
}

# Whether process $2 is our worker $1.
is_ours() {
    case $(ps -ww -p "$2" -o command= 2>/dev/null) in
        *" worker "*"--pidfile=$run/$1.pid"*) return 0 ;;
        *) return 1 ;;
    esac
}

# Prints the pid of a worker of ours; fails when it does not run.
pid_of() {
    [ -s "$run/$1.pid" ] || return 1
    pid=$(tr -cd '0-9' <"$run/$1.pid")
    [ -n "$pid" ] && is_ours "$1" "$pid" && echo "$pid"
}

# One call at a time; the lock of a call that was killed is taken over.
lock() {
    tries=0
    until mkdir "$run/lock" 2>/dev/null; do
        holder=$(cat "$run/lock/pid" 2>/dev/null || true)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
            rm -rf "$run/lock"
            continue
        fi
        tries=$((tries + 1))
        if [ "$tries" -gt $((START_SECONDS + STOP_SECONDS)) ]; then
            echo "another call of this script still runs (pid ${holder:-unknown}, lock $run/lock)" >&2
            exit 1
        fi
        sleep 1
    done
    echo $$ >"$run/lock/pid"
    trap 'rm -rf "$run/lock"' EXIT
    trap 'exit 130' INT TERM HUP
}

start_one() {
    if pid=$(pid_of "$1"); then
        echo "$1: runs already (pid $pid)"
        return 0
    fi
    rm -f "$run/$1.pid"
    : >"$log/celery-$1.log"
    (
        cd "$example" || exit 1
        # nohup: the workers outlive the terminal. Ctrl-C does not reach them, as sh ignores it for background jobs.
        nohup "$PYTHON" -m celery -A config worker -n "$1@%h" -Q "$(queues_of "$1")" -c "$(concurrency_of "$1")" \
            --loglevel INFO "--pidfile=$run/$1.pid" >>"$log/celery-$1.log" 2>&1 </dev/null &
        echo $! >"$run/$1.launched"
    )
}

wait_started() {
    launched=$(cat "$run/$1.launched" 2>/dev/null || true)
    [ -n "$launched" ] || return 0
    rm -f "$run/$1.launched"
    waited=0
    until pid=$(pid_of "$1") && grep -q ' ready\.' "$log/celery-$1.log"; do
        if ! kill -0 "$launched" 2>/dev/null || [ "$waited" -ge $((START_SECONDS * 5)) ]; then
            echo "$1: did not start; last lines of $log/celery-$1.log:" >&2
            tail -n 5 "$log/celery-$1.log" >&2
            return 1
        fi
        waited=$((waited + 1))
        sleep 0.2
    done
    echo "$1: started (pid $pid; $(queues_of "$1"); log $log/celery-$1.log)"
}

start() {
    for worker in $workers; do start_one "$worker"; done
    failed=0
    for worker in $workers; do wait_started "$worker" || failed=1; done
    return $failed
}

# Warm: a worker ends after the tasks it runs. It is never killed, as that would lose them.
stop() {
    failed=0
    stopping=""
    for worker in $workers; do
        if pid=$(pid_of "$worker"); then
            kill -TERM "$pid"
            stopping="$stopping $worker:$pid"
        else
            echo "$worker: does not run"
        fi
    done
    for worker_pid in $stopping; do
        wait_stopped "${worker_pid%%:*}" "${worker_pid##*:}" || failed=1
    done
    return $failed
}

# Waits for the process, not for its pid file, which Celery removes a little earlier.
wait_stopped() {
    waited=0
    while is_ours "$1" "$2"; do
        if [ "$waited" -ge $((STOP_SECONDS * 5)) ]; then
            echo "$1: still finishes its tasks after $STOP_SECONDS s (pid $2)" >&2
            return 1
        fi
        waited=$((waited + 1))
        sleep 0.2
    done
    rm -f "$run/$1.pid"
    echo "$1: stopped"
}

status() {
    missing=0
    for worker in $workers; do
        if pid=$(pid_of "$worker"); then
            echo "$worker: runs (pid $pid; $(queues_of "$worker"))"
        else
            echo "$worker: does not run"
            missing=1
        fi
    done
    return $missing
}

case ${1:-} in
    start) lock && start ;;
    stop) lock && stop ;;
    restart) lock && stop && start ;;
    status) status ;;
    *)
        echo "usage: $0 start|stop|restart|status" >&2
        exit 2
        ;;
esac
