# Started by the box's systemd: start, hang, watchdog, restart, stop. One line per thing seen.
box=$1
exec >"$box/stdout" 2>"$box/stderr"
show() { systemctl show exo-edge --value -p "$1"; }
until_is() { # property value seconds
  for _ in $(seq "$3"); do
    [ "$(show "$1")" = "$2" ] && return
    sleep 1
  done
}
finish() {
  sync
  echo 0 >"$box/status"
  sync
  echo o >/proc/sysrq-trigger
}

systemctl start exo-edge || finish
echo "started $(show ActiveState) $(show SubState)"
first=$(show MainPID)
sleep 3
echo "after 3 s $(show ActiveState) restarts $(show NRestarts)"

kill -STOP "$first"
until_is NRestarts 1 20
until_is ActiveState active 20
echo "after a hang $(show ActiveState) restarts $(show NRestarts) another process $([ "$(show MainPID)" != "$first" ] && echo yes)"

systemctl stop exo-edge
echo "stopped $(show ActiveState) result $(show Result) status $(show ExecMainStatus)"
finish
