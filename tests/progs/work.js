// SPDX-License-Identifier: GPL-2.0
// work.js FOLDER PAUSE_MS: a hash chain of 250 steps, each by a worker thread and
// into a file, the last ones when there is a file `finish`; another timer; the folder watched. Prints the end of the chain
// and which of these have been heard of.
'use strict';
const fs = require('fs');
const path = require('path');
const { Worker } = require('worker_threads');

const [folder, pause] = [process.argv[2], Number(process.argv[3])];
const steps = 250;
const file = fs.createWriteStream(path.join(folder, 'chain'));
const worker = new Worker(`
	const { createHash } = require('crypto');
	const { parentPort } = require('worker_threads');
	parentPort.on('message', (text) => parentPort.postMessage(createHash('sha256').update(text).digest('hex')));
`, { eval: true });
let step = 0, ticks = 0, seen = new Set();

const watch = fs.watch(folder, (_, name) => seen.add(name));
const clock = setInterval(() => ticks++, 20);

// Not done before all snapshots are, however slow the machine is.
async function finish(next) {
	while (!fs.existsSync('finish'))
		await new Promise((done) => setTimeout(done, 10));
	worker.postMessage(next);
}

async function end(last) {
	await new Promise((done) => file.end(done));
	// Written now, long after any snapshot: the watch must still see it.
	await fs.promises.writeFile(path.join(folder, 'last'), last);
	const before = ticks;
	for (let i = 0; i < 500 && (!seen.has('last') || ticks === before); i++)
		await new Promise((done) => setTimeout(done, 10));
	console.log(last, step, seen.has('last') ? 'watched' : 'not watched', ticks > before ? 'ticked' : 'stood');
	watch.close();
	clearInterval(clock);
	await worker.terminate();
}

worker.on('message', (digest) => {
	file.write(`${step} ${digest}\n`);
	if (++step === steps)
		end(digest);
	else if (step === steps - 50 && pause > 0)
		finish(digest + step);
	else
		setTimeout(() => worker.postMessage(digest + step), pause);
});
worker.postMessage('begin');
