import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RuleClasses } from '#enforce/program-classes.ts'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import type { ProgramQuestion } from '#model/program-question.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { median, type Row } from './bench.ts'

export const title = 'Rules by program: what they cost a socket() and a connect()'

const CALLS = 20_000
const ROUNDS = 11

/** Prints the middle of what a socket() and a connect() took, in nanoseconds: datagrams, of which none is sent. */
const SOURCE = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000L + t.tv_nsec; }
static int order(const void *a, const void *b) { return *(long *)a < *(long *)b ? -1 : 1; }
int main(int argc, char **argv) {
  int calls = atoi(argv[1]);
  long *opens = calloc(calls, sizeof(long)), *connects = calloc(calls, sizeof(long));
  struct sockaddr_in to = { AF_INET, htons(9), { htonl(INADDR_LOOPBACK) } };
  for (int at = 0; at < calls; at++) {
    long start = now();
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    long opened = now();
    if (fd < 0 || connect(fd, (void *)&to, sizeof to)) return 1;
    connects[at] = now() - opened;
    opens[at] = opened - start;
    close(fd);
  }
  qsort(opens, calls, sizeof(long), order);
  qsort(connects, calls, sizeof(long), order);
  printf("%ld %ld", opens[calls / 2], connects[calls / 2]);
}`

/** What rules ask for: nothing, the program, or where it runs too. */
const TRIALS: readonly { readonly who: string; readonly asked: readonly ProgramQuestion[] }[] = [
  { who: 'no rule by program', asked: [] },
  { who: 'rules by path', asked: [{ kind: 'program', values: ['/usr/bin/curl'] }] },
  {
    who: 'rules by path and unit',
    asked: [
      { kind: 'program', values: ['/usr/bin/curl'] },
      { kind: 'unit', values: ['ssh.service'] },
    ],
  },
]

/** For the processes of a control group of our own: nobody else is marked. Needs root and a C compiler. */
export async function run(): Promise<readonly Row[]> {
  if (process.getuid?.() !== 0 || spawnSync('cc', ['--version']).status !== 0) {
    console.log('  left out: rules by program need root, and this a C compiler')
    return []
  }
  const folder = mkdtempSync(join(tmpdir(), 'gh-bench-classes-'))
  const mount = parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) ?? ''
  const group = join(mount, `gh-bench-${process.pid}`)
  // As deep as services are.
  const inner = join(group, 'system.slice', 'bench.service')
  mkdirSync(inner, { recursive: true })
  try {
    const program = join(folder, 'opens')
    writeFileSync(`${program}.c`, SOURCE)
    execFileSync('cc', ['-O2', '-o', program, `${program}.c`])
    return measured(program, { folder, group, inner })
  } finally {
    rmSync(folder, { recursive: true })
    for (const path of [inner, join(group, 'system.slice'), group]) rmdirSync(path)
  }
}

interface Places {
  readonly folder: string
  readonly group: string
  readonly inner: string
}

function measured(program: string, { folder, group, inner }: Places): Row[] {
  const taken = TRIALS.map((): { socket: number[]; connect: number[] } => ({ socket: [], connect: [] }))
  // In turn, so that other work on the machine falls on all alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { asked }] of TRIALS.entries()) {
      const classes = classesFor(asked, { folder, group })
      const [socket = 0, connect = 0] = execFileSync('sh', [
        '-c',
        `echo $$ > ${inner}/cgroup.procs && exec ${program} ${CALLS}`,
      ])
        .toString()
        .split(' ')
        .map(Number)
      taken[at]?.socket.push(socket)
      taken[at]?.connect.push(connect)
      classes.stop(false)
    }
  }
  return (['socket', 'connect'] as const).flatMap((what) =>
    TRIALS.map(
      ({ who }, at): Row => ({
        what: `${what}() with ${who}, p50`,
        who: 'gatehouse',
        value: median(taken[at]?.[what] ?? []),
        unit: 'ns',
        better: 'less',
        note: `${ROUNDS} × ${CALLS} datagram sockets`,
      }),
    ),
  )
}

function classesFor(
  asked: readonly ProgramQuestion[],
  { folder, group }: Pick<Places, 'folder' | 'group'>,
): RuleClasses {
  const classes = new RuleClasses({
    mask: 0xff000000,
    isStrict: false,
    yields: false,
    file: join(folder, 'classes.json'),
    containersOf: () => [],
    filesOf: () => undefined,
    met: () => {},
    say: () => {},
    pins: join(folder, 'pins'),
    outlives: false,
    cgroup: group,
  })
  const program: RuleProgram = {
    sets: [],
    meters: [],
    branches: [],
    classes: asked.map((question, at) => ({ name: `programs${at}`, question, isTrue: true })),
    chains: { inbound: [], outbound: [], forward: [] },
  }
  classes.filled(program)
  if (classes.trouble) throw new Error(classes.trouble.reason)
  return classes
}
