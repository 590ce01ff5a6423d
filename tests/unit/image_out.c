// SPDX-License-Identifier: GPL-2.0
/* Where an image goes: files whole or not at all, streams that wait, fail or say why. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/image_sample.h"

static char dir[] = "/tmp/ckptbpf-unit-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static unsigned int entries(void)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	need(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int write_image(struct ckpt_writer *w)
{
	int err = golden_write(&golden_images[0], w);

	return err ? err : ckpt_writer_finish(w);
}

/* Says the last failure what it should? Forgets it. */
static bool said(const char *what)
{
	bool good = ckpt_fail_text() && strstr(ckpt_fail_text(), what);

	if (!good)
		printf("# %s\n", ckpt_fail_text() ? ckpt_fail_text() : "nothing");
	ckpt_fail_clear();
	return good;
}

static void test_file(void)
{
	const char *path = in_dir("a.img");
	struct ckpt_writer *w, *w2;
	struct stat st, st2;

	umask(0);
	need(!ckpt_writer_open_path(&w, path, false));
	ok(stat(path, &st), "nothing has the name before it is complete");
	need(!ckpt_writer_open_path(&w2, path, false));
	ok(!write_image(w) && !stat(path, &st), "complete: it has its name");
	ok((st.st_mode & 07777) == 0600, "mode 0600 under umask 0");
	ckpt_writer_close(w);
	ok(write_image(w2) == -EEXIST && said("rename: EEXIST"), "a name taken meanwhile is not taken over");
	ckpt_writer_close(w2);
	ok(!stat(path, &st2) && st2.st_ino == st.st_ino, "the first image is untouched");
	ok(ckpt_writer_open_path(&w, path, false) == -EEXIST && said("a.img: open: EEXIST"),
	   "an existing file is refused at once");
	need(!ckpt_writer_open_path(&w, path, true));
	ckpt_writer_close(w);
	ok(!stat(path, &st2) && st2.st_ino == st.st_ino, "given up under force: the old one is there");
	need(!ckpt_writer_open_path(&w, path, true));
	ok(!write_image(w) && !stat(path, &st2) && st2.st_ino != st.st_ino, "force replaces it");
	ckpt_writer_close(w);
	need(!ckpt_writer_open_path(&w, in_dir("b.img"), false));
	ckpt_writer_fail(w, 1, -EIO, "snapshot: it failed");
	ok(entries() == 1, "nothing else is left in the folder");
	ok(ckpt_writer_open_path(&w, dir, true) == -EISDIR && said("EISDIR"), "a folder is refused");
	ok(ckpt_writer_open_path(&w, "/nowhere/x.img", false) == -ENOENT && said("open its folder: ENOENT"),
	   "a folder that is not there");
	unlink(in_dir("a.img"));
}

static void test_full(void)
{
	struct rlimit lim = { 8192, RLIM_INFINITY };
	struct ckpt_writer *w;

	need(!ckpt_writer_open_path(&w, "/dev/full", false));
	ok(write_image(w) == -ENOSPC && said("/dev/full: write: ENOSPC"), "a full disk");
	ckpt_writer_close(w);
	signal(SIGXFSZ, SIG_IGN);
	need(!setrlimit(RLIMIT_FSIZE, &lim));
	need(!ckpt_writer_open_path(&w, in_dir("c.img"), false));
	ok(write_image(w) == -EFBIG && said("c.img: write: EFBIG"), "a file that may not grow");
	ckpt_writer_close(w);
	lim.rlim_cur = RLIM_INFINITY;
	need(!setrlimit(RLIMIT_FSIZE, &lim));
	ok(!entries(), "nothing of it is left");
}

/* From now on call nr with any of these bits in this argument fails with err. */
static void deny(int nr, unsigned int arg, uint32_t bits, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * arg),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(99);
}

enum { NO_TMPFILE = 1, NO_NOREPLACE = 2 };

/* Write to path in a child on a filesystem that cannot do what is named: its -errno. */
static int write_crippled(const char *path, bool force, unsigned int what)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct ckpt_writer *w;
		int err;

		if (what & NO_TMPFILE)
			deny(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
		if (what & NO_NOREPLACE)
			deny(SYS_renameat2, 4, RENAME_NOREPLACE, EINVAL);
		err = ckpt_writer_open_path(&w, path, force);
		if (!err) {
			err = write_image(w);
			ckpt_writer_close(w);
		}
		_exit(-err);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Without nameless files, and without an atomic rename that does not replace. */
static void test_poor_filesystem(void)
{
	const char *path = in_dir("a.img");
	struct stat st;

	for (unsigned int what = NO_TMPFILE; what <= (NO_TMPFILE | NO_NOREPLACE); what += NO_NOREPLACE) {
		ok(!write_crippled(path, false, what) && !stat(path, &st) && (st.st_mode & 07777) == 0600,
		   "a filesystem without %s", what & NO_NOREPLACE ? "NOREPLACE" : "O_TMPFILE");
		ok(write_crippled(path, false, what) == -EEXIST, "an existing file is refused there");
		ok(!write_crippled(path, true, what), "and replaced by force");
		ok(entries() == 1, "nothing else is left there");
		unlink(path);
	}
}

/* A pipe that may not be opened anew, as it is another user's: no O_NONBLOCK, and yet a deadline. */
static void test_foreign_pipe(void)
{
	static uint8_t got[1 << 16];
	struct image img = sample(golden_images[0].name);
	size_t n = 0;
	ssize_t r;
	int fds[2], status;
	pid_t pid;

	if (getuid()) {
		printf("ok %d - another user's pipe # skip needs root\n", ++tap_count);
		return;
	}
	need(!pipe2(fds, O_CLOEXEC) && fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
	pid = fork();
	if (!pid) {
		struct ckpt_writer *w;
		int err;

		close(fds[0]);
		if (setresuid(65534, 65534, 65534) || ckpt_writer_open_fd(&w, fds[1]))
			_exit(98);
		ckpt_writer_deadline(w, ckpt_now_ns() + 10000000000ull);
		err = write_image(w);
		if (!err) {
			/* And once more, to nobody who reads it. */
			ckpt_writer_close(w);
			need(!ckpt_writer_open_fd(&w, fds[1]));
			ckpt_writer_deadline(w, ckpt_now_ns() + 50000000);
			err = write_image(w);
		}
		_exit(-err);
	}
	close(fds[1]);
	while (n < img.len && (r = read(fds[0], got + n, img.len - n)) > 0)
		n += (size_t)r;
	ok(n == img.len && !memcmp(got, img.p, n), "another user's pipe gets the whole image");
	need(waitpid(pid, &status, 0) == pid);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == ETIMEDOUT, "and is not waited for for ever");
	close(fds[0]);
	free(img.p);
}

static void test_null(void)
{
	struct ckpt_writer *w;
	struct stat st;

	need(!ckpt_writer_open_path(&w, "/dev/null", true));
	ok(!write_image(w) && !stat("/dev/null", &st) && S_ISCHR(st.st_mode), "a device is not replaced");
	ckpt_writer_close(w);
}

static void test_gone_reader(void)
{
	struct ckpt_writer *w;
	int fds[2];

	need(!pipe2(fds, O_CLOEXEC) && !ckpt_writer_open_fd(&w, fds[1]));
	close(fds[0]);
	ok(write_image(w) == -EPIPE && said("write: EPIPE"), "a pipe without a reader");
	ckpt_writer_close(w);
	close(fds[1]);

	/* All fits into the pipe; the reader leaves without it. */
	need(!pipe2(fds, O_CLOEXEC) && !ckpt_writer_open_fd(&w, fds[1]));
	need(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0 && !golden_write(&golden_images[0], w));
	close(fds[0]);
	ok(ckpt_writer_finish(w) == -EPIPE && said("reader: EPIPE"), "a reader that goes before it has all");
	ckpt_writer_close(w);
	close(fds[1]);

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds) && !ckpt_writer_open_fd(&w, fds[1]));
	close(fds[0]);
	ok(write_image(w) == -EPIPE && said("write: EPIPE"), "a socket without a reader");
	ckpt_writer_close(w);
	close(fds[1]);
}

static void test_slow_reader(void)
{
	struct ckpt_writer *w;
	uint64_t start;
	int fds[2], err;

	need(!pipe2(fds, O_CLOEXEC) && !ckpt_writer_open_fd(&w, fds[1]));
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	start = ckpt_now_ns();
	ckpt_writer_deadline(w, start + 50000000);
	err = write_image(w);
	ok(err == -ETIMEDOUT && said("write: ETIMEDOUT"), "a reader that does not read");
	ok(ckpt_now_ns() - start < 1000000000, "is given up on in time");
	ok(!(fcntl(fds[1], F_GETFL) & O_NONBLOCK), "the caller's description is as it was");
	/* Half a record is in the pipe: nothing more may follow it. */
	ckpt_writer_fail(w, 5, -ETIMEDOUT, "late");
	close(fds[0]);
	close(fds[1]);

	need(!pipe2(fds, O_CLOEXEC) && !ckpt_writer_open_fd(&w, fds[1]));
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	need(!golden_write(&golden_images[0], w));
	ckpt_writer_deadline(w, ckpt_now_ns() + 20000000);
	ok(ckpt_writer_finish(w) == -ETIMEDOUT && said("reader: ETIMEDOUT"),
	   "finish() waits for the reader, not for ever");
	ckpt_writer_close(w);
	close(fds[0]);
	close(fds[1]);
}

/* A failed snapshot says why to who reads the stream. */
static void test_error(bool with_header)
{
	struct golden g = { .format = CKPT_FORMAT };
	struct ckpt_reader *r;
	struct ckpt_rec rec;
	int fds[2], got;

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds) && !ckpt_writer_open_fd(&g.w, fds[1]));
	if (with_header)
		put_frames(&g);
	ckpt_writer_fail(g.w, 77, -ENOMEM, "snapshot: dump: pid 77: \033[31mvma: ENOMEM");
	need(!shutdown(fds[1], SHUT_WR) && !ckpt_reader_open(&r, fds[0]));
	while ((got = ckpt_read_record(r, &rec)) == 1)
		;
	ok(got < 0 && said("holds no snapshot but its failure: snapshot: dump: pid 77: ?[31mvma: ENOMEM"),
	   "a failure %s is told through the stream", with_header ? "after the header" : "before anything");
	ckpt_reader_close(r);
	close(fds[1]);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	need(mkdtemp(dir));
	test_file();
	test_full();
	test_poor_filesystem();
	test_foreign_pipe();
	test_null();
	test_gone_reader();
	test_slow_reader();
	test_error(false);
	test_error(true);
	rmdir(dir);
	return tap_done();
}
