# Process 1 of a box with a systemd: the product's own unit, with the torque loop on vcan0 in place of the video, and a
# scenario that does to it what a hang would.
here=$(dirname "$0")
cp "$box/command.sh" /run/command.sh # the unit has a /tmp of its own
eval "$(grep '^export EXO_EDGE_CACHE=' "$box/command.sh")"
mkdir -p /run/systemd/system/exo-edge.service.d
cp "$here/../../systemd/exo-edge.service" /run/systemd/system/exo-edge.service
cat >/run/systemd/system/exo-edge.service.d/box.conf <<END
[Unit]
DefaultDependencies=no
[Service]
ExecStart=
ExecStart=/bin/sh /run/command.sh
User=root
ProtectHome=no
ReadWritePaths=$EXO_EDGE_CACHE
StandardOutput=append:$box/service
StandardError=inherit
END
cat >/run/systemd/system/scenario.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh $here/systemd_scenario.sh $box
END
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec /lib/systemd/systemd --unit=scenario.service --log-target=kmsg --log-level=warning --show-status=no
