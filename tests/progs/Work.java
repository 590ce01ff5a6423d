// SPDX-License-Identifier: GPL-2.0
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/*
 * Work PAUSE_MS, the last jobs when there is a file `finish`: hash chains in a pool of threads, soon compiled; a timer; a
 * thread in a selector (epoll and eventfd) that is woken; garbage all along.
 * Prints a sum over everything, which depends on nothing but itself.
 */
public class Work {
	static final int JOBS = 250;

	static long mix(long h, long n) {
		h ^= n;
		for (int i = 0; i < 2000; i++) {
			h *= 0x9E3779B97F4A7C15L;
			h ^= h >>> 29;
		}
		return h;
	}

	static long job(int job) {
		long h = job;
		for (int i = 0; i < 300; i++) {
			ByteArrayOutputStream garbage = new ByteArrayOutputStream(4096);
			garbage.write(i);
			h = mix(h, garbage.toByteArray()[0]);
		}
		return h;
	}

	/* Sums up the numbers, each time that it is woken. */
	static long listen(Selector selector, Queue<Integer> numbers) throws Exception {
		long sum = 0;

		for (int got = 0; got < JOBS;) {
			selector.select();
			for (Integer n; (n = numbers.poll()) != null; got++)
				sum = sum * 31 + n;
		}
		return sum;
	}

	public static void main(String[] args) throws Exception {
		int pause = Integer.parseInt(args[0]);
		ExecutorService pool = Executors.newFixedThreadPool(4), listener = Executors.newSingleThreadExecutor();
		ScheduledExecutorService clock = Executors.newScheduledThreadPool(1);
		AtomicInteger ticks = new AtomicInteger();
		Selector selector = Selector.open();
		Queue<Integer> numbers = new ConcurrentLinkedQueue<>();
		Future<Long> heard = listener.submit(() -> listen(selector, numbers));
		List<Future<Long>> done = new ArrayList<>();
		long sum = 0;

		clock.scheduleAtFixedRate(ticks::incrementAndGet, 0, 20, TimeUnit.MILLISECONDS);
		for (int j = 0; j < JOBS; j++) {
			final int number = j;

			/* Not done before all snapshots are, however slow the machine is. */
			while (j == JOBS - 50 && pause > 0 && !new File("finish").exists())
				Thread.sleep(10);
			done.add(pool.submit(() -> job(number)));
			numbers.add(j);
			selector.wakeup();
			int before = ticks.get();
			Thread.sleep(pause);
			/* While it sleeps, the timer must go on. */
			for (int i = 0; pause > 0 && j % 50 == 49 && ticks.get() == before; i++) {
				if (i == 1000)
					throw new Exception("the timer stands");
				Thread.sleep(10);
			}
		}
		for (Future<Long> f : done)
			sum = sum * 31 + f.get();
		System.out.println(Long.toHexString(sum) + " " + Long.toHexString(heard.get()));
		pool.shutdown();
		listener.shutdown();
		clock.shutdown();
	}
}
