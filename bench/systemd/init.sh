#!/bin/sh
# Becomes systemd, as PID 1 of namespaces of its own: bench/systemd/machine.mjs starts it there. What systemd may write
# to is private: /run, /etc, /dev, /srv, /tmp and its control group. The rest of the machine is read-only for it.
#   init.sh <folder of the repository> <node>
set -eu
repository=$1
node=$2
mount --make-rprivate /
ip link set lo up

# Everything private lives in one file system, which goes with the namespace.
mount -t tmpfs -o mode=755 private /mnt
mkdir -p /mnt/etc /mnt/etc.work /mnt/dev /mnt/units /mnt/empty

# /dev: the usual devices, and nothing of the machine's.
mount -t tmpfs -o mode=755 dev /mnt/dev
for name in null zero full random urandom tty; do
  touch /mnt/dev/$name
  mount --bind /dev/$name /mnt/dev/$name
done
mkdir /mnt/dev/pts /mnt/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /mnt/dev/pts
mount -t tmpfs -o mode=1777 shm /mnt/dev/shm
touch /mnt/dev/console
mount --bind /dev/null /mnt/dev/console
ln -s pts/ptmx /mnt/dev/ptmx
ln -s /proc/self/fd /mnt/dev/fd
mount --move /mnt/dev /dev

# What systemd would tell the kernel concerns the whole machine.
umount -l /proc
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys

# The control groups that it sees begin at its own.
umount -l /sys/fs/cgroup 2>/dev/null || true
umount -l /sys
mount -t sysfs -o ro sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup

mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work overlay /etc
mount -t tmpfs -o mode=755 run /run
mkdir /run/lock
for folder in /var/lib/systemd /var/log /srv; do mount -t tmpfs -o mode=755 private $folder; done

# The repository and node are where every user may read them.
mkdir /srv/repository /srv/bin
touch /srv/bin/node
mkdir -p "$repository/.cache"
mount --bind "$repository" /srv/repository
mount --bind "$node" /srv/bin/node
mount -o remount,bind,ro /srv/repository
mount -t tmpfs cache /srv/repository/.cache
for folder in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmp $folder; done

# Of the machine's units only those without which no unit runs, and the bus that `systemctl` needs.
from=/lib/systemd/system
for name in basic sysinit sockets shutdown local-fs local-fs-pre paths timers slices multi-user network swap umount \
  final exit emergency rescue; do
  cp $from/$name.target /mnt/units/
done
for name in dbus.service dbus.socket systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket \
  systemd-exit.service; do
  if [ -e $from/$name ]; then cp $from/$name /mnt/units/; fi
done
cat > /mnt/units/bench.target <<UNIT
[Unit]
Requires=basic.target systemd-journald.service
Wants=dbus.socket
After=basic.target systemd-journald.service dbus.socket
UNIT
mount --bind /mnt/units $from
mount --bind /mnt/empty /lib/systemd/system-generators
rm -rf /etc/systemd/system /etc/systemd/user /etc/fstab
mkdir -p /etc/systemd/system /etc/systemd/system.conf.d
cat > /etc/systemd/system.conf.d/bench.conf <<CONF
[Manager]
DefaultEnvironment=PATH=/srv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
CONF
echo 'orders:x:4242:4242::/srv:/usr/sbin/nologin' >> /etc/passwd
echo 'orders:x:4242:' >> /etc/group

mount -o remount,bind,ro /
hostname bench
cd /
exec env -i container=bench PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=bench.target --show-status=no </dev/null
