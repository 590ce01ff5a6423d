// SPDX-License-Identifier: GPL-2.0
/*
 * refused MODE [ARG]: a state that a snapshot refuses by name; it must not do
 * the program any harm. A kernel that does not know it: `unsupported`.
 */
#include "prog.h"

#include <fcntl.h>
#include <asm/ldt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static const char *arg;

/* Of a call that this kernel may lack. */
static long may(long r)
{
	if (r < 0 && (errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP)) {
		prog_say("unsupported");
		_exit(0);
	}
	CHECK(r >= 0);
	return r;
}

static int make_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
	return fd;
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	return p;
}

static void *wait_for_ever(void *fn)
{
	if (fn)
		((void (*)(void))fn)();
	for (;;)
		pause();
	return NULL;
}

static void thread_that(void (*fn)(void))
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, wait_for_ever, (void *)fn) == 0);
	usleep(20000);
}

/* ---- task ---- */

static void set_none(void) { }
static void set_personality(void) { CHECK(personality(ADDR_COMPAT_LAYOUT) >= 0); }
static void set_uts(void) { may(unshare(CLONE_NEWUTS)); }

static void make_timer(clockid_t clock)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	timer_t t;

	may(timer_create(clock, &ev, &t));
}

static void set_timers(void)
{
	for (int i = 0; i < 129; i++)
		make_timer(CLOCK_MONOTONIC);
}

static void set_alarm_timer(void) { make_timer(CLOCK_BOOTTIME_ALARM); }

static void set_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void set_dead_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(0);
	usleep(20000);
}

/* ---- thread ---- */

static void set_seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	may(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
}

static void set_dispatch(void)
{
	/* All memory: none of its own calls is sent. */
	may(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0ul, ~0ul, 0ul));
}

static void set_sem_undo(void)
{
	struct sembuf up = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int id = (int)may(semget(IPC_PRIVATE, 1, 0600));

	CHECK(semop(id, &up, 1) == 0);
}

static void set_ports(void) { may(ioperm(0x80, 1, 1)); }

static void own_files(void) { CHECK(unshare(CLONE_FILES) == 0); }
static void set_own_files(void) { thread_that(own_files); }

static void set_tls(void)
{
	struct user_desc d = { .entry_number = (unsigned int)-1, .base_addr = 0x1000, .limit = 0xfffff,
			       .seg_32bit = 1, .limit_in_pages = 1, .useable = 1 };

	may(syscall(SYS_set_thread_area, &d));
}

static void set_leader_gone(void)
{
	thread_that(NULL);
	prog_say("ready");
	pthread_exit(NULL);
}

/* ---- memory ---- */

static void set_sysv(void)
{
	int id = (int)may(shmget(IPC_PRIVATE, 8192, 0600));

	CHECK(shmat(id, NULL, 0) != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
}

/* A mapping from before the seal that is for reading only, yet. */
static void set_may_write(void)
{
	int fd = (int)may(memfd_create("later", MFD_ALLOW_SEALING));

	CHECK(ftruncate(fd, 8192) == 0);
	CHECK(mprotect(map(MAP_SHARED, fd), 8192, PROT_READ) == 0);
	may(fcntl(fd, F_ADD_SEALS, 0x10 /* F_SEAL_FUTURE_WRITE */));
}

static void set_uffd(void)
{
	int fd = (int)may(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	CHECK(ioctl(fd, UFFDIO_API, &api) == 0);
	reg.range.start = (unsigned long)map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	reg.range.len = 8192;
	CHECK(ioctl(fd, UFFDIO_REGISTER, &reg) == 0);
	/* Its descriptor is a refusal of its own. */
}

static void set_ldt(void)
{
	struct user_desc d = { .base_addr = 0x1000, .limit = 0xfffff, .seg_32bit = 1 };

	may(syscall(SYS_modify_ldt, 1, &d, sizeof(d)));
}

/* ---- filesystem, files ---- */

static void set_deleted_cwd(void)
{
	CHECK(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
}

static void set_chroot(void)
{
	CHECK(mkdir("root", 0755) == 0 && chroot("root") == 0);
}

static void set_deleted_dir(void)
{
	CHECK(mkdir("gone", 0755) == 0 && open("gone", O_RDONLY | O_DIRECTORY) >= 0);
	CHECK(rmdir("gone") == 0);
}

static void set_deleted_path(void)
{
	CHECK(mkdir("gone", 0755) == 0 && open("gone", O_PATH) >= 0 && rmdir("gone") == 0);
}

static void set_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_len = 1 };
	int fd = make_file("locked");

	for (int i = 0; i < 513; i++, l.l_start += 2)
		CHECK(fcntl(fd, F_SETLK, &l) == 0);
}

/* What maps the file keeps the description, and so its lock. */
static void set_lock_mapped(void)
{
	int fd = make_file("mapped");

	CHECK(flock(fd, LOCK_EX) == 0);
	map(MAP_SHARED, fd);
	close(fd);
}

/* Standard input that leads out of the snapshot. */
static void set_lock_outside(void)
{
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && dup2(s[0], 0) == 0);
	close(s[0]);
	close(s[1]);
	CHECK(flock(0, LOCK_EX) == 0);
}

/* arg: one that somebody else has open. */
static void set_fifo(void) { CHECK(open(arg, O_RDONLY | O_NONBLOCK) == 3); }

static void set_fifo_deleted(void)
{
	CHECK(mkfifo("a fifo", 0644) == 0 && open("a fifo", O_RDWR) == 3 && unlink("a fifo") == 0);
}

static void set_fifo_unread(void)
{
	int both;

	CHECK(mkfifo("a fifo", 0644) == 0 && (both = open("a fifo", O_RDWR)) >= 0);
	CHECK(open("a fifo", O_WRONLY) == both + 1 && write(both, "x", 1) == 1 && close(both) == 0);
}

static void set_owner(void) { CHECK(fcntl(make_file("owned"), F_SETOWN, 1) == 0); }
static void set_owner_group(void) { CHECK(fcntl(make_file("owned"), F_SETOWN, -atoi(arg)) == 0); }

static void set_notify(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	may(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
}

static void set_fanotify(void) { may(syscall(SYS_fanotify_init, 0, 0)); }
static void set_socket(void) { CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0); }
static void set_device(void) { may(open("/dev/ptmx", O_RDWR | O_NOCTTY)); }
static void set_proc_other(void) { CHECK(open("/proc/1/stat", O_RDONLY) == 3); }
static void set_pressure(void) { may(open("/proc/pressure/memory", O_RDWR)); }

static void open_proc_thread(void) { CHECK(open("/proc/thread-self/comm", O_RDONLY) == 3); }
static void set_proc_thread(void) { thread_that(open_proc_thread); }

/* A process that has ended since. */
static void set_proc_gone(void)
{
	char path[40];
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CHECK(pid > 0 && open(path, O_RDONLY) == 3 && waitpid(pid, NULL, 0) == pid);
}

/* Of the program before execve(), whose memory it keeps. */
static void set_proc_exec(void)
{
	if (!strcmp(arg, "again")) {
		CHECK(fcntl(3, F_GETFD) == 0);
		return;
	}
	CHECK(open("/proc/self/mem", O_RDONLY) == 3);
	execl("/proc/self/exe", "refused", "proc_exec", "again", NULL);
	CHECK(false);
}

/* The file lives on in a message that nobody has read. */
static void send_away(int fd)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = {
		.h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct msghdr m = { .msg_iov = &(struct iovec){ "x", 1 }, .msg_iovlen = 1,
			    .msg_control = &c, .msg_controllen = sizeof(c) };
	int s[2];

	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0 && sendmsg(s[0], &m, 0) == 1);
	close(fd);
}

static void set_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), fd = eventfd(1, 0);

	CHECK(ep >= 0 && fd >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	send_away(fd);
}

static void set_pidfd(void) { may(syscall(SYS_pidfd_open, 1, 0)); }

/* The file that is watched has no name any more, but a descriptor. */
static void set_inotify(void)
{
	int in = inotify_init1(0), fd = make_file("watched");

	CHECK(in >= 0 && inotify_add_watch(in, "watched", IN_MODIFY) == 1);
	CHECK(unlink("watched") == 0 && fd >= 0);
}

static void set_unread(void)
{
	int in = inotify_init1(0);

	CHECK(in >= 0 && inotify_add_watch(in, arg, IN_ATTRIB) == 1 && chmod(arg, 0700) == 0);
}

static void set_lease(void)
{
	int fd = open(arg, O_RDONLY);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	may(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK(open(arg, O_WRONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK);
}

static void set_packets(void)
{
	int p[2];

	CHECK(pipe2(p, O_DIRECT) == 0);
	may(fcntl(p[0], F_SETPIPE_SZ, 2048 * 4096));
	for (int i = 0; i < 1025; i++)
		CHECK(write(p[1], "x", 1) == 1);
}

/* ---- signals, credentials ---- */

static void set_flood(void)
{
	union sigval v = { .sival_int = 1 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 257; i++)
		CHECK(sigqueue(getpid(), SIGRTMIN, v) == 0);
}

static const struct { const char *name; void (*set)(void); } modes[] = {
	{ "none", set_none }, { "child", set_child }, { "dead_child", set_dead_child },
	{ "timers", set_timers }, { "alarm_timer", set_alarm_timer },
	{ "personality", set_personality }, { "uts", set_uts },
	{ "seccomp", set_seccomp }, { "own_files", set_own_files }, { "dispatch", set_dispatch },
	{ "sem_undo", set_sem_undo }, { "ports", set_ports },
	{ "tls", set_tls }, { "leader_gone", set_leader_gone }, { "sysv", set_sysv },
	{ "may_write", set_may_write }, { "uffd", set_uffd },
	{ "ldt", set_ldt }, { "deleted_cwd", set_deleted_cwd },
	{ "chroot", set_chroot }, { "locks", set_locks }, { "fifo", set_fifo },
	{ "fifo_deleted", set_fifo_deleted }, { "fifo_unread", set_fifo_unread },
	{ "lock_mapped", set_lock_mapped }, { "lock_outside", set_lock_outside }, { "owner", set_owner },
	{ "owner_group", set_owner_group }, { "notify", set_notify }, { "fanotify", set_fanotify }, { "socket", set_socket },
	{ "epoll", set_epoll }, { "deleted_dir", set_deleted_dir },
	{ "deleted_path", set_deleted_path }, { "device", set_device },
	{ "proc_other", set_proc_other }, { "proc_thread", set_proc_thread },
	{ "proc_gone", set_proc_gone }, { "proc_exec", set_proc_exec }, { "pressure", set_pressure },
	{ "lease", set_lease }, { "pidfd", set_pidfd },
	{ "inotify", set_inotify }, { "unread", set_unread }, { "packets", set_packets },
	{ "flood", set_flood },
};

int main(int argc, char **argv)
{
	CHECK(argc >= 2);
	arg = argc > 2 ? argv[2] : "/dev/null";
	prog_init();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]))
			continue;
		modes[i].set();
		prog_ready();
		prog_done();
	}
	prog_say("FAIL no mode '%s'", argv[1]);
	return 1;
}
