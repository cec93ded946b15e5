import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { type Owners, startOwners } from '#identify/owners/thread.ts'
import type { SocketKey } from '#model/owner.ts'
import { holdSockets, manySockets } from '../test/support/sockets.ts'
import { findProgram, median, printBench, type Row, timeProgram } from './bench.ts'
import { watchTurns } from './turns.ts'

export const title = 'Owners of new connections (eBPF)'

const CONNECTS = 3_000
const PAIRS = 24
const PER_SECOND = 5_000
const SECONDS = 4
const IDLE_MS = 5_000
const SOCKETS = 30_000
const TABLE_ROUNDS = 7
/** Rows that become objects before the event loop has its turn: what a page of the API takes, and more. */
const ROWS_AT_ONCE = 1_000

/**
 * Connects to itself over loopback and closes with RST, COUNT times, RATE a second (0: as fast as it goes). Says its
 * listening port, each local port with the number of the connection, and in the end the middle of all connect() times in nanoseconds.
 */
const SOURCE = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000L + t.tv_nsec; }
static int order(const void *a, const void *b) { long x = *(long *)a, y = *(long *)b; return (x > y) - (x < y); }
int main(int argc, char **argv) {
  int count = atoi(argv[1]), rate = atoi(argv[2]);
  struct sockaddr_in at = {.sin_family = AF_INET}, me;
  socklen_t size = sizeof at;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(server, (void *)&at, size) || listen(server, 4096) || getsockname(server, (void *)&at, &size)) return 2;
  printf("%d\\n", ntohs(at.sin_port)); fflush(stdout);
  prctl(PR_SET_TIMERSLACK, 1);
  pid_t child = fork();
  if (child == 0) for (;;) { int fd = accept(server, 0, 0); if (fd >= 0) close(fd); }
  long *took = malloc(count * sizeof(long)), start = now();
  struct linger reset = {1, 0};
  for (int i = 0; i < count; i++) {
    if (rate) while (now() - start < i * (1000000000L / rate)) usleep(10);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    at.sin_addr.s_addr = htonl(0x7f010000 + i);
    long before = now();
    if (connect(fd, (void *)&at, size)) return 3;
    took[i] = now() - before;
    if (rate) { getsockname(fd, (void *)&me, &size); printf("%d %d\\n", ntohs(me.sin_port), i); if (i % 50 == 49) fflush(stdout); }
    close(fd);
  }
  kill(child, SIGKILL);
  qsort(took, count, sizeof(long), order);
  printf("p50 %ld\\n", took[count / 2]);
  return 0;
}`

export async function run(): Promise<readonly Row[]> {
  const compiler = findProgram('cc')
  if (compiler === undefined) throw new Error('this bench needs a C compiler (apt install gcc)')
  const folder = mkdtempSync(join(tmpdir(), 'gh-bench-owners-'))
  const program = join(folder, 'connects')
  writeFileSync(`${program}.c`, SOURCE)
  execFileSync(compiler, ['-O2', '-o', program, `${program}.c`])
  try {
    return [...(await connectCost(program)), ...(await attributionCost(program)), ...(await wholeTable())]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * With and without take turns, in changing order, and each is compared with its neighbour: what else the machine does
 * meets both alike.
 */
async function connectCost(program: string): Promise<Row[]> {
  const times = { with: [] as number[], without: [] as number[] }
  for (let pair = 0; pair < PAIRS; pair++) {
    if (pair % 2 === 0) times.without.push(middleConnect(program))
    const owners = await startReady()
    times.with.push(middleConnect(program))
    await owners.stop()
    if (pair % 2 === 1) times.without.push(middleConnect(program))
  }
  const more = times.with.map((time, pair) => (time / (times.without[pair] as number) - 1) * 100)
  const row = (who: string, values: readonly number[]): Row => ({
    what: 'connect() over loopback, p50',
    who,
    value: median(values),
    unit: 'µs',
    better: 'less',
    note: `middle of ${PAIRS} rounds of ${CONNECTS}; best ${Math.min(...values).toFixed(2)}`,
  })
  return [
    row('with gatehouse', times.with),
    row('without', times.without),
    {
      what: 'what that costs a connect(), bytes counted',
      who: 'gatehouse',
      value: median(more),
      unit: '%',
      better: 'less',
      note: `middle of ${PAIRS} pairs; the best rounds differ by ${((Math.min(...times.with) / Math.min(...times.without) - 1) * 100).toFixed(1)} %`,
    },
  ]
}

function middleConnect(program: string): number {
  const text = execFileSync(program, [String(CONNECTS), '0'], { encoding: 'utf8' })
  return Number(/p50 (\d+)/.exec(text)?.[1]) / 1_000
}

/** Each connection is asked for as it comes, as the capture thread would; all of them are over by then. */
async function attributionCost(program: string): Promise<Row[]> {
  const owners = await startReady()
  try {
    const idleFrom = process.cpuUsage()
    await pause(IDLE_MS)
    const idle = cpuMs(idleFrom) / IDLE_MS
    const total = PER_SECOND * SECONDS
    const [startedAt, cpuFrom] = [performance.now(), process.cpuUsage()]
    const { found, pid } = await attributeAll(owners, program, total)
    const tookMs = performance.now() - startedAt
    const row = (what: string, value: number, unit: string, better: Row['better'], note: string): Row => ({
      what,
      who: 'gatehouse',
      value,
      unit,
      better,
      note,
    })
    return [
      row('idle', idle * 100, '% of a core', 'less', 'with whatever else starts programs on this machine'),
      row(
        `${PER_SECOND} new connections a second`,
        (cpuMs(cpuFrom) / tookMs) * 100,
        '% of a core',
        'less',
        `both threads and this bench; ${Math.round(total / (tookMs / 1_000))} a second came`,
      ),
      row(
        'known exactly',
        (found / total) * 100,
        '%',
        'more',
        `${found} of ${total} have pid ${pid} and its path`,
      ),
    ]
  } finally {
    await owners.stop()
  }
}

async function attributeAll(
  owners: Owners,
  program: string,
  total: number,
): Promise<{ readonly found: number; readonly pid: number }> {
  const child = spawn(program, [String(total), String(PER_SECOND)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = child.pid as number
  const closed = once(child, 'close')
  let [found, answered, asked, peerPort] = [0, 0, 0, 0]
  owners.onAnswer((answers) => {
    answered += answers.length
    for (const { owner } of answers) if (owner?.pid === pid && owner.path === program) found++
  })
  let batch: SocketKey[] = []
  createInterface(child.stdout).on('line', (line) => {
    const [localPort = 0, number] = line.split(' ').map(Number)
    if (number === undefined) peerPort = localPort
    else if (localPort > 0) batch.push(keyOf(localPort, number, peerPort))
  })
  const send = (): void => {
    asked += batch.length
    owners.request(batch)
    batch = []
  }
  const beat = setInterval(send, 100)
  await closed
  await pause(200)
  clearInterval(beat)
  send()
  for (let tries = 0; answered < asked && tries < 100; tries++) await pause(50)
  return { found, pid }
}

/** Each connection has an address of its own: ports come again within seconds. */
const keyOf = (localPort: number, number: number, peerPort: number): SocketKey => ({
  protocol: 6,
  localAddress: '127.0.0.1',
  localPort,
  peerAddress: `127.1.${(number >> 8) & 255}.${number & 255}`,
  peerPort,
})

/** All sockets with their owners, as objects; who asks lets the event loop turn between slices. */
async function wholeTable(): Promise<Row[]> {
  // A program has 20,000 files open at most on many machines.
  const holders = [await holdMany(), await holdMany()]
  const owners = await startReady()
  const ss = findProgram('ss')
  const [ours, theirs, stalls] = [[] as number[], [] as number[], [] as number[]]
  try {
    for (let round = 0; round < TABLE_ROUNDS; round++) {
      const { tookMs, stallMs } = await readTable(owners, new Set(holders.map(({ pid }) => pid)))
      ours.push(tookMs)
      stalls.push(stallMs)
      if (ss) theirs.push(timeProgram(ss, ['-tunap']).wall * 1_000)
    }
  } finally {
    await owners.stop()
    for (const holder of holders) await holder.stop()
  }
  const what = `${SOCKETS} sockets with owners`
  const row = { what, unit: 'ms', better: 'less' } as const
  return [
    { ...row, who: 'gatehouse', value: median(ours), note: `the first time ${ours[0]?.toFixed(0)} ms` },
    ...(ss ? [{ ...row, who: 'ss', value: median(theirs), note: 'ss -tunap' }] : []),
    {
      what: 'longest turn of the event loop by that, of CPU',
      who: 'gatehouse',
      value: median(stalls),
      unit: 'ms',
      better: 'less',
      note: `of ${TABLE_ROUNDS} times the middle; the worst ${Math.max(...stalls).toFixed(1)}`,
    },
  ]
}

const holdMany = () => holdSockets<{ sockets: number }>(manySockets(SOCKETS / 4))

async function readTable(
  owners: Owners,
  pids: ReadonlySet<number>,
): Promise<{ tookMs: number; stallMs: number }> {
  const turns = watchTurns()
  const startedAt = performance.now()
  const list = await owners.listSockets()
  let owned = 0
  for (let row = 0; row < list.count; row++) {
    if (pids.has(list.at(row).owner?.pid ?? 0)) owned++
    if (row % ROWS_AT_ONCE === 0) await nextTurn()
  }
  const tookMs = performance.now() - startedAt
  const stallMs = await turns.longestMs()
  if (owned < SOCKETS) throw new Error(`only ${owned} of ${SOCKETS} sockets have their owner`)
  return { tookMs, stallMs }
}

const cpuMs = (from: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1_000
}

/** A thread that answers is a thread whose programs are attached. */
async function startReady(): Promise<Owners> {
  const owners = startOwners()
  await new Promise<void>((resolve) => {
    owners.onAnswer(() => resolve())
    owners.request([
      { protocol: 1, localAddress: '0.0.0.0', localPort: 0, peerAddress: '0.0.0.0', peerPort: 0 },
    ])
  })
  if (owners.health.state !== 'ok') throw new Error(owners.health.reason)
  return owners
}

if (import.meta.main) await printBench({ title, run })
