import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasCompiler = (): boolean => spawnSync('cc', ['--version']).status === 0

/** Compiles a program in C, which is gone after its use. */
export async function withProgram(source: string, use: (program: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gh-compiled-'))
  const program = join(folder, 'program')
  try {
    writeFileSync(`${program}.c`, source)
    execFileSync('cc', ['-o', program, `${program}.c`])
    await use(program)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One datagram to itself, looked at and read, and nothing left; the same over a pair of Unix sockets. Waits for its end. */
export const PEEKING = `
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  char room[100];
  int own = socket(AF_INET, SOCK_DGRAM, 0), pair[2];
  if (bind(own, (void *)&at, size) || getsockname(own, (void *)&at, &size)) return 2;
  if (sendto(own, "hello", 5, 0, (void *)&at, size) != 5) return 3;
  if (recv(own, room, sizeof room, MSG_PEEK) != 5 || recv(own, room, sizeof room, 0) != 5) return 4;
  if (recv(own, room, sizeof room, MSG_DONTWAIT) != -1) return 5;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || send(pair[0], "elsewhere", 9, 0) != 9) return 6;
  if (recv(pair[1], room, sizeof room, 0) != 9) return 7;
  puts("done"); fflush(stdout);
  return read(0, room, 1) < 0;
}`
