#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [-m] KERNEL -- COMMAND...
#
# Run COMMAND under Debian's kernel of that version (scripts/fetch-kernel.sh),
# in QEMU, on this machine's own files: / over 9p, read-only, with a tmpfs laid
# over it; what the guest writes is gone afterwards, but for $CKPT_VM_OUT here,
# which is /run/ckpt-vm there. The command sees every CKPT_* variable and
# starts in the project's folder.
#
#   -m   load the module (build/kmod-KERNEL/ckptbpf.ko) before, unload it after
#
# Exit status: the command's; 125: the guest brought no status, or its kernel
# complained (oops, warning, taint, a module that cannot be unloaded).
#
# CKPT_VM_MEM (2048 MiB), CKPT_VM_CPUS (2), CKPT_VM_TIMEOUT (900 s),
# CKPT_VM_OUT (a folder that is kept), CKPT_VM_ACCEL (tcg,thread=multi),
# CKPT_VM_APPEND (more of the kernel's command line)
set -euo pipefail

usage() { echo "usage: ${0##*/} [-m] KERNEL -- COMMAND..." >&2; exit 2; }

module=0
while getopts m o; do
	case $o in
	m) module=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -lt 3 ] || [ "$2" != -- ]; then
	usage
fi
kernel=$1
shift 2

top=$(cd "$(dirname "$0")/../.." && pwd)
kdir=$top/build/kernels/$kernel
"$top/scripts/fetch-kernel.sh" "$kernel"
release=$(cat "$kdir/release")

for tool in qemu-system-x86_64 busybox cpio; do
	command -v "$tool" >/dev/null || { echo "${0##*/}: $tool is not installed" >&2; exit 125; }
done

# --- the initial file system: busybox and the modules for 9p ---------------
initrd=$kdir/initrd.gz
make_initrd()
{
	local dir base module path

	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,modules,dev,proc,sys,out,lower,upper,new}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	base=$(realpath "$kdir/modules")
	base=${base%/lib/modules/*}
	: > "$dir/modules/order"
	for module in virtio_pci virtio_rng 9pnet_virtio 9p overlay; do
		modprobe -d "$base" -S "$release" --show-depends "$module" 2>/dev/null |
		while read -r kind path _; do
			[ "$kind" = insmod ] || continue
			local name=${path##*/}
			name=${name%.xz}
			grep -qx "$name" "$dir/modules/order" && continue
			case $path in
			*.xz)	xz -dc "$path" > "$dir/modules/$name" ;;
			*)	cp "$path" "$dir/modules/$name" ;;
			esac
			echo "$name" >> "$dir/modules/order"
		done
	done
	install -m 755 "$top/tests/vm/initrd.sh" "$dir/init"
	(cd "$dir" && find . | cpio --quiet -o -H newc | gzip -1) > "$initrd.$$"
	mv "$initrd.$$" "$initrd"
	rm -rf "$dir"
}
if [ ! -e "$initrd" ] || [ "$top/tests/vm/initrd.sh" -nt "$initrd" ] || [ "$0" -nt "$initrd" ]; then
	make_initrd
fi

# --- what the guest is to do -------------------------------------------------
out=${CKPT_VM_OUT:-}
if [ -z "$out" ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/{status,dmesg,console,problems}
{
	printf 'top=%q\n' "$top"
	printf 'kmodules=%q\n' "$(realpath "$kdir/modules")"
	printf 'module=%q\n' "$([ $module = 0 ] || echo "$top/build/kmod-$kernel/ckptbpf.ko")"
} > "$out/params"
{
	env -0 | while IFS= read -r -d '' v; do
		case $v in
		CKPT_VM_*) ;;
		CKPT_*=*) printf 'export %q\n' "$v" ;;
		esac
	done
	printf 'cd %q\n' "$top"
	printf '%q ' "$@"
	echo
} > "$out/command"
echo "no status" > "$out/status"

# --- run it ------------------------------------------------------------------
set +e
timeout -k 5 "${CKPT_VM_TIMEOUT:-900}" qemu-system-x86_64 \
	-nodefaults -no-user-config -no-reboot -display none \
	-machine q35 -accel "${CKPT_VM_ACCEL:-tcg,thread=multi}" -cpu max \
	-smp "${CKPT_VM_CPUS:-2}" -m "${CKPT_VM_MEM:-2048}" \
	-kernel "$kdir/vmlinuz" -initrd "$initrd" \
	-append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on tsc=reliable watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 transparent_hugepage=madvise ${CKPT_VM_APPEND:-}" \
	-chardev file,id=console,path="$out/console" -serial chardev:console \
	-chardev stdio,id=output,signal=off -serial chardev:output \
	-device virtio-rng-pci \
	-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=root,mount_tag=root \
	-fsdev local,id=out,path="$out",security_model=none,multidevs=remap \
	-device virtio-9p-pci,fsdev=out,mount_tag=out \
	< /dev/null | sed -u 's/\r$//'
qemu=${PIPESTATUS[0]}
set -e

# --- judge -------------------------------------------------------------------
status=$(cat "$out/status")
bad='BUG:|WARNING:|Oops|general protection fault|Kernel panic|Call Trace:|KASAN|rcu:.*stall|refcount_t:|INFO: task .* blocked'
problems=$(cat "$out/problems" 2>/dev/null || true)
# That a memory cgroup of a test is full is no complaint, though it prints where.
for f in console dmesg; do
	[ ! -e "$out/$f" ] || awk '
	/invoked oom-killer/ { held = 1; text = "" }
	held { text = text $0 "\n" }
	held && /oom-kill:constraint=/ { if (!/CONSTRAINT_MEMCG/) printf "%s", text; held = 0; next }
	!held
	END { if (held) printf "%s", text }' "$out/$f" > "$out/$f.judged"
done
complaints=$(grep -aE "$bad" "$out"/{console,dmesg}.judged 2>/dev/null || true)
if [ "$status" = "no status" ]; then
	echo "${0##*/}: the guest brought no status (qemu: $qemu); its console:" >&2
	tail -n 30 "$out/console" >&2
	exit 125
fi
if [ -n "$problems$complaints" ]; then
	echo "${0##*/}: the guest's kernel complained:" >&2
	printf '%s\n' "$problems" >&2
	{ cat "$out/dmesg.judged" 2>/dev/null || cat "$out/console.judged"; } |
		grep -aE -A 30 "$bad" | head -n 120 >&2 || true
	exit 125
fi
exit "$status"
