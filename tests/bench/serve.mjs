// Commands that come line by line, as harness.c has it: each is answered by a line.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

// commands: name → async (...words) => answer
export async function serve(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...words] = line.split(' ');
    if (!(name in commands)) throw new Error(`no such command: ${line}`);
    process.stdout.write(`${await commands[name](...words)}\n`);
  }
}

// The same clock as harness.c's.
function now() {
  if (process.env.BENCH_CLOCK !== 'cpu') return Number(process.hrtime.bigint()) / 1e9;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export async function seconds(work) {
  const start = now();
  await work();
  return now() - start;
}

// Bytes of memory that were resident at most.
export const peak = () => Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
