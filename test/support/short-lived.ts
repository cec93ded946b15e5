import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A program that connects once and lives about as long as it is told: arguments are HOST PORT MICROSECONDS KIND, where
 * KIND is tcp, udp (one sendto) or udp-connected. Says its local port on stdout for UDP.
 */
const SOURCE = `
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct addrinfo hints = {0}, *to;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = strcmp(argv[4], "tcp") ? SOCK_DGRAM : SOCK_STREAM;
  if (argc < 5 || getaddrinfo(argv[1], argv[2], &hints, &to)) return 2;
  int fd = socket(to->ai_family, to->ai_socktype, 0);
  if (!strcmp(argv[4], "udp")) sendto(fd, "x", 1, 0, to->ai_addr, to->ai_addrlen);
  else if (connect(fd, to->ai_addr, to->ai_addrlen)) return 3;
  if (!strcmp(argv[4], "udp-connected")) send(fd, "x", 1, 0);
  struct sockaddr_in6 me; socklen_t size = sizeof me;
  getsockname(fd, (struct sockaddr *)&me, &size);
  printf("%d\\n", ntohs(me.sin6_port)); fflush(stdout);
  usleep(atoi(argv[3]));
  return 0;
}`

/** Builds it as FOLDER/NAME and answers that path; needs a C compiler. */
export function buildShortLived(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true })
  const [source, program] = [join(folder, `${name}.c`), join(folder, name)]
  writeFileSync(source, SOURCE)
  execFileSync('cc', ['-O1', '-static', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] })
  return program
}

export interface Ended {
  readonly pid: number
  readonly localPort: number
  readonly livedMs: number
}

/** Runs it to its end. */
export function runShortLived(program: string, args: readonly string[]): Promise<Ended> {
  const startedAt = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code !== 0) reject(new Error(`${program} ended with ${code}`))
      else
        resolve({ pid: child.pid as number, localPort: Number(said), livedMs: performance.now() - startedAt })
    })
  })
}
