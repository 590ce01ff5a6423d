/* Linux 6.18.44-fc-v669: scripts/gen-vmlinux.sh */
/* SPDX-License-Identifier: GPL-2.0 */
/* Generated, see there. Not for editing. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef signed char __s8;

typedef unsigned char __u8;

typedef short int __s16;

typedef short unsigned int __u16;

typedef int __s32;

typedef unsigned int __u32;

typedef long long int __s64;

typedef long long unsigned int __u64;

typedef __u16 __be16;

typedef __u32 __be32;

typedef __u32 __wsum;

typedef _Bool bool;

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC = 0,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_SOCKMAP = 15,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_SOCKHASH = 18,
	BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED = 19,
	BPF_MAP_TYPE_CGROUP_STORAGE = 19,
	BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
	BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED = 21,
	BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_DEVMAP_HASH = 25,
	BPF_MAP_TYPE_STRUCT_OPS = 26,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_MAP_TYPE_BLOOM_FILTER = 30,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
	BPF_MAP_TYPE_CGRP_STORAGE = 32,
	BPF_MAP_TYPE_ARENA = 33,
	__MAX_BPF_MAP_TYPE = 34,
};

enum pid_type {
	PIDTYPE_PID = 0,
	PIDTYPE_TGID = 1,
	PIDTYPE_PGID = 2,
	PIDTYPE_SID = 3,
	PIDTYPE_MAX = 4,
};

enum syscall_work_bit {
	SYSCALL_WORK_BIT_SECCOMP = 0,
	SYSCALL_WORK_BIT_SYSCALL_TRACEPOINT = 1,
	SYSCALL_WORK_BIT_SYSCALL_TRACE = 2,
	SYSCALL_WORK_BIT_SYSCALL_EMU = 3,
	SYSCALL_WORK_BIT_SYSCALL_AUDIT = 4,
	SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH = 5,
	SYSCALL_WORK_BIT_SYSCALL_EXIT_TRAP = 6,
};

typedef __u8 u8;

typedef __s16 s16;

typedef __u16 u16;

typedef __u32 u32;

typedef __s64 s64;

typedef __u64 u64;

typedef long unsigned int __kernel_ulong_t;

typedef int __kernel_pid_t;

typedef unsigned int __kernel_uid32_t;

typedef unsigned int __kernel_gid32_t;

typedef __kernel_ulong_t __kernel_size_t;

typedef long long int __kernel_loff_t;

typedef int __kernel_timer_t;

typedef int __kernel_clockid_t;

typedef u32 __kernel_dev_t;

typedef __kernel_dev_t dev_t;

typedef short unsigned int umode_t;

typedef __kernel_pid_t pid_t;

typedef __kernel_clockid_t clockid_t;

typedef __kernel_uid32_t uid_t;

typedef __kernel_gid32_t gid_t;

typedef __kernel_loff_t loff_t;

typedef __kernel_size_t size_t;

typedef s64 ktime_t;

typedef unsigned int fmode_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct list_head {
	struct list_head *next;
};

struct hlist_head {
};

struct hlist_node {
};

struct thread_info {
	long unsigned int flags;
	long unsigned int syscall_work;
};

struct sched_entity {
	u64 sum_exec_runtime;
};

struct restart_block {
	void *fn;
	union {
		struct {
		} futex;
	};
};

struct prev_cputime {
	u64 utime;
	u64 stime;
};

struct sem_undo_list;

struct sysv_sem {
	struct sem_undo_list *undo_list;
};

typedef struct {
	long unsigned int sig[1];
} sigset_t;

struct sigpending {
	struct list_head list;
	sigset_t signal;
};

typedef struct {
	uid_t val;
} kuid_t;

struct seccomp {
	int mode;
	atomic_t filter_count;
};

struct syscall_user_dispatch {
	char *selector;
	long unsigned int offset;
	long unsigned int len;
};

struct task_io_accounting {
	u64 rchar;
	u64 wchar;
	u64 syscr;
	u64 syscw;
	u64 read_bytes;
	u64 write_bytes;
	u64 cancelled_write_bytes;
};

struct desc_struct {
};

struct thread_struct {
	struct desc_struct tls_array[3];
	short unsigned int es;
	short unsigned int ds;
	short unsigned int fsindex;
	short unsigned int gsindex;
	long unsigned int fsbase;
	long unsigned int gsbase;
	long unsigned int ptrace_dr7;
	long unsigned int iopl_emul;
	u32 pkru;
};

struct mm_struct;

struct pid;

struct fs_struct;

struct files_struct;

struct nsproxy;

struct signal_struct;

struct sighand_struct;

struct css_set;

struct perf_event_context;

struct mempolicy;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	unsigned int ptrace;
	int on_cpu;
	struct sched_entity se;
	struct mm_struct *mm;
	int exit_state;
	int exit_code;
	int exit_signal;
	int pdeath_signal;
	unsigned int personality;
	unsigned int restore_sigmask: 1;
	long unsigned int atomic_flags;
	struct restart_block restart_block;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	int *clear_child_tid;
	u64 utime;
	u64 stime;
	u64 gtime;
	struct prev_cputime prev_cputime;
	long unsigned int nvcsw;
	long unsigned int nivcsw;
	u64 start_time;
	u64 start_boottime;
	long unsigned int min_flt;
	long unsigned int maj_flt;
	void *real_cred;
	void *cred;
	char comm[16];
	struct sysv_sem sysvsem;
	struct fs_struct *fs;
	struct files_struct *files;
	void *io_uring;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	sigset_t saved_sigmask;
	struct sigpending pending;
	long unsigned int sas_ss_sp;
	size_t sas_ss_size;
	unsigned int sas_ss_flags;
	kuid_t loginuid;
	unsigned int sessionid;
	struct seccomp seccomp;
	struct syscall_user_dispatch syscall_dispatch;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
	void *robust_list;
	struct perf_event_context *perf_event_ctxp;
	struct mempolicy *mempolicy;
	void *rseq;
	u32 rseq_len;
	u32 rseq_sig;
	u64 timer_slack_ns;
	u64 default_timer_slack_ns;
	struct thread_struct thread;
};

typedef __s64 time64_t;

struct timespec64 {
	time64_t tv_sec;
	long int tv_nsec;
};

typedef long unsigned int vm_flags_t;

typedef struct {
	void *ldt;
	long unsigned int flags;
	void *vdso;
	u16 pkey_allocation_map;
	s16 execute_only_pkey;
} mm_context_t;

typedef struct {
} mm_flags_t;

struct futex_private_hash;

struct file;

struct mm_struct {
	struct {
		atomic_t membarrier_state;
		atomic_t mm_users;
		int map_count;
		struct futex_private_hash *futex_phash;
		vm_flags_t def_flags;
		long unsigned int start_code;
		long unsigned int end_code;
		long unsigned int start_data;
		long unsigned int end_data;
		long unsigned int start_brk;
		long unsigned int brk;
		long unsigned int start_stack;
		long unsigned int arg_start;
		long unsigned int arg_end;
		long unsigned int env_start;
		long unsigned int env_end;
		long unsigned int saved_auxv[56];
		mm_context_t context;
		mm_flags_t flags;
		struct file *exe_file;
	};
};

struct vm_userfaultfd_ctx {
	void *ctx;
};

struct vm_area_struct {
	union {
		struct {
			long unsigned int vm_start;
			long unsigned int vm_end;
		};
	};
	union {
		const vm_flags_t vm_flags;
	};
	void *anon_vma;
	void *vm_ops;
	long unsigned int vm_pgoff;
	struct file *vm_file;
	void *vm_private_data;
	struct mempolicy *vm_policy;
	struct {
	} shared;
	struct vm_userfaultfd_ctx vm_userfaultfd_ctx;
};

typedef struct {
} nodemask_t;

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct rb_node {
	long unsigned int __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

struct timerqueue_node {
	ktime_t expires;
};

struct hrtimer_clock_base;

struct hrtimer {
	struct timerqueue_node node;
	struct hrtimer_clock_base *base;
	u8 state;
};

struct hrtimer_clock_base {
	clockid_t clockid;
	ktime_t offset;
};

struct refcount_struct {
	atomic_t refs;
};

typedef struct refcount_struct refcount_t;

struct rlimit {
};

union sigval {
	void *sival_ptr;
};

typedef union sigval sigval_t;

union __sifields {
	struct {
		sigval_t _sigval;
	} _timer;
};

struct kernel_siginfo {
	struct {
		int si_signo;
		union __sifields _sifields;
	};
};

typedef struct kernel_siginfo kernel_siginfo_t;

struct k_sigaction {
};

typedef struct {
	gid_t val;
} kgid_t;

typedef u32 errseq_t;

struct address_space {
	errseq_t wb_err;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[0];
};

typedef struct {
} kernel_cap_t;

struct user_namespace;

struct group_info;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	unsigned int securebits;
	kernel_cap_t cap_inheritable;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
	kernel_cap_t cap_bset;
	kernel_cap_t cap_ambient;
	unsigned char jit_keyring;
	void *session_keyring;
	void *process_keyring;
	void *thread_keyring;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct uts_namespace;

struct ipc_namespace;

struct mnt_namespace;

struct net;

struct time_namespace;

struct cgroup_namespace;

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct time_namespace *time_ns_for_children;
	struct cgroup_namespace *cgroup_ns;
};

struct cpu_itimer {
	u64 expires;
	u64 incr;
};

struct task_cputime_atomic {
	atomic64_t utime;
	atomic64_t stime;
	atomic64_t sum_exec_runtime;
};

struct thread_group_cputimer {
	struct task_cputime_atomic cputime_atomic;
};

struct autogroup;

struct signal_struct {
	int nr_threads;
	struct sigpending shared_pending;
	unsigned int flags;
	unsigned int is_child_subreaper: 1;
	unsigned int timer_create_restore_ids: 1;
	struct hlist_head posix_timers;
	struct hrtimer real_timer;
	ktime_t it_real_incr;
	struct cpu_itimer it[2];
	struct thread_group_cputimer cputimer;
	struct pid *pids[4];
	void *tty;
	struct autogroup *autogroup;
	u64 utime;
	u64 stime;
	u64 gtime;
	struct prev_cputime prev_cputime;
	long unsigned int nvcsw;
	long unsigned int nivcsw;
	long unsigned int min_flt;
	long unsigned int maj_flt;
	struct task_io_accounting ioac;
	struct rlimit rlim[16];
	unsigned int audit_tty;
	short int oom_score_adj;
	short int oom_score_adj_min;
};

struct sighand_struct {
	refcount_t count;
	struct k_sigaction action[64];
};

struct cgroup;

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct perf_event_context {
	int nr_events;
};

struct mempolicy {
	short unsigned int mode;
	short unsigned int flags;
	nodemask_t nodes;
	int home_node;
	union {
		nodemask_t user_nodemask;
	} w;
};

struct user_namespace {
	struct ns_common ns;
};

struct dentry;

struct path {
	struct dentry *dentry;
};

struct file_ra_state {
	unsigned int ra_pages;
};

typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct inode;

struct fown_struct;

struct file {
	fmode_t f_mode;
	struct address_space *f_mapping;
	void *private_data;
	struct inode *f_inode;
	unsigned int f_flags;
	void *f_cred;
	struct fown_struct *f_owner;
	union {
		const struct path f_path;
	};
	union {
		u64 f_pipe;
	};
	loff_t f_pos;
	errseq_t f_wb_err;
	errseq_t f_sb_err;
	union {
		struct file_ra_state f_ra;
	};
	file_ref_t f_ref;
};

struct lockref {
	union {
		struct {
			int count;
		};
	};
};

struct qstr {
	void *name;
};

struct dentry {
	union {
		const struct qstr d_name;
	};
	struct lockref d_lockref;
};

enum inode_state_flags_t {
	I_NEW = 1,
	I_SYNC = 2,
	I_LRU_ISOLATING = 4,
	I_DIRTY_SYNC = 16,
	I_DIRTY_DATASYNC = 32,
	I_DIRTY_PAGES = 64,
	I_WILL_FREE = 128,
	I_FREEING = 256,
	I_CLEAR = 512,
	I_REFERENCED = 1024,
	I_LINKABLE = 2048,
	I_DIRTY_TIME = 4096,
	I_WB_SWITCH = 8192,
	I_OVL_INUSE = 16384,
	I_CREATING = 32768,
	I_DONTCACHE = 65536,
	I_SYNC_QUEUED = 131072,
	I_PINNING_NETFS_WB = 262144,
};

struct super_block;

struct file_lock_context;

struct inode {
	umode_t i_mode;
	struct super_block *i_sb;
	long unsigned int i_ino;
	union {
		const unsigned int i_nlink;
	};
	dev_t i_rdev;
	loff_t i_size;
	time64_t i_mtime_sec;
	u32 i_mtime_nsec;
	enum inode_state_flags_t i_state;
	atomic_t i_writecount;
	struct file_lock_context *i_flctx;
	void *i_private;
};

struct backing_dev_info;

struct super_block {
	dev_t s_dev;
	unsigned char s_blocksize_bits;
	long unsigned int s_magic;
	struct backing_dev_info *s_bdi;
	errseq_t s_wb_err;
};

struct kernfs_node;

struct cgroup {
	struct kernfs_node *kn;
};

struct group_info {
	int ngroups;
	kgid_t gid[0];
};

struct fown_struct {
	struct pid *pid;
	enum pid_type pid_type;
	kuid_t uid;
	kuid_t euid;
	int signum;
};

typedef void *fl_owner_t;

struct fasync_struct {
	int fa_fd;
	struct fasync_struct *fa_next;
	struct file *fa_file;
};

struct backing_dev_info {
	long unsigned int ra_pages;
};

struct idr {
	unsigned int idr_next;
};

struct kernfs_node {
	u64 id;
};

struct uts_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct timens_offsets {
	struct timespec64 monotonic;
	struct timespec64 boottime;
};

struct time_namespace {
	struct ns_common ns;
	struct timens_offsets offsets;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct fs_struct {
	int users;
	int umask;
	struct path root;
	struct path pwd;
};

struct vm_special_mapping {
	void *name;
};

union fpregs_state {
};

struct fpstate {
	unsigned int size;
	u64 xfeatures;
	u64 user_xfeatures;
	union fpregs_state regs;
};

struct fpu_state_perm {
	u64 __state_perm;
};

struct fpu {
	struct fpstate *fpstate;
	struct fpu_state_perm perm;
};

struct fdtable;

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

struct fdtable {
	long unsigned int *close_on_exec;
};

typedef unsigned int pipe_index_t;

struct pipe_buffer;

struct pipe_inode_info {
	union {
		struct {
			pipe_index_t head;
			pipe_index_t tail;
		};
	};
	unsigned int ring_size;
	unsigned int readers;
	unsigned int writers;
	unsigned int w_counter;
	struct fasync_struct *fasync_readers;
	struct fasync_struct *fasync_writers;
	struct pipe_buffer *bufs;
};

struct pipe_buffer {
	unsigned int len;
	unsigned int flags;
};

struct sigqueue {
	struct list_head list;
	kernel_siginfo_t info;
};

typedef __kernel_timer_t timer_t;

struct alarm {
	struct timerqueue_node node;
	struct hrtimer timer;
};

struct cpu_timer {
	struct timerqueue_node node;
	void *head;
	struct pid *pid;
};

struct k_itimer {
	struct hlist_node list;
	timer_t it_id;
	clockid_t it_clock;
	int it_sigev_notify;
	s64 it_overrun_last;
	ktime_t it_interval;
	union {
		struct pid *it_pid;
	};
	struct sigqueue sigq;
	union {
		struct {
			struct hrtimer timer;
		} real;
		struct cpu_timer cpu;
	} it;
};

struct ipc_namespace {
	struct ns_common ns;
};

struct autogroup {
	int nice;
};

struct futex_private_hash {
	unsigned int hash_mask;
	bool custom;
};

struct bpf_iter_meta {
	union {
		void *seq;
	};
};

struct inotify_group_private_data {
	struct idr idr;
};

struct fsnotify_group {
	unsigned int q_len;
	struct fasync_struct *fsn_fa;
	union {
		struct inotify_group_private_data inotify_data;
	};
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	u32 fd;
	union {
		struct file *file;
	};
};

struct bpf_iter__task_vma {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	union {
		struct vm_area_struct *vma;
	};
};

struct anon_vma_name {
	char name[0];
};

struct file_lock_context {
	struct list_head flc_flock;
	struct list_head flc_posix;
	struct list_head flc_lease;
};

struct file_lock_core {
	struct list_head flc_list;
	fl_owner_t flc_owner;
	unsigned int flc_flags;
	unsigned char flc_type;
	struct file *flc_file;
};

struct file_lock {
	struct file_lock_core c;
	loff_t fl_start;
	loff_t fl_end;
};

struct file_lease {
	struct fasync_struct *fl_fasync;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct epoll_event {
};

struct epoll_filefd {
};

struct epitem {
	union {
		struct rb_node rbn;
	};
	struct list_head rdllink;
	struct epoll_filefd ffd;
	struct epoll_event event;
};

struct eventpoll {
	struct rb_root_cached rbr;
	u32 busy_poll_usecs;
};

struct signalfd_ctx {
	sigset_t sigmask;
};

struct timerfd_ctx {
	union {
		struct hrtimer tmr;
		struct alarm alarm;
	} t;
	ktime_t tintv;
	ktime_t moffs;
	u64 ticks;
	int clockid;
	short unsigned int expired;
	short unsigned int settime_flags;
	bool might_cancel;
};

struct eventfd_ctx {
	__u64 count;
	unsigned int flags;
};

struct sem_undo_list {
	struct list_head list_proc;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
