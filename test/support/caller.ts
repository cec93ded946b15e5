import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Connects or sends once: HOST PORT KIND, where KIND is tcp, udp (one sendto) or udp-connected. Ends with the errno. With
 * a fourth word, a mark, it gives that to the socket before, and prints the mark that the socket has in the end.
 */
const SOURCE = `
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
  struct addrinfo hints = {0}, *to;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = argc > 3 && strcmp(argv[3], "tcp") ? SOCK_DGRAM : SOCK_STREAM;
  if (argc < 4 || getaddrinfo(argv[1], argv[2], &hints, &to)) return 254;
  int fd = socket(to->ai_family, to->ai_socktype, 0);
  if (fd < 0) return errno;
  if (argc > 4) {
    unsigned mark = strtoul(argv[4], 0, 0);
    socklen_t length = sizeof mark;
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, length)) return errno;
    int failed = connect(fd, to->ai_addr, to->ai_addrlen) ? errno : 0;
    getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &length);
    printf("%#010x", mark);
    return failed;
  }
  if (!strcmp(argv[3], "udp")) return sendto(fd, "x", 1, 0, to->ai_addr, to->ai_addrlen) < 0 ? errno : 0;
  return connect(fd, to->ai_addr, to->ai_addrlen) ? errno : 0;
}`

/** Builds it as FOLDER/NAME and answers that path; needs a C compiler. */
export function buildCaller(folder: string, name: string): string {
  const [source, program] = [join(folder, `${name}.c`), join(folder, name)]
  writeFileSync(source, SOURCE)
  execFileSync('cc', ['-O1', '-static', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] })
  return program
}
