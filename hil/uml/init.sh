#!/bin/sh
# First program inside the box: an overlay over the host's files, CAN interfaces, one command, power off.
# $box (from the kernel's command line): the host's folder with settings.sh and command.sh, where stdout, stderr and
# status go; problem: one line where the box itself fails.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
root=/mnt/root

finish() {
  sync
  echo o >/proc/sysrq-trigger
  sleep 60
}

fail() {
  echo "$1" >"/mnt/host$box/problem"
  finish
}

mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/host $root
mount -t hostfs none /mnt/host -o /
. "$box/settings.sh"

if [ -n "$modules" ]; then
  "$python" -I "$loader" $modules >"/mnt/host$box/modules" 2>&1 || fail "kernel modules: $(tail -n 1 "/mnt/host$box/modules")"
fi
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay $root || fail "the kernel has no overlayfs"
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t devtmpfs devtmpfs $root/dev
mkdir -p $root/dev/shm $root/dev/pts
mount -t tmpfs tmpfs $root/dev/shm
mount -t devpts devpts $root/dev/pts
mount -t tmpfs tmpfs $root/run
ln -sf /proc/self/fd $root/dev/fd
while read -r folder; do
  mkdir -p "$root$folder" && mount --bind "/mnt/host$folder" "$root$folder" || fail "cannot pass $folder through"
done <"$box/writable"

ip link set lo up
i=0
while [ $i -lt "$vcan" ]; do
  said=$(ip link add dev vcan$i type vcan 2>&1) || fail "no vcan in this kernel: $said"
  ip link set vcan$i mtu 72 up # 72: struct canfd_frame, classic frames pass as well
  if [ -n "$netem" ]; then
    said=$(tc qdisc add dev vcan$i root netem $netem 2>&1) || fail "netem '$netem': $(echo "$said" | head -n 1)"
  fi
  i=$((i + 1))
done

if [ -n "$init" ]; then
  exec chroot $root /bin/sh "$init" </dev/null >/dev/null 2>&1
fi
chroot $root /bin/sh "$box/command.sh" >"/mnt/host$box/stdout" 2>"/mnt/host$box/stderr" </dev/null
status=$?
sync
echo $status >"/mnt/host$box/status.part"
mv "/mnt/host$box/status.part" "/mnt/host$box/status"
finish
